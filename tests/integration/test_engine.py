"""A row goes in, a handler runs, an outcome is written."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from rowbell import Context, GiveUp, RetryLater

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, both_servers, soon, until_event

pytestmark = both_servers


class Sum(BaseModel):
    a: int
    b: int


async def add_up(payload: Sum) -> dict[str, int]:
    return {"sum": payload.a + payload.b}


async def test_inserted_row_runs_and_keeps_its_result(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(add_up)
    task = await tasks.insert("add_up", payload='{"a": 2, "b": 3}')
    row = await tasks.until_status(task, "COMPLETED")
    assert (row["result"], row["attempt"], row["failures"]) == ('{"sum": 5}', 1, 0)


async def test_rows_that_waited_before_the_worker_started_run(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    task = await tasks.insert("add_up", payload='{"a": 2, "b": 3}')
    await start_engine(add_up)
    await tasks.until_status(task, "COMPLETED")


async def test_plain_function_runs_in_a_thread(start_engine: StartEngine, tasks: Tasks) -> None:
    def name_thread() -> str:
        return threading.current_thread().name

    await start_engine(name_thread)
    row = await tasks.until_status(await tasks.insert("name_thread"), "COMPLETED")
    assert row["result"].startswith('"rowbell handler')


async def test_failure_is_retried_with_backoff_until_it_succeeds(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def fail_once(context: Context) -> int:
        if context.attempt == 1:
            raise ValueError("not yet")
        return context.attempt

    await start_engine(fail_once)
    row = await tasks.until_status(await tasks.insert("fail_once"), "COMPLETED")
    assert (row["result"], row["failures"]) == ("2", 1)


async def test_task_is_failed_when_its_attempts_are_used_up(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def fail_always() -> None:
        raise RetryLater(0, "never")

    await start_engine(fail_always)
    row = await tasks.until_status(await tasks.insert("fail_always", max_attempts=3), "FAILED")
    assert (row["attempt"], row["failures"]) == (3, 3)


async def test_give_up_fails_at_once_and_keeps_the_reason(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def refuse() -> None:
        raise GiveUp("no such customer")

    await start_engine(refuse)
    task = await tasks.insert("refuse")
    row = await tasks.until_status(task, "FAILED")
    error = await tasks.connection.fetchval("select error ->> 'message' from rowbell.tasks")
    assert (row["attempt"], error) == (1, "no such customer")


async def test_payload_that_does_not_fit_the_model_fails_for_good_and_names_the_field(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(add_up)
    row = await tasks.until_status(await tasks.insert("add_up", payload='{"a": 1}'), "FAILED")
    assert row["attempt"] == 1
    assert "b: Field required" in row["error"]


async def test_result_that_is_no_json_fails_for_good(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def return_a_lock() -> Any:
        return asyncio.Lock()

    await start_engine(return_a_lock)
    row = await tasks.until_status(await tasks.insert("return_a_lock"), "FAILED")
    assert "the result is no JSON" in row["error"]


async def test_result_that_postgresql_refuses_does_not_hold_up_others(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def return_text(payload: str) -> str:
        return payload + ("\0" if payload == "poison" else "")

    await start_engine(return_text)
    texts = ["a", "b", "poison", "c"]
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind, payload)"
        " select 'return_text', to_jsonb(x) from unnest($1::text[]) x",
        texts,
    )
    await tasks.until_all_finished()
    rows = await tasks.connection.fetch(
        "select status::text, payload #>> '{}' from rowbell.tasks order by id"
    )
    assert [tuple(row) for row in rows] == [
        ("COMPLETED", "a"),
        ("COMPLETED", "b"),
        ("FAILED", "poison"),
        ("COMPLETED", "c"),
    ]


async def test_handler_that_exits_the_process_only_fails(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    await start_engine(leave, max_attempts=1)
    row = await tasks.until_status(await tasks.insert("leave"), "FAILED")
    assert "SystemExit" in row["error"]


async def test_thread_that_raises_stop_iteration_only_fails(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    def exhaust() -> None:
        raise StopIteration

    await start_engine(exhaust, max_attempts=1)
    await tasks.until_status(await tasks.insert("exhaust"), "FAILED")


async def test_coroutine_over_its_timeout_is_stopped(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    stopped = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await start_engine(wait_for_ever, timeout=0.05, max_attempts=1)
    row = await tasks.until_status(await tasks.insert("wait_for_ever"), "FAILED")
    assert stopped.is_set()
    assert "longer than its timeout" in row["error"]


async def test_running_task_is_cancelled_by_bell(start_engine: StartEngine, tasks: Tasks) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def wait_for_ever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await start_engine(wait_for_ever)
    task = await tasks.insert("wait_for_ever")
    await soon(started)
    await tasks.connection.execute("select rowbell.cancel($1)", task)
    row = await tasks.until_status(task, "CANCELLED")
    assert stopped.is_set()
    assert row["failures"] == 0


async def test_thread_is_told_that_its_task_was_cancelled(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    started, seen = threading.Event(), threading.Event()

    def wait_until_told(context: Context) -> None:
        started.set()
        while not context.is_cancelled:
            started.wait(0.01)
        seen.set()

    await start_engine(wait_until_told)
    task = await tasks.insert("wait_until_told")
    assert await asyncio.to_thread(started.wait, DEADLINE_SECONDS)
    await tasks.connection.execute("select rowbell.cancel($1)", task)
    await tasks.until_status(task, "CANCELLED")
    assert await asyncio.to_thread(seen.wait, DEADLINE_SECONDS)


async def test_progress_is_written_while_the_handler_runs(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    go_on = asyncio.Event()

    async def report(context: Context) -> None:
        context.progress(0.5)
        await go_on.wait()

    await start_engine(report)
    task = await tasks.insert("report")
    await tasks.until("id = $1 and status = 'PROCESSING' and progress = 0.5", task)
    go_on.set()
    await tasks.until_status(task, "COMPLETED")


async def test_handlers_own_writes_commit_with_the_completion(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await tasks.connection.execute("create table effects (task bigint)")

    async def write_once(context: Context) -> None:
        async with context.transaction() as tx:
            await tx.execute("insert into effects values ($1)", context.task_id)

    await start_engine(write_once)
    task = await tasks.insert("write_once")
    await tasks.until_status(task, "COMPLETED")
    assert await tasks.connection.fetchval("select count(*) from effects") == 1


@pytest.mark.parametrize("within", [True, False])
async def test_result_that_is_too_large_fails_for_good_however_it_is_given(
    start_engine: StartEngine, tasks: Tasks, within: bool
) -> None:
    large = "x" * 70_000

    async def give_too_much(context: Context) -> str:
        async with context.transaction() if within else contextlib.nullcontext():
            if within:
                context.result(large)
        return large

    await start_engine(give_too_much)
    row = await tasks.until_status(await tasks.insert("give_too_much"), "FAILED")
    assert row["attempt"] == 1
    assert "the result has 70002 bytes" in row["error"]


async def test_late_transaction_of_a_task_given_to_others_is_rolled_back(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    await tasks.connection.execute("create table effects (task bigint)")
    started, go_on = asyncio.Event(), asyncio.Event()

    async def write_late(context: Context) -> None:
        if context.attempt > 1:
            return
        async with context.transaction() as tx:
            await tx.execute("insert into effects values ($1)", context.task_id)
            started.set()
            await go_on.wait()

    await start_engine(write_late)
    task = await tasks.insert("write_late")
    await soon(started)
    await tasks.connection.fetch(
        "select id from rowbell.release(array[$1::bigint], array[1])", task
    )
    await tasks.until_status(task, "COMPLETED")
    go_on.set()
    await until_event(events, "attempt.refused", task=task)
    assert await tasks.connection.fetchval("select count(*) from effects") == 0


async def test_more_tasks_than_slots_all_run_and_never_more_at_once(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    running, most = 0, 0

    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    await start_engine(count, slots=5)
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind) select 'count' from generate_series(1, 100)"
    )
    await tasks.until_all_finished()
    assert most == 5


async def test_kind_of_another_worker_waits_and_holds_up_nothing(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    await start_engine(add_up)
    stranger = await tasks.insert("unheard_of")
    task = await tasks.insert("add_up", payload='{"a": 1, "b": 1}')
    await tasks.until_status(task, "COMPLETED")
    await until_event(events, "kind.unknown", kind="unheard_of")
    waiting = await tasks.connection.fetchval(
        "select waiting_for from rowbell.due_tasks where id = $1", stranger
    )
    assert waiting.startswith("no live worker knows kind unheard_of")


async def test_paused_queue_runs_nothing_until_it_is_resumed(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(add_up)
    await tasks.connection.execute("select rowbell.pause('default')")
    task = await tasks.insert("add_up", payload='{"a": 1, "b": 1}')
    other = await tasks.insert("add_up", payload='{"a": 1, "b": 1}', queue="other")
    await tasks.until_status(other, "COMPLETED")
    assert (await tasks.row(task))["status"] == "PENDING"
    await tasks.connection.execute("select rowbell.resume('default')")
    await tasks.until_status(task, "COMPLETED")


async def test_handler_that_asks_for_no_number_of_seconds_only_fails(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def ask_for_words() -> None:
        raise RetryLater("a minute", "busy")  # type: ignore[arg-type]

    await start_engine(ask_for_words, max_attempts=1)
    row = await tasks.until_status(await tasks.insert("ask_for_words"), "FAILED")
    assert '"busy"' in row["error"]


async def test_handler_that_complains_about_its_cancellation_counts_no_failure(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    started = asyncio.Event()

    async def complain() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("interrupted") from None

    engine = await start_engine(complain)
    task = await tasks.insert("complain")
    await soon(started)
    await engine.stop(grace_seconds=0.05)
    row = await tasks.row(task)
    assert (row["status"], row["failures"], row["error"]) == ("PENDING", 0, None)


async def test_thread_that_outlives_its_attempt_keeps_its_slot_until_it_ends(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    go_on = threading.Event()

    def hang_first(context: Context) -> None:
        if context.attempt == 1:
            go_on.wait(DEADLINE_SECONDS)

    engine = await start_engine(hang_first, slots=1, timeout=0.05)
    try:
        task = await tasks.insert("hang_first")
        await tasks.until("id = $1 and failures = 1", task)
        assert engine.worker.attempts.lanes.busy == 1
    finally:
        go_on.set()
    await tasks.until_status(task, "COMPLETED")
