"""The bell, one step at a time: real sessions go through every interleaving and lose no row."""

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Self

import asyncpg
import pytest
from attendant import Application, Attendant, interleavings
from rows import register

Script = Sequence[str]

# Thousands of runs: the locks of PostgreSQL 15 are those of 18, as test_bell.py sees on both.
pytestmark = pytest.mark.parametrize("server", ["packaged"], indirect=True)

INSERT = ("begin", "insert", "commit")
ABORT = ("begin", "insert", "rollback")
TAKE_BACK = ("begin", "savepoint", "insert", "rollback to", "commit")
TAKE_BACK_AND_AGAIN = ("begin", "savepoint", "insert", "rollback to", "insert", "commit")
KEEP_AND_TAKE_BACK = ("begin", "insert", "savepoint", "insert", "rollback to", "commit")
KEEP_BOTH = ("begin", "savepoint", "insert", "release", "insert", "commit")
APPLICATIONS = [INSERT, ABORT, TAKE_BACK, TAKE_BACK_AND_AGAIN, KEEP_AND_TAKE_BACK, KEEP_BOTH]

DISPATCHER = ("stay awake", "look", "stand down", "look", "wake")
"""It is on duty and listens from the beginning; what follows these steps is `settle`."""


class Stage:
    """Two applications and two dispatchers, and a queue of its own for each run."""

    _queues = itertools.count()

    def __init__(self, observer: asyncpg.Connection) -> None:
        self.observer = observer
        self.applications: list[Application] = []
        self.attendants: list[Attendant] = []
        self._opened: list[asyncpg.Connection] = []

    @classmethod
    async def set(cls, url: str) -> Self:
        stage = cls(await asyncpg.connect(url))
        for _ in range(2):
            stage._opened.append(await asyncpg.connect(url))
            stage.applications.append(Application(stage._opened[-1]))
            worker = await register(stage.observer)
            stage.attendants.append(await Attendant.open(url, worker))
        return stage

    async def close(self) -> None:
        for each in (*self.attendants, *self._opened, self.observer):
            await each.close()

    async def lost(
        self, applications: Sequence[Script], dispatchers: Sequence[Script]
    ) -> list[list[tuple[int, str]]]:
        """The interleavings after which a committed row waits, and nobody is going to look."""
        attendants = self.attendants[: len(dispatchers)]
        actors = [*self.applications[: len(applications)], *attendants]
        return [
            order
            for order in interleavings(*applications, *dispatchers)
            if await self._loses(order, actors, attendants)
        ]

    async def _loses(
        self,
        order: list[tuple[int, str]],
        actors: Sequence[Application | Attendant],
        attendants: Sequence[Attendant],
    ) -> bool:
        number = next(self._queues)
        queue = f"q{number}"
        for attendant in attendants:
            attendant.begin(queue, number)
        await attendants[0].take_chair()
        for who, what in order:
            await actors[who].step(what, queue)
        while any([await attendant.settle() for attendant in attendants]):
            pass
        is_lost = await self._waits(queue)
        for attendant in attendants:
            await attendant.leave_chair()
        return is_lost

    async def _waits(self, queue: str) -> bool:
        waits: bool = await self.observer.fetchval(
            "select exists (select from rowbell.tasks where queue = $1 and status = 'PENDING')",
            queue,
        )
        return waits


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    stage = await Stage.set(database_url)
    yield stage
    await stage.close()


@pytest.mark.parametrize("application", APPLICATIONS, ids=", ".join)
async def test_no_interleaving_of_two_sessions_loses_a_row(
    stage: Stage, application: Script
) -> None:
    assert await stage.lost([application], [DISPATCHER]) == []


@pytest.mark.parametrize(
    "other",
    [
        ("begin, insert", "commit"),
        ("begin, insert", "rollback"),
        ("begin, savepoint, insert", "rollback to", "commit"),
    ],
    ids=", ".join,
)
async def test_no_interleaving_of_two_applications_and_a_dispatcher_loses_a_row(
    stage: Stage, other: Script
) -> None:
    first = ("begin, insert", "commit")
    assert await stage.lost([first, other], [("stay awake", "stand down", "look")]) == []


async def test_no_interleaving_of_an_application_and_a_change_of_the_one_on_duty_loses_a_row(
    stage: Stage,
) -> None:
    dispatchers = [("stay awake", "look", "leave chair"), ("take chair", "wake")]
    assert await stage.lost([INSERT], dispatchers) == []


@pytest.mark.parametrize(
    "dispatcher",
    [
        ("stay awake", "stand down without gate", "look"),
        ("stay awake", "look", "stand down without gate"),
        ("look and clear", "clear"),
    ],
    ids=", ".join,
)
async def test_some_interleaving_with_a_wrong_dispatcher_loses_a_row(
    stage: Stage, dispatcher: Script
) -> None:
    assert await stage.lost([INSERT], [dispatcher])
