"""The same for tests that are plain functions: each call runs in an event loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from rowbell.testing.asynchronous import AsyncRowbell

P = ParamSpec("P")
R = TypeVar("R")


def wait_for(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run to the end. Raises RuntimeError within a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # With a factory of its own it leaves the thread's event loop, perhaps a plugin's, alone.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(coroutine)
    coroutine.close()
    raise RuntimeError("an event loop is running: take the fixture async_rowbell, and await.")


def _blocking(
    method: Callable[Concatenate[AsyncRowbell, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["Rowbell", P], R]:
    @wraps(method)
    def call(self: "Rowbell", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return wait_for(method(self._rowbell, *args, **kwargs))

    return call


class Rowbell:
    """What AsyncRowbell is, without await."""

    def __init__(self, rowbell: AsyncRowbell) -> None:
        """Take the fixture `rowbell` instead."""
        self._rowbell = rowbell

    @property
    def url(self) -> str:
        """Where the database is: for the test's own connections."""
        return self._rowbell.url

    @property
    def now(self) -> datetime:
        """The time by which tasks are due, started and finished."""
        return self._rowbell.now

    enqueue = _blocking(AsyncRowbell.enqueue)
    run_pending = _blocking(AsyncRowbell.run_pending)
    run_until_finished = _blocking(AsyncRowbell.run_until_finished)
    advance = _blocking(AsyncRowbell.advance)
    task = _blocking(AsyncRowbell.task)
    tasks = _blocking(AsyncRowbell.tasks)
    fetch = _blocking(AsyncRowbell.fetch)
