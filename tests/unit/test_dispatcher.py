"""When the attendant of a queue asks for its next scheduled task."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rowbell.db.duty import Duty
from rowbell.engine import dispatcher as module
from rowbell.engine.claims import Cause
from rowbell.engine.dispatcher import Dispatcher
from rowbell.engine.lanes import Lane
from rowbell.task import Claim

from deadline import DEADLINE_SECONDS

LAST = Claim(1, 1, "job", 0, None, "{}", is_last=True)
NOT_LAST = LAST._replace(is_last=False)


class Queue:
    """Hands out one claim a look; `asked` is set by the question for what comes next."""

    def __init__(self, *claims: list[Claim]) -> None:
        self.looks = asyncio.Semaphore(0)
        self.asked = asyncio.Event()
        self._claims = list(claims)

    async def claim(self, _: str, __: int, ___: Cause) -> list[Claim]:
        self.looks.release()
        return self._claims.pop(0)

    async def seconds_to_next(self, _: str) -> None:
        self.asked.set()


@asynccontextmanager
async def attended(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dispatcher]:
    async def full() -> None:
        """There are slots."""

    monkeypatch.setattr(module, "SETTLE_SECONDS", 0)
    duty = Duty(("default",), ("job",))
    dispatcher = Dispatcher(
        "default",
        Lane(["job"], 10),
        duty,
        claim=queue.claim,
        start=lambda _: None,
        seconds_to_next=queue.seconds_to_next,
        retire=None,
        full=full,
        free=lambda: None,
    )
    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run())
        yield dispatcher
        dispatcher.stop()


async def test_after_the_last_task_nobody_asks_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue([LAST])
    async with attended(queue, monkeypatch):
        await queue.looks.acquire()
        for _ in range(20):  # turns of the loop, where one would do
            await asyncio.sleep(0)
        assert not queue.asked.is_set()


@pytest.mark.parametrize("claimed", [[NOT_LAST], [NOT_LAST, NOT_LAST], []])
async def test_the_next_task_is_asked_for_where_another_may_wait(
    monkeypatch: pytest.MonkeyPatch, claimed: list[Claim]
) -> None:
    queue = Queue(claimed)
    async with attended(queue, monkeypatch):
        await queue.asked.wait()


async def test_an_empty_look_after_the_last_task_asks_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue([LAST], [])
    async with attended(queue, monkeypatch) as dispatcher:
        await queue.looks.acquire()
        dispatcher.look()
        await queue.asked.wait()
