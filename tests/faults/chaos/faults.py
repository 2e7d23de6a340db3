"""What goes wrong: each fault does its worst, and leaves everything mended."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from faults.chaos.fleet import Seat
from faults.chaos.ground import Ground
from faults.chaos.outages import GONE, is_outage

TERMINATE = """
select count(pg_terminate_backend(pid)) from (
  select pid from pg_stat_activity
  where application_name like 'rowbell%' order by random() limit $1) unlucky
"""
TRIGGER_OFF = "alter table rowbell.tasks disable trigger bell_for_inserts"
TRIGGER_ON = "alter table rowbell.tasks enable always trigger bell_for_inserts"


@dataclass(slots=True)
class Fault:
    """One that happened. Times are seconds since 1970."""

    sort: str
    target: str
    began: float
    ended: float | None = None
    """When the cause was gone: a process continued, a server took connections."""


class Faults:
    """Every sort of fault, and what is broken now."""

    def __init__(self, ground: Ground, lease_seconds: float, dice: random.Random) -> None:
        self.happened: list[Fault] = []
        self._ground = ground
        self._lease = lease_seconds
        self._dice = dice
        self._server_is_broken = False
        self._trigger_is_off = False
        self._sorts: dict[str, tuple[int, Callable[[Fault], Awaitable[None]]]] = {
            # how often of each, in the long run
            "worker killed": (3, self._kill),
            "worker stopped beyond its lease": (2, self._stop),
            "worker drained": (2, self._drain),
            "network dark": (2, self._darken),
            "backends terminated": (4, self._terminate),
            "bell trigger disabled": (1, self._silence),
            "PostgreSQL stopped at once": (1, self._stop_server),
            "postmaster killed": (1, self._kill_server),
        }
        self._deck = list(self._sorts)  # one of each comes first, so that short runs have all
        dice.shuffle(self._deck)

    def choose(self) -> tuple[str, Seat | None]:
        """A sort that can happen now, and the worker that it hits, if it hits one."""
        free = [seat for seat in self._ground.seats if not seat.is_disturbed and seat.lives]
        for sort in self._deck:
            if self._can_happen(sort, len(free)):
                self._deck.remove(sort)
                self._deck = self._deck or self._shuffled()
                return sort, self._dice.choice(free) if _hits_worker(sort) else None
        return "", None

    def _shuffled(self) -> list[str]:
        deck = [sort for sort, (often, _) in self._sorts.items() for _ in range(often)]
        self._dice.shuffle(deck)
        return deck

    def _can_happen(self, sort: str, free: int) -> bool:
        if _hits_worker(sort):
            return free > 1  # one worker is always left alone
        return not self._server_is_broken and not (self._trigger_is_off and "trigger" in sort)

    async def happen(self, sort: str, seat: Seat | None) -> None:
        """Returns when all is mended."""
        fault = Fault(sort, seat.name if seat else "", time.time())
        self.happened.append(fault)
        if seat:
            seat.is_disturbed = True
        try:
            await self._sorts[sort][1](fault)
        finally:
            fault.ended = fault.ended or time.time()
            if seat:
                seat.is_disturbed = False

    def _seat(self, fault: Fault) -> Seat:
        return next(seat for seat in self._ground.seats if seat.name == fault.target)

    # ---------------------------------------------------------------- workers

    async def _kill(self, fault: Fault) -> None:
        await _replaced(self._seat(fault), Seat.kill)

    async def _drain(self, fault: Fault) -> None:
        await _replaced(self._seat(fault), Seat.drain)

    async def _stop(self, fault: Fault) -> None:
        await self._seat(fault).stand_still(self._lease + self._dice.uniform(1, 2.5))

    async def _darken(self, fault: Fault) -> None:
        line = self._seat(fault).line
        line.dark()
        try:
            await asyncio.sleep(self._dice.uniform(0.5, self._lease * 1.5))
        finally:
            line.lit()

    # ---------------------------------------------------------------- the database

    async def _terminate(self, fault: Fault) -> None:
        await self._execute(TERMINATE, self._dice.randint(1, 4))

    async def _silence(self, fault: Fault) -> None:
        self._trigger_is_off = True
        try:
            await self._execute(TRIGGER_OFF)
            await asyncio.sleep(self._dice.uniform(1, 3))
        finally:
            while not await self._execute(TRIGGER_ON):
                await asyncio.sleep(0.2)
            self._trigger_is_off = False

    async def _execute(self, statement: str, *values: object) -> bool:
        """False: the server is not there to do it, or too busy."""
        try:
            connection = await self._ground.connect("chaos faults")
            try:
                await connection.execute("set lock_timeout = '3s'")
                await connection.fetch(statement, *values)
            finally:
                connection.terminate()
        except GONE as error:
            if not is_outage(error) and not isinstance(error, asyncpg.LockNotAvailableError):
                raise
            return False
        return True

    async def _stop_server(self, fault: Fault) -> None:
        await self._restart(lambda: self._ground.server.stop("immediate"))

    async def _kill_server(self, fault: Fault) -> None:
        await self._restart(self._ground.server.kill)

    async def _restart(self, end: Callable[[], None]) -> None:
        self._server_is_broken = True
        try:
            await asyncio.to_thread(end)
            await asyncio.sleep(self._dice.uniform(0, 0.5))
        finally:
            await self._ground.start_server()
            self._server_is_broken = False


def _hits_worker(sort: str) -> bool:
    return sort.startswith(("worker", "network"))


async def _replaced(seat: Seat, end: Callable[[Seat], None]) -> None:
    """End the worker of a seat, and wait until its successor has started."""
    before = len(seat.lives)
    end(seat)
    while len(seat.lives) == before:
        await asyncio.sleep(0.05)
