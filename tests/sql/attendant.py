"""Real sessions that are stepped by hand: an application, and the dispatcher of one queue."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Self

import asyncpg

BELL, CHAIR = 1919907684, 1919907685

_SQL = {
    "begin": "begin",
    "insert": "insert into rowbell.tasks (kind, queue) values ('aaa', '{queue}')",
    "savepoint": "savepoint s",
    "release": "release s",
    "rollback to": "rollback to s",
    "commit": "commit",
    "rollback": "rollback",
}


def interleavings(*scripts: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """Every order of the steps of all, each keeping its own order: (whose, what)."""
    if not any(scripts):
        yield []
    for number, script in enumerate(scripts):
        if script:
            rest = [*scripts[:number], script[1:], *scripts[number + 1 :]]
            for order in interleavings(*rest):
                yield [(number, script[0]), *order]


class Application:
    """Somebody who inserts."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def step(self, what: str, queue: str) -> None:
        await self._connection.execute(_SQL[what].format(queue=queue))


class Attendant:
    """A dispatcher as docs/bell has it: two sessions, one that listens and holds the locks."""

    def __init__(self, ear: asyncpg.Connection, hands: asyncpg.Connection, worker: int) -> None:
        self._ear = ear
        self._hands = hands
        self._worker = worker
        self.begin("", 0)

    @classmethod
    async def open(cls, url: str, worker: int) -> Self:
        return cls(await asyncpg.connect(url), await asyncpg.connect(url), worker)

    def begin(self, queue: str, slots: int) -> None:
        """Be the dispatcher of another queue, awake and not on duty."""
        self.queue = queue
        self._slots = slots
        self.claimed: list[int] = []
        self.is_on_duty = self.has_bell = self.is_asleep = self.was_rung = self.is_gone = False

    async def close(self) -> None:
        await self._ear.close()
        await self._hands.close()

    async def step(self, what: str, _: str = "") -> None:
        await getattr(self, what.replace(" ", "_"))()

    async def chair(self) -> None:
        """Go on duty, if nobody is; then listen."""
        if not self.is_on_duty and self.is_free and await self._try(CHAIR):
            self.is_on_duty = True
            await self._ear.add_listener("rowbell_bell", self._hear)

    async def take(self) -> None:
        """Try the bell lock."""
        if self.is_on_duty and not self.has_bell:
            self.has_bell = await self._try(BELL)

    async def look(self) -> None:
        """Claim; with the bell lock and nothing found: sleep."""
        if self.is_asleep or not self.is_free:
            return
        self.was_rung = False
        found = await self._claim()
        if not self.is_free:
            await self.hand_over()
        elif found:
            await self._free_bell()
        else:
            self.is_asleep = self.has_bell

    async def look_before_lock(self) -> None:
        """Wrong."""
        if not self.is_asleep and not await self._claim():
            await self.take()
            self.is_asleep = self.has_bell

    async def sleep_without_lock(self) -> None:
        """Wrong."""
        if not self.is_asleep:
            await self.look()
            self.is_asleep = True

    async def clear_after_look(self) -> None:
        """Wrong: it looks, somebody may ring, and then it forgets that."""
        if self.has_bell and not self.is_asleep and not await self._claim():
            self.is_asleep = True

    async def forget(self) -> None:
        """The second half of that."""
        await self._ear.fetchval("select true")
        await asyncio.sleep(0)
        self.was_rung = False

    async def wake(self) -> None:
        """If the bell was rung: what was sent before a query of the session arrives with it."""
        if self.is_asleep:
            await self._ear.fetchval("select true")
            await asyncio.sleep(0)
            if self.was_rung:
                await self._free_bell()
                self.is_asleep = False

    async def hand_over(self) -> None:
        """Leave the duty to another."""
        await self._free_bell()
        self.is_asleep = False
        if self.is_on_duty:
            await self._ear.remove_listener("rowbell_bell", self._hear)
            await self._ear.fetchval(
                f"select pg_advisory_unlock({CHAIR}, hashtext('{self.queue}'))"
            )
            self.is_on_duty = False

    async def end(self) -> None:
        """Leave for good, as the server sees to it for a session that ends."""
        await self.hand_over()
        self.is_gone = True

    async def settle(self) -> bool:
        """Go on until it sleeps or waits for another; True if it did anything."""
        before = (len(self.claimed), self.is_on_duty, self.is_asleep)
        for what in ("wake", "chair", "take", "look"):
            await self.step(what)
        return before != (len(self.claimed), self.is_on_duty, self.is_asleep)

    @property
    def is_free(self) -> bool:
        return len(self.claimed) < self._slots and not self.is_gone

    async def _claim(self) -> bool:
        rows = await self._hands.fetch(
            "select id from rowbell.claim($1, $2, $3::int, '{aaa}')",
            self.queue,
            self._worker,
            self._slots - len(self.claimed),
        )
        self.claimed += [row[0] for row in rows]
        return bool(rows)

    async def _try(self, lock: int) -> bool:
        got: bool = await self._ear.fetchval(
            f"select pg_try_advisory_lock({lock}, hashtext('{self.queue}'))"
        )
        return got

    async def _free_bell(self) -> None:
        if self.has_bell:
            await self._ear.fetchval(f"select pg_advisory_unlock({BELL}, hashtext('{self.queue}'))")
            self.has_bell = False

    def _hear(self, _: object, __: int, ___: str, queue: object) -> None:
        self.was_rung = self.was_rung or queue == self.queue
