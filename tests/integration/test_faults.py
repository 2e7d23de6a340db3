"""Workers die, servers restart, bells fail: nothing is lost and nothing runs twice at once."""

import asyncio
from typing import Any

from rowbell import Context

from integration.conftest import (
    Engine,
    StartEngine,
    Tasks,
    both_servers,
    connected,
    soon,
    until_event,
)
from postgres import Server

pytestmark = both_servers


async def noop() -> None:
    """Nothing to do."""


async def test_tasks_of_a_dead_worker_are_run_by_another_and_count_as_crashes(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    started = asyncio.Event()

    async def hang_first(context: Context) -> int:
        if context.attempt == 1:
            started.set()
            await asyncio.Event().wait()
        return context.attempt

    dead = await start_engine(hang_first, lease_seconds=3)
    task = await tasks.insert("hang_first")
    await soon(started)
    await dead.die()
    await start_engine(hang_first, lease_seconds=3)
    row = await tasks.until_status(task, "COMPLETED")
    assert (row["attempt"], row["crashes"], row["failures"]) == (2, 1, 0)
    await until_event(events, "sweep.rescued", worker=dead.worker.id, tasks=1)


async def test_late_outcome_of_a_lost_worker_is_refused(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def answer(context: Context) -> str:
        if context.attempt == 1:
            started.set()
            await go_on.wait()
            return "late"
        return "in time"

    await start_engine(answer)
    task = await tasks.insert("answer")
    await soon(started)
    await tasks.connection.fetch(
        "select id from rowbell.release(array[$1::bigint], array[1])", task
    )
    await tasks.until_status(task, "COMPLETED")
    go_on.set()
    await until_event(events, "attempt.refused", task=task, attempt=1)
    assert (await tasks.row(task))["result"] == '"in time"'


async def test_worker_that_was_declared_lost_ends_its_attempts_and_registers_again(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def hang_first(context: Context) -> None:
        if context.attempt == 1:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    engine = await start_engine(hang_first, lease_seconds=3)
    task = await tasks.insert("hang_first")
    await soon(started)
    first = engine.worker.id
    await tasks.connection.execute("update rowbell.workers set lost_at = now()")
    await soon(ended)
    await until_event(events, "worker.fenced", worker=first)
    await tasks.until_status(task, "COMPLETED")
    assert engine.worker.id != first


async def test_connections_killed_in_the_middle_of_work_lose_nothing(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(noop)
    for _ in range(5):
        await tasks.connection.execute(
            "insert into rowbell.tasks (kind) select 'noop' from generate_series(1, 200)"
        )
        await tasks.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'rowbell engine%' and datname = current_database()"
        )
    await tasks.until_all_finished()
    assert (
        await tasks.connection.fetchval(
            "select count(*) from rowbell.tasks where status = 'COMPLETED'"
        )
        == 1000
    )


async def test_restart_of_postgresql_in_the_middle_of_a_batch_loses_nothing(
    server: Server, database_url: str, start_engine: StartEngine
) -> None:
    await start_engine(noop)
    async with connected(database_url) as tasks:
        await tasks.connection.execute(
            "insert into rowbell.tasks (kind) select 'noop' from generate_series(1, 5000)"
        )
    await asyncio.to_thread(server.stop, "immediate")
    await asyncio.to_thread(server.start)
    async with connected(database_url) as tasks:
        await tasks.until_all_finished()
        counts = await tasks.connection.fetch(
            "select status::text, count(*) from rowbell.tasks group by 1"
        )
    assert [tuple(row) for row in counts] == [("COMPLETED", 5000)]


async def test_drain_lets_work_finish_within_the_grace(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def finish() -> str:
        started.set()
        await go_on.wait()
        return "done"

    engine = await start_engine(finish)
    task = await tasks.insert("finish")
    await soon(started)
    drain = asyncio.create_task(engine.stop(grace_seconds=10))
    go_on.set()
    await drain
    assert (await tasks.row(task))["result"] == '"done"'


async def test_drain_releases_what_is_left_without_counting_a_failure(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    engine = await start_engine(hang)
    task = await tasks.insert("hang")
    await soon(started)
    await engine.stop(grace_seconds=0.05)
    row = await tasks.row(task)
    assert (row["status"], row["failures"], row["crashes"], row["worker"]) == (
        "PENDING",
        0,
        0,
        None,
    )


async def test_drained_worker_claims_nothing_more(start_engine: StartEngine, tasks: Tasks) -> None:
    engine = await start_engine(noop)
    await engine.stop()
    task = await tasks.insert("noop")
    assert (await tasks.row(task))["status"] == "PENDING"


async def test_engine_uses_five_connections_at_the_most(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def use_a_connection(context: Context) -> None:
        async with context.transaction() as tx:
            await tx.execute("select pg_sleep(0.02)")

    engine: Engine = await start_engine(use_a_connection)
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind) select 'use_a_connection' from generate_series(1, 50)"
    )
    await tasks.until_all_finished()
    used = await tasks.connection.fetchval(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and application_name like 'rowbell%'"
    )
    assert engine.worker.ready.is_set()
    assert used <= 5


async def test_row_that_a_trigger_of_somebody_refuses_does_not_hold_up_others(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    await start_engine(noop)
    await tasks.connection.execute(
        """
        create function refuse() returns trigger language plpgsql as
          $$ begin raise exception 'not this one'; end $$;
        create trigger refuse before update on rowbell.tasks
          for each row when (new.queue = 'guarded' and new.status <> 'PROCESSING')
          execute function refuse()
        """
    )
    guarded = await tasks.insert("noop", queue="guarded")
    await until_event(events, "completer.failed")
    for _ in range(3):
        await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    await tasks.connection.execute("drop trigger refuse on rowbell.tasks")
    await tasks.until_status(guarded, "COMPLETED")
