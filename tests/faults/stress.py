"""Writers and workers in every rhythm, and no sweep: what was committed has to run at once.

From tests/: python -m faults.stress [--seconds 60] [--writers 8] [--workers 1 2 8] [--seed 7]. A
server of its own. Sweeps come every 30 s at most, so a row that only a sweep finds is found late,
and said to be: any row that took longer than LATE_SECONDS, or `sweep.found`, is a failure.
"""

import argparse
import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import structlog

from rowbell.config import Settings
from rowbell.db.migrate import migrate
from rowbell.decorator import describe
from rowbell.handlers import Handlers
from rowbell.runtime import Service

from postgres import Server, embedded_binaries

LATE_SECONDS = 15.0
"""Well before a sweep could come."""
INSERT = "insert into rowbell.tasks (kind, payload) values ('stress', $1)"


@dataclass(slots=True)
class Stress:
    """One run; `missing` and `slowest` say how it went."""

    url: str
    writers: int
    workers: int
    seconds: float
    dice: random.Random
    committed: dict[int, float] = field(default_factory=dict)
    seen: dict[int, float] = field(default_factory=dict)
    swept: list[structlog.typing.EventDict] = field(default_factory=list)
    _number: int = 0

    @property
    def missing(self) -> set[int]:
        return self.committed.keys() - self.seen.keys()

    @property
    def slowest(self) -> float:
        """Seconds from a commit to the handler; a row may be seen before its commit returns."""
        return max(self.seen[number] - at for number, at in self.committed.items())

    async def run(self) -> None:
        settings = Settings.load({}, database_url=self.url, sweep_seconds=30)
        with structlog.testing.capture_logs() as events:
            async with asyncio.TaskGroup() as group:
                services = [await self._start(group, settings) for _ in range(self.workers)]
                async with asyncio.TaskGroup() as writing:
                    for _ in range(self.writers):
                        writing.create_task(self._write())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LATE_SECONDS):
                        while self.missing:
                            await asyncio.sleep(0.02)
                for service in services:
                    service.stop()
        self.swept = [event for event in events if event["event"] == "sweep.found"]

    async def _start(self, group: asyncio.TaskGroup, settings: Settings) -> Service:
        ready = asyncio.Event()
        service = Service(
            settings,
            with_api=False,
            handlers=Handlers(describe(self.stress)),
            greet=lambda _: ready.set(),
            orders=_NoSignals(),  # type: ignore[arg-type]
        )
        group.create_task(service.run())
        await ready.wait()
        return service

    async def stress(self, payload: dict[str, int]) -> None:
        """Note when."""
        self.seen.setdefault(payload["number"], time.monotonic())

    async def _write(self) -> None:
        connection = await asyncpg.connect(self.url)
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            await asyncio.sleep(self.dice.choice([0, 0, 0.001, self.dice.expovariate(30)]))
            await self._transaction(connection)
        await connection.close()

    async def _transaction(self, connection: asyncpg.Connection) -> None:
        """Rows, rows within savepoints that stay or go, a pause; then COMMIT or ROLLBACK."""
        numbers: list[int] = []
        transaction = connection.transaction()
        await transaction.start()
        for _ in range(self.dice.choice([1, 1, 1, 2, 5])):
            if self.dice.random() < 0.3:
                savepoint = connection.transaction()
                await savepoint.start()
                number = await self._insert(connection)
                if self.dice.random() < 0.5:
                    await savepoint.rollback()
                    continue
                await savepoint.commit()
                numbers.append(number)
            else:
                numbers.append(await self._insert(connection))
        if self.dice.random() < 0.03:
            await asyncio.sleep(0.5)
        if self.dice.random() < 0.15:
            await transaction.rollback()
            return
        await transaction.commit()
        self.committed.update(dict.fromkeys(numbers, time.monotonic()))

    async def _insert(self, connection: asyncpg.Connection) -> int:
        self._number += 1
        number = self._number
        await connection.execute(INSERT, f'{{"number": {number}}}')
        return number


class _NoSignals:
    """Several services of one process: whoever runs them stops them."""

    @contextlib.contextmanager
    def followed(self, _: object) -> Iterator[None]:
        yield


def main() -> None:
    parser = argparse.ArgumentParser(prog="faults.stress")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 8])
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    server = Server("stress", embedded_binaries())
    try:
        asyncio.run(migrate(server.url()))
        failures = 0
        for workers in options.workers:
            dice = random.Random(options.seed)
            run = Stress(server.url(), options.writers, workers, options.seconds, dice)
            asyncio.run(run.run())
            lost = len(run.missing) + len(run.swept)
            failures += lost
            print(
                f"{workers} workers: {len(run.committed):,} committed, {lost} lost or swept,"
                f" slowest {1_000 * run.slowest:.0f} ms"
                if not run.missing
                else f"{lost} lost"
            )
    finally:
        server.remove()
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
