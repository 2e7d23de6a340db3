"""The views that people read: words for states, and what a due task waits for."""

import asyncpg
from rows import claim, insert, register, running

WAITING_FOR = "select waiting_for from rowbell.due_tasks"
STATE = "select state from rowbell.task_overview"


async def live_worker(connection: asyncpg.Connection, *kinds: str, queue: str = "*") -> int:
    now = await connection.fetchval("select now()")
    return await register(connection, *kinds, at=now, queues=(queue,))


async def test_a_due_task_waits_for_a_worker(connection: asyncpg.Connection) -> None:
    await insert(connection)
    assert await connection.fetchval(WAITING_FOR) == (
        "no worker is running: start `rowbell serve` or `rowbell worker`"
    )


ENDINGS = {
    "lost_at": "now()",
    "stopped_at": "now()",
    "draining_at": "now()",
    "beat_at": "now() - interval '1 hour'",
}


async def test_a_worker_that_ended_drains_or_is_silent_is_none(
    connection: asyncpg.Connection,
) -> None:
    await live_worker(connection)
    await insert(connection)
    assert await connection.fetchval(WAITING_FOR) == "a free slot"
    for column, ending in ENDINGS.items():
        before = "now()" if column == "beat_at" else "null"
        await connection.execute(f"update rowbell.workers set {column} = {ending}")
        assert "no worker is running" in await connection.fetchval(WAITING_FOR)
        await connection.execute(f"update rowbell.workers set {column} = {before}")
        assert await connection.fetchval(WAITING_FOR) == "a free slot"


async def test_a_due_task_waits_for_a_worker_that_knows_its_kind(
    connection: asyncpg.Connection,
) -> None:
    await live_worker(connection, "bbb")
    await insert(connection)
    assert "no live worker knows kind aaa" in await connection.fetchval(WAITING_FOR)


async def test_a_due_task_waits_for_a_worker_that_serves_its_queue(
    connection: asyncpg.Connection,
) -> None:
    await live_worker(connection, "aaa", queue="other")
    await live_worker(connection, "bbb")
    await insert(connection)
    assert await connection.fetchval(WAITING_FOR) == (
        "no live worker serves queue default: start one with --queues default"
    )


async def test_a_due_task_waits_for_the_end_of_a_pause_and_is_told_how_to_end_it(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection)
    await connection.execute("select rowbell.pause('default')")
    words = await connection.fetchval(WAITING_FOR)
    assert words.startswith("queue default is paused since ")
    await connection.execute(words.rpartition(": ")[2])
    assert "paused" not in await connection.fetchval(WAITING_FOR)


async def test_a_due_task_waits_for_a_free_slot(connection: asyncpg.Connection) -> None:
    await live_worker(connection)
    await insert(connection)
    assert await connection.fetchval(WAITING_FOR) == "a free slot"


async def test_tasks_that_run_or_are_scheduled_are_not_due(
    connection: asyncpg.Connection,
) -> None:
    await running(connection)
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at) values ('aaa', now() + interval '1 hour')"
    )
    assert await connection.fetch(WAITING_FOR) == []


TASK_STATES = [
    ("failures = 0", "due"),
    ("run_at = now() + interval '1 hour'", "scheduled"),
    ("failures = 1", "retrying"),
    ("status = 'PROCESSING'", "running"),
    ("cancel_requested_at = now()", "being cancelled"),
    ("status = 'COMPLETED', finished_at = now()", "completed"),
    ("status = 'FAILED', finished_at = now()", "failed"),
    ("status = 'CANCELLED', finished_at = now()", "cancelled"),
]


async def test_a_task_has_a_word_for_its_state(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection)
    for change, state in TASK_STATES:
        await connection.execute(f"update rowbell.tasks set {change}")
        assert await connection.fetchval(STATE) == state


async def test_a_running_task_names_its_worker(connection: asyncpg.Connection) -> None:
    _, _, worker = await running(connection)
    seen = await connection.fetchrow("select worker, worker_process from rowbell.task_overview")
    assert tuple(seen) == (worker, "host:1")


async def test_a_failed_task_shows_what_was_raised(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    error = '{"type": "ValueError", "message": "no", "traceback": "line 1"}'
    await connection.fetch(
        "select id from rowbell.fail($1, $2, $3, '{null}')", [task], [attempt], [error]
    )
    seen = await connection.fetchrow(
        "select id, error_type, error_message, traceback, failures from rowbell.failed_tasks"
    )
    assert tuple(seen) == (task, "ValueError", "no", "line 1", 1)


async def test_a_queue_shows_how_much_is_due_scheduled_running_and_done(
    connection: asyncpg.Connection,
) -> None:
    worker = await live_worker(connection)
    await insert(connection, count=3)
    await claim(connection, worker, 1)
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at) values ('aaa', now() + interval '1 hour')"
    )
    for status in ("COMPLETED", "FAILED"):
        await insert(connection, kind="ended")
        await connection.execute(
            "update rowbell.tasks set status = $1::text::rowbell.task_status, finished_at = now()"
            " where kind = 'ended' and status = 'PENDING'",
            status,
        )
    await connection.execute("select rowbell.fold_journal()")
    await connection.execute(
        "insert into rowbell.minutes select now() - interval '2 hours', queue, kind,"
        " 7, 7, 7, 7, 7, 7, 7, waits, runs from rowbell.minutes limit 1"
    )
    await connection.execute("select rowbell.pause('idle')")
    seen = await connection.fetch(
        "select queue, is_paused, due, scheduled, running, completed_last_hour, failed_last_hour"
        " from rowbell.queue_overview order by queue"
    )
    assert [tuple(each) for each in seen] == [
        ("default", False, 2, 1, 1, 1, 1),
        ("idle", True, 0, 0, 0, 0, 0),
    ]


WORKER_STATES = [
    ("busy = 1", "running"),
    ("draining_at = now()", "draining"),
    ("beat_at = now() - interval '1 minute'", "silent"),
    ("lost_at = now()", "lost"),
    ("stopped_at = now()", "stopped"),
]


async def test_a_worker_has_a_word_for_its_state(
    connection: asyncpg.Connection,
) -> None:
    await live_worker(connection)
    for change, state in WORKER_STATES:
        await connection.execute(f"update rowbell.workers set {change}")
        assert await connection.fetchval("select state from rowbell.worker_overview") == state
