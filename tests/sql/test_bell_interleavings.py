"""The bell, one step at a time: real sessions go through every interleaving and lose no row."""

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Self

import asyncpg
import pytest
from attendant import Application, Attendant, interleavings
from rows import register

Script = Sequence[str]

INSERT = ("begin", "insert", "commit")
ABORT = ("begin", "insert", "rollback")
TAKE_BACK = ("begin", "savepoint", "insert", "rollback to", "commit")
TAKE_BACK_AND_AGAIN = ("begin", "savepoint", "insert", "rollback to", "insert", "commit")
KEEP_AND_TAKE_BACK = ("begin", "insert", "savepoint", "insert", "rollback to", "commit")
KEEP_BOTH = ("begin", "savepoint", "insert", "release", "insert", "commit")
APPLICATIONS = [INSERT, ABORT, TAKE_BACK, TAKE_BACK_AND_AGAIN, KEEP_AND_TAKE_BACK, KEEP_BOTH]

DISPATCHER = ("take", "look", "wake", "take", "look")
"""It listens and is on duty from the beginning; what follows these steps is `settle`."""

# Until the trigger of the protocol is there.
_RING = """
create or replace function rowbell.ring_for_inserts()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('rowbell_bell', i.queue)
  from (select distinct queue from inserted where status = 'PENDING') i
  where not pg_try_advisory_xact_lock_shared(1919907684, hashtext(i.queue));
  return null;
end $$
"""


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
        await stage.observer.execute(_RING)
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
        self, applications: Sequence[Script], dispatchers: Sequence[Script], *, slots: int = 10
    ) -> list[list[tuple[int, str]]]:
        """The interleavings after which a committed row waits while all who could run it sleep."""
        actors = [*self.applications[: len(applications)], *self.attendants[: len(dispatchers)]]
        return [
            order
            for order in interleavings(*applications, *dispatchers)
            if await self._loses(order, actors, self.attendants[: len(dispatchers)], slots)
        ]

    async def _loses(
        self,
        order: list[tuple[int, str]],
        actors: Sequence[Application | Attendant],
        attendants: Sequence[Attendant],
        slots: int,
    ) -> bool:
        queue = f"q{next(self._queues)}"
        for attendant in attendants:
            attendant.begin(queue, slots)
        if len(attendants) == 1:
            await attendants[0].chair()
        for number, what in order:
            await actors[number].step(what, queue)
        while any([await attendant.settle() for attendant in attendants]):
            pass
        is_lost = await self._waits(queue) and any(each.is_free for each in attendants)
        for attendant in attendants:
            await attendant.hand_over()
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


@pytest.mark.parametrize("other", [INSERT, ABORT], ids=", ".join)
async def test_no_interleaving_of_two_applications_and_a_dispatcher_loses_a_row(
    stage: Stage, other: Script
) -> None:
    assert await stage.lost([INSERT, other], [("take", "look", "wake")]) == []


async def test_no_interleaving_of_an_application_and_two_dispatchers_loses_a_row(
    stage: Stage,
) -> None:
    dispatchers = [("chair", "take", "look"), ("chair", "take", "look")]
    assert await stage.lost([INSERT], dispatchers, slots=1) == []


async def test_the_end_of_the_one_on_duty_loses_no_row(stage: Stage) -> None:
    dispatchers = [("chair", "take", "look", "end"), ("chair",)]
    assert await stage.lost([INSERT], dispatchers) == []


@pytest.mark.parametrize(
    "dispatcher",
    [
        ("look before lock", "wake"),
        ("take", "clear after look", "forget"),
        ("take", "sleep without lock", "wake"),
    ],
    ids=", ".join,
)
async def test_some_interleaving_with_a_wrong_dispatcher_loses_a_row(
    stage: Stage, dispatcher: Script
) -> None:
    assert await stage.lost([INSERT], [[step.replace(" ", "_") for step in dispatcher]])
