"""Where a running handler is: asked by somebody else, answered by its worker."""

import asyncio
import threading

import pytest

from rowbell.api.stacks import Stacks
from rowbell.db import stacks
from rowbell.db.pool import Database

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, both_servers
from integration.process_handlers import waits_in_a_process

pytestmark = both_servers

RELEASED = threading.Event()


async def sleeper() -> None:
    await asyncio.sleep(60)


async def waits_in_the_loop() -> None:
    await sleeper()


def waits_in_a_thread() -> None:
    RELEASED.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("handler", "runs_in", "told"),
    [
        (waits_in_the_loop, "loop", ("in waits_in_the_loop", "in sleeper", "in sleep")),
        (waits_in_a_thread, "thread", ("in waits_in_a_thread", "in wait")),
        (waits_in_a_process, "process", ("in waits_in_a_process", "time.sleep(60)")),
    ],
)
async def test_a_running_handler_tells_its_frames_and_none_of_ours(  # noqa: PLR0917
    start_engine: StartEngine,
    tasks: Tasks,
    database: Database,
    handler: object,
    runs_in: str,
    told: tuple[str, ...],
) -> None:
    RELEASED.clear()
    await start_engine(handler, runs_in=runs_in)
    task = await tasks.insert(handler.__name__)  # type: ignore[attr-defined]
    await tasks.until_status(task, "PROCESSING")
    try:
        found = await answered(database, task)
    finally:
        RELEASED.set()
    assert found is not None
    assert [part for part in told if part not in found] == []
    assert "rowbell/engine" not in found


async def test_all_that_are_asked_for_at_once_are_answered(
    start_engine: StartEngine, tasks: Tasks, database: Database
) -> None:
    await start_engine(waits_in_the_loop)
    running = [await tasks.insert("waits_in_the_loop") for _ in range(3)]
    for task in running:
        await tasks.until_status(task, "PROCESSING")
        await answered(database, task)
    one = Stacks(database)
    found = await asyncio.gather(*(one.of(task) for task in running))
    assert [each.task_id for each in found if each and each.stack] == running


async def answered(database: Database, task: int) -> str | None:
    """The stack, asked for again while the handler has yet to begin."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            found = await Stacks(database).of(task)
            if found is not None and found.stack:
                return found.stack


async def test_a_task_that_does_not_run_has_none(
    tasks: Tasks, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowbell.api.stacks.ANSWER_SECONDS", 0.1)
    assert await Stacks(database).of(await tasks.insert("nobody_knows")) is None


async def test_those_who_ask_at_once_ask_once(
    tasks: Tasks, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []

    async def ask(_: Database, ids: list[int], *, seconds: float) -> dict[int, stacks.Stack]:
        asked.append(ids)
        return {}

    monkeypatch.setattr(stacks, "ask", ask)
    one = Stacks(database)
    assert await asyncio.gather(one.of(1), one.of(2), one.of(1)) == [None, None, None]
    assert asked == [[1, 2]]
