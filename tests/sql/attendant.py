"""Real sessions that are stepped by hand: an application, and the dispatcher of one queue."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Self

import asyncpg

_SQL = {
    "begin": "begin",
    "begin, insert": "begin; insert into rowbell.tasks (kind, queue) values ('aaa', '{queue}')",
    "begin, savepoint, insert": "begin; savepoint s;"
    " insert into rowbell.tasks (kind, queue) values ('aaa', '{queue}')",
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
    """A dispatcher on the SQL of the bell: one session listens and holds locks, one claims."""

    def __init__(self, ear: asyncpg.Connection, hands: asyncpg.Connection, worker: int) -> None:
        self._ear = ear
        self._hands = hands
        self._worker = worker
        self.begin("", 0)

    @classmethod
    async def open(cls, url: str, worker: int) -> Self:
        return cls(await asyncpg.connect(url), await asyncpg.connect(url), worker)

    def begin(self, queue: str, chair: int) -> None:
        """Be the dispatcher of another queue, not on duty yet."""
        self.queue = queue
        self._chair = chair
        self._awake: list[int] | None = None
        self.claimed: list[int] = []
        self.is_on_duty = self.gate_is_due = self.was_rung = self.has_left = False

    async def close(self) -> None:
        await self._ear.close()
        await self._hands.close()

    async def step(self, what: str, _: str = "") -> None:
        await getattr(self, what.replace(" ", "_"))()

    async def take_chair(self) -> None:
        """Listen, look, and let all end who saw another one awake."""
        if self.is_on_duty or self.has_left:
            return
        got = await self._ear.fetchval("select rowbell.take_chair($1, '0')", self._chair)
        if got:
            self.is_on_duty = True
            await self._ear.add_listener("rowbell_bell", self._hear)
            await self.look()
            await self.pass_gate()

    async def leave_chair(self) -> None:
        """For good."""
        self.has_left = True
        if self.is_on_duty:
            await self._ear.remove_listener("rowbell_bell", self._hear)
            await self._ear.fetchval(
                "select rowbell.leave_chair($1, $2)", self._chair, self._awake or []
            )
            self.is_on_duty, self._awake = False, None

    async def stay_awake(self) -> None:
        """Tell inserters that they need not ring."""
        if self.is_on_duty and not self._awake:
            self._awake = await self._ear.fetchval(
                "select rowbell.stay_awake($1, '{aaa}')", self.queue
            )

    async def stand_down(self) -> None:
        """Let them ring again. What they inserted in silence is found after the gate."""
        if self.is_on_duty:
            await self.pass_gate()

    async def stand_down_without_gate(self) -> None:
        """Wrong."""
        if self._awake:
            await self._ear.fetchval("select pg_advisory_unlock(1919907684, $1)", self._awake[0])
            self._awake = None

    async def pass_gate(self) -> None:
        """Nobody is waited for: while the gate is kept, it is tried again later."""
        passed = await self._ear.fetchval(
            "select rowbell.stand_down($1, '1 ms')", self._awake or []
        )
        self._awake = None
        self.gate_is_due = not passed

    async def look(self) -> None:
        """Clear the wake flag, and claim."""
        self.was_rung = False
        await self._claim()

    async def look_and_clear(self) -> None:
        """Wrong, together with the flag that is cleared by the next step."""
        await self._claim()

    async def clear(self) -> None:
        """Wrong after a look."""
        await self._flush()
        self.was_rung = False

    async def wake(self) -> None:
        """If it was rung."""
        await self._flush()
        if self.was_rung:
            await self.look()

    async def settle(self) -> bool:
        """Go on as it does by itself, until there is no reason to; True if it did anything."""
        before = (len(self.claimed), self.is_on_duty, self.gate_is_due)
        await self.take_chair()
        await self.wake()
        if self.gate_is_due and self.is_on_duty:
            await self.pass_gate()
            if not self.gate_is_due:
                await self.look()
        return before != (len(self.claimed), self.is_on_duty, self.gate_is_due)

    async def _claim(self) -> None:
        rows = await self._hands.fetch(
            "select id from rowbell.claim($1, $2, 10, '{aaa}')", self.queue, self._worker
        )
        self.claimed += [row[0] for row in rows]

    async def _flush(self) -> None:
        """What was sent before a query of a session arrives with its answer."""
        await self._ear.fetchval("select true")
        await asyncio.sleep(0)

    def _hear(self, _: object, __: int, ___: str, queue: object) -> None:
        self.was_rung = self.was_rung or queue == self.queue
