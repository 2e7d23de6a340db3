"""The bell under faults: what it may never do to an INSERT, and what it may never miss."""

import asyncio
import os
import subprocess
from typing import Any

import asyncpg
import pytest

from rowbell import Context, GiveUp
from rowbell.db.ears import Ears
from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from integration.conftest import NEVER_SECONDS, StartEngine, Tasks, listening, soon, until_event
from postgres import Server


async def noop() -> None:
    """Nothing to do."""


async def test_row_inserted_with_the_trigger_disabled_is_found_by_the_sweep_which_says_so(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 10: a trigger that is off costs the wait for a sweep, and is named with the SQL."""
    await start_engine(noop)
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    await tasks.connection.execute("alter table rowbell.tasks disable trigger bell_for_inserts")
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind, run_at)"
        " select 'noop', now() - interval '1 minute' from generate_series(1, 50)"
    )
    await tasks.until_all_finished()
    assert (await until_event(events, "sweep.found"))["tasks"] == 50
    problem = await until_event(events, "bell.disabled")
    await tasks.connection.execute(problem["remedy"].partition(": ")[2])
    assert await tasks.connection.fetchval("select rowbell.bell_problem()") is None


def restore_data(server: Server, source: str, target: str) -> None:
    """As a DBA would who has the schema already: data only, without its triggers."""
    plain = {"PATH": os.defpath, "LC_ALL": "C"}
    dump = ["pg_dump", "--data-only", "--disable-triggers", "--table=rowbell.tasks", source]
    text = subprocess.run(
        [server.binaries / dump[0], *dump[1:]], check=True, capture_output=True, env=plain
    ).stdout
    restore = ["psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", target]
    subprocess.run(
        [server.binaries / restore[0], *restore[1:]],
        input=text,
        check=True,
        capture_output=True,
        env=plain,
    )


async def test_rows_of_a_restore_that_disables_triggers_run_and_what_it_left_behind_is_named(
    server: Server,
    empty_url: str,
    start_engine: StartEngine,
    tasks: Tasks,
    events: list[Any],
) -> None:
    """Pitfall 10: such a restore enables triggers again, but not ALWAYS, as they were."""
    await migrate(empty_url)
    source = await asyncpg.connect(empty_url)
    await source.execute(
        "insert into rowbell.tasks (kind) select 'noop' from generate_series(1, 20)"
    )
    await source.close()
    await start_engine(noop)
    target = str(await tasks.connection.fetchval("select current_database()"))
    await asyncio.to_thread(restore_data, server, empty_url, server.url(target))
    await tasks.until("true having count(*) = 20 and bool_and(finished_at is not null)")
    problem = await until_event(events, "bell.disabled")
    for sentence in problem["remedy"].split("; "):
        await tasks.connection.execute(sentence.partition(": ")[2])
    assert await tasks.connection.fetchval("select rowbell.bell_problem()") is None


async def test_writers_of_the_same_queues_and_keys_in_any_order_never_deadlock(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 11: the triggers write nothing and wait for nobody, so they close no circle."""
    queues = [f"queue_{n}" for n in range(8)]

    async def write(turn: int) -> None:
        writer = await asyncpg.connect(database_url)
        order = queues[turn:] + queues[:turn]
        for _ in range(15):
            async with writer.transaction():
                for queue in order if turn % 2 else reversed(order):
                    await writer.execute(
                        "insert into rowbell.tasks (kind, queue) values ('noop', $1)", queue
                    )
        await writer.close()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(write(turn) for turn in range(8)))
    counted = "select count(*) from rowbell.tasks"
    assert await connection.fetchval(counted) == 8 * 15 * len(queues)


async def test_payload_that_no_notification_could_carry_runs_by_its_bell(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 12: a notification has 8,000 bytes at the most, so it carries no row."""

    async def measure(payload: str) -> int:
        return len(payload)

    await start_engine(measure, sweep_seconds=NEVER_SECONDS)
    task = await tasks.insert("measure", payload=f'"{"x" * 65_000}"', queue="q" * 63)
    assert (await tasks.until_status(task, "COMPLETED"))["result"] == "65000"


async def test_insert_into_a_thousand_queues_is_not_refused(
    connection: asyncpg.Connection,
) -> None:
    """Pitfall 12: neither does a notification carry a list of queues."""
    await connection.execute(
        "insert into rowbell.tasks (kind, queue)"
        " select 'noop', 'queue_' || n || repeat('_', 50) from generate_series(1, 1000) n"
    )


@pytest.mark.parametrize(
    "change",
    [
        "select rowbell.retry({id})",
        "update rowbell.tasks set status = 'PENDING', finished_at = null, run_at = now()",
    ],
    ids=["retry", "by hand"],
)
async def test_row_made_runnable_by_an_update_is_run_by_its_bell(
    start_engine: StartEngine, tasks: Tasks, change: str
) -> None:
    """Pitfall 13: a retry is an UPDATE, and rings like an INSERT."""

    async def fail_first(context: Context) -> None:
        if context.attempt == 1:
            raise GiveUp("not yet")

    await start_engine(fail_first, sweep_seconds=NEVER_SECONDS)
    task = await tasks.insert("fail_first")
    await tasks.until_status(task, "FAILED")
    await tasks.connection.execute(change.format(id=task))
    await tasks.until_status(task, "COMPLETED")


async def test_two_installations_on_one_server_hear_only_their_own_bells(
    database_url: str, empty_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 15: a channel belongs to a database, and so does the lock of those who watch."""
    await migrate(empty_url)
    theirs = await asyncpg.connect(empty_url)
    heard, watches, watch = [], asyncio.Event(), asyncio.Event()
    async with (
        listening(database_url, Ears(bell=heard.append, changes=watches.set)) as here,
        listening(empty_url, Ears(bell=heard.append, changes=watch.set)) as there,
    ):
        here.watch(True)
        there.watch(True)
        for event in (watches, watch):  # each got the lock, and was told to look
            await soon(event)
            event.clear()
        await connection.execute("insert into rowbell.tasks (kind, queue) values ('echo', 'ours')")
        await soon(watches)
        assert heard == ["ours"]
        assert not watch.is_set()
        await theirs.execute("insert into rowbell.tasks (kind, queue) values ('echo', 'theirs')")
        await soon(watch)
    assert heard == ["ours", "theirs"]
    await theirs.close()
