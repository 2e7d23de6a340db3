"""The worker processes: started, signalled, and started again when they have ended."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from faults.chaos.record import FOLDER
from line import Line

TESTS = Path(__file__).parents[2]
ROWBELL = Path(sys.executable).with_name("rowbell")
AGAIN_SECONDS = 0.3
STOP_SECONDS = 30.0


@dataclass(slots=True)
class Life:
    """One process, from its start to its end."""

    process: int
    log: Path
    began: float
    ended: float | None = None
    code: int | None = None
    asked: str = ""
    """killed or drained, if that was asked for; empty: it should have lived."""
    stops: list[tuple[float, float]] = field(default_factory=list)
    """From when to when it stood still."""

    @property
    def was_ready(self) -> bool:
        return '"event":"service.ready"' in self.log.read_text(errors="replace")


class Seat:
    """A place in the fleet: a worker behind a network of its own, replaced when it ends."""

    def __init__(self, name: str, folder: Path, line: Line, environment: dict[str, str]) -> None:
        self.name = name
        self.line = line
        self.lives: list[Life] = []
        self.is_disturbed = False
        """True while a fault is upon it: one at a time."""
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keep a worker running, until cancelled; then none runs."""
        try:
            while True:
                life = await self._start()
                assert self._process
                life.code = await self._process.wait()
                life.ended = time.time()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await self._end()

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def kill(self) -> None:
        self.life.asked = "killed"
        self._signal(signal.SIGKILL)

    def drain(self) -> None:
        self.life.asked = "drained"
        self._signal(signal.SIGTERM)

    async def stand_still(self, seconds: float) -> None:
        life, began = self.life, time.time()
        self._signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if life is self.life:
                self._signal(signal.SIGCONT)
            life.stops.append((began, time.time()))

    async def _start(self) -> Life:
        log = self._folder / f"{self.name}-{len(self.lives) + 1}.log"
        with log.open("wb") as file:
            self._process = await asyncio.create_subprocess_exec(
                ROWBELL,
                "worker",
                env=self._environment,
                cwd=TESTS,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )
        self.lives.append(Life(self._process.pid, log, time.time()))
        return self.life

    async def _end(self) -> None:
        """Drain it: an exit code other than 0 is a finding, and so is one that will not end."""
        if self._process is None or self._process.returncode is not None:
            return
        self.drain()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                self.life.code = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self.life.ended = time.time()

    def _signal(self, number: int) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)


def environment(url: str, record: Path, lease_seconds: float) -> dict[str, str]:
    """For workers that notice soon: everything that is slow by default is made quick."""
    return {
        FOLDER: str(record),
        "PYTHONPATH": str(TESTS),
        "ROWBELL_DATABASE_URL": url,
        "ROWBELL_HANDLERS": "faults.chaos.kinds",
        "ROWBELL_SLOTS": "150",
        "ROWBELL_LEASE_SECONDS": str(lease_seconds),
        "ROWBELL_SWEEP_SECONDS": "1",
        "ROWBELL_PROBE_SECONDS": "1",
        "ROWBELL_DRAIN_SECONDS": "2",
        "ROWBELL_LOG_FORMAT": "json",
    }
