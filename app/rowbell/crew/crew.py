"""Keeps a number of worker processes running: one that dies is replaced."""

import asyncio
import contextlib
import signal
from collections.abc import Callable

from rowbell.config import PREFIX, Settings, cores
from rowbell.crew.member import Member
from rowbell.crew.orders import DRAIN, NOW
from rowbell.errors import ConfigurationError, RowbellError
from rowbell.logs import log

PAUSE_SECONDS = 0.5
MOST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 60.0
"""After so long a life the next pause is the shortest again."""
KILL_SECONDS = 60.0
"""Beyond its drain time a member ends by itself; one that cannot is killed after so long."""
DISMISS_SECONDS = 4.0
"""What members get to release their tasks when the command itself has failed."""
WRONG = 2
"""The exit code of a process that refuses its settings."""


class Crew:
    """A service: `run()` until `stop()` and the drain of every member; `ready` when all work."""

    def __init__(self, settings: Settings, greet: Callable[[], None] = lambda: None) -> None:
        """greet: called once, when all work."""
        self.settings = settings
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self._greet = greet
        self._members: set[Member] = set()
        self._worked: set[int] = set()
        """Places of the crew that have had a member that worked."""
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failed: list[str] = []
        self._environment = settings.environment(
            processes=1,
            process_slots=settings.process_slots or max(1, cores() // settings.processes),
        )

    async def run(self) -> None:
        """Raises a group of RowbellError if the first member ends before it works."""
        try:
            async with asyncio.TaskGroup() as places:
                places.create_task(self._keep(1), name="member 1")
                # What is wrong is told once, and only one migrates.
                await self._begun.wait()
                for number in range(2, self.settings.processes + 1):
                    places.create_task(self._keep(number), name=f"member {number}")
        finally:
            self.ended.set()

    def stop(self) -> None:
        """Have every member drain; called again, end at once what still runs."""
        order = NOW if self._stopping.is_set() else DRAIN
        self._stopping.set()
        self._begun.set()
        for member in self._members:
            member.tell(order)

    def check(self) -> None:
        """Raises RowbellError if the drain of a member has failed."""
        if self._failed:
            raise RowbellError(f"A worker process did not drain: it {'; '.join(self._failed)}.")

    async def _keep(self, number: int) -> None:
        """One place of the crew, until the drain of whoever has it."""
        loop, pause = asyncio.get_running_loop(), PAUSE_SECONDS
        while not self._stopping.is_set():
            began = loop.time()
            try:
                process, how = await self._run_one(number)
            except OSError as error:  # too many processes, no memory
                process, how = None, f"could not be started: {error}"
            if self._stopping.is_set():
                break
            if loop.time() - began > SETTLED_SECONDS:
                pause = PAUSE_SECONDS
            log.warning("process.died", process=process, reason=how, again_in_seconds=pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(2 * pause, MOST_PAUSE_SECONDS)

    async def _run_one(self, number: int) -> tuple[int, str]:
        """Returns which process it was, and how it ended. Raises RowbellError, OSError."""
        member = await Member.start(self._environment_of(number))
        self._members.add(member)
        log.info("process.started", process=member.process)
        hearing = asyncio.create_task(self._hear(member, number), name=f"ears of member {number}")
        try:
            if self._stopping.is_set():
                member.tell(DRAIN)
            code = await self._ended(member)
        except asyncio.CancelledError:
            await _dismiss(member)
            raise
        finally:
            hearing.cancel()
            self._members.discard(member)
            member.leave()
        if self._stopping.is_set():
            if code:
                self._failed.append(_how(code))
        elif not self._worked:
            _refuse(code)
        return member.process, _how(code)

    def _environment_of(self, number: int) -> dict[str, str]:
        """Each serves its metrics at a port of its own: the first at the one that is set."""
        port = self.settings.metrics_port
        if not port:
            return self._environment
        return {**self._environment, f"{PREFIX}METRICS_PORT": str(port + number - 1)}

    async def _hear(self, member: Member, number: int) -> None:
        if not await member.ready():
            return
        self._worked.add(number)
        self._begun.set()
        if len(self._worked) == self.settings.processes and not self.ready.is_set():
            self.ready.set()
            self._greet()

    async def _ended(self, member: Member) -> int:
        ended = asyncio.ensure_future(member.ended())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({ended}, timeout=self.settings.drain_seconds + KILL_SECONDS)
            if not ended.done():
                member.kill()
            return await ended
        finally:
            stopping.cancel()
            ended.cancel()


async def _dismiss(member: Member) -> None:
    member.tell(NOW)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISMISS_SECONDS):
            await member.ended()
    member.kill()


def _refuse(code: int) -> None:
    kind = ConfigurationError if code == WRONG else RowbellError
    raise kind(f"The first worker process {_how(code)} before it worked; what it said is above.")


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with the exit code {code}"
    known = {int(each): each.name for each in signal.Signals}
    return f"was ended by {known.get(-code, f'signal {-code}')}"
