"""Limits, parents and kept attempts in a whole engine; sweeps are too rare to help."""

import asyncio
from typing import Any

import orjson
import pytest

from rowbell import Context

from integration.conftest import NEVER_SECONDS, StartEngine, Tasks, until_event


class Crowd:
    """Counts who runs at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def pass_through(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1


@pytest.mark.parametrize(
    ("limit", "columns"),
    [
        ("insert into rowbell.queues (name, max_running) values ('default', 2)", {}),
        ("update rowbell.kinds set max_running = 2 where name = 'pass_through'", {}),
        ("insert into rowbell.keys values ('ann', 2)", {"concurrency_key": "ann"}),
    ],
    ids=["queue", "kind", "key"],
)
async def test_limited_tasks_follow_each_other_without_a_sweep(
    start_engine: StartEngine, tasks: Tasks, limit: str, columns: dict[str, Any]
) -> None:
    crowd = Crowd()

    async def pass_through() -> None:
        await crowd.pass_through()

    await start_engine(pass_through, sweep_seconds=NEVER_SECONDS)
    await start_engine(pass_through, sweep_seconds=NEVER_SECONDS)
    await tasks.connection.execute(limit)
    for _ in range(12):
        await tasks.insert("pass_through", **columns)
    await tasks.until_all_finished()
    assert crowd.most <= 2


async def test_a_rate_is_kept_without_a_sweep(start_engine: StartEngine, tasks: Tasks) -> None:
    async def note() -> None: ...

    await start_engine(note, sweep_seconds=NEVER_SECONDS)
    await tasks.connection.execute(
        "insert into rowbell.queues (name, rate, burst) values ('default', 10, 2)"
    )
    for _ in range(6):
        await tasks.insert("note")
    await tasks.until_all_finished()
    took = await tasks.connection.fetchval(
        "select max(started_at) - min(started_at) from rowbell.tasks"
    )
    assert took.total_seconds() >= 0.35  # two at once, then one each tenth of a second


async def test_children_start_as_soon_as_their_parents_are_completed(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    order: list[str] = []

    async def note(payload: str) -> None:
        order.append(payload)

    await start_engine(note, sweep_seconds=NEVER_SECONDS)
    first = await tasks.insert("note", payload='"parent"', batch="import")
    second = await tasks.insert("note", payload='"child"', after=[first], batch="import")
    last = await tasks.insert("note", payload='"callback"', after_batch="import")
    await tasks.until_status(second, "COMPLETED")
    await tasks.until_status(last, "COMPLETED")
    assert order == ["parent", "child", "callback"]


async def test_lines_of_a_handler_are_kept_with_its_attempt(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def tell(context: Context) -> None:
        context.log("half-way", customer=7)
        if context.attempt == 1:
            raise ValueError("not yet")

    await start_engine(tell, backoff=[0.0])
    task = await tasks.insert("tell")
    await tasks.until_status(task, "COMPLETED")
    kept = await tasks.connection.fetch("select * from rowbell.attempts order by attempt")
    assert [each["outcome"] for each in kept] == ["FAILED", "COMPLETED"]
    assert orjson.loads(kept[0]["error"])["type"] == "ValueError"
    for each in kept:
        (line,) = orjson.loads(each["lines"])
        assert (line["text"], line["customer"]) == ("half-way", 7)


async def test_the_last_failure_is_told_and_its_successor_runs(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    heard: list[Any] = []

    async def people_alert(payload: Any) -> None:
        heard.append(payload)

    async def break_down() -> None:
        raise ValueError("beyond repair")

    await start_engine(people_alert)
    await start_engine(break_down, max_attempts=1, on_failed="people_alert")
    task = await tasks.insert("break_down")
    await until_event(events, "task.exhausted", task=task, enqueued="people_alert")
    await tasks.until("kind = 'people_alert' and status = 'COMPLETED'")
    assert heard[0]["failed_task"]["error_message"] == "beyond repair"


async def test_exceptions_that_are_named_fail_for_good(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def divide() -> None:
        raise ZeroDivisionError

    await start_engine(divide, give_up_on=(ArithmeticError,))
    row = await tasks.until_status(await tasks.insert("divide"), "FAILED")
    assert row["failures"] == 1
