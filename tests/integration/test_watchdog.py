"""The event loop: what blocks it is named, and plain functions do not."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from rowbell.engine.watchdog import watching

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, until_event
from postgres import Server


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: nothing here depends on its version."""
    return servers("packaged")


def block_until(freed: threading.Event) -> None:
    freed.wait(DEADLINE_SECONDS)


def lines(events: list[Any], name: str) -> list[Any]:
    return [event for event in events if event["event"] == name]


async def test_blocked_loop_is_logged_once_with_its_stack_and_again_when_it_is_freed(
    events: list[Any],
) -> None:
    freed = threading.Event()

    def free_when_it_was_seen() -> None:
        until = time.monotonic() + DEADLINE_SECONDS
        while not lines(events, "loop.blocked") and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)  # several times the limit, in which a second line could come
        freed.set()

    with watching(0.05):
        threading.Thread(target=free_when_it_was_seen, daemon=True).start()
        block_until(freed)
        event = await until_event(events, "loop.freed")
    (blocked,) = lines(events, "loop.blocked")
    assert "in block_until" in blocked["stack"]
    assert event["seconds"] >= 0.3
    assert len(lines(events, "loop.freed")) == 1


async def test_loop_that_answers_is_not_logged(events: list[Any]) -> None:
    with watching(5):
        await asyncio.sleep(0)
    assert not events


async def test_plain_functions_do_not_block_the_loop(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    go_on, answered = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_the_loop() -> None:
        loop.call_soon_threadsafe(answered.set)
        assert go_on.wait(DEADLINE_SECONDS), "the loop never answered"

    await start_engine(wait_for_the_loop)
    task = await tasks.insert("wait_for_the_loop")
    await answered.wait()
    go_on.set()
    row = await tasks.until_status(task, "COMPLETED")
    assert row["failures"] == 0
