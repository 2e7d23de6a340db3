"""What operators do: cancel, retry, pause, resume; and what they are told when it cannot be."""

import asyncpg
import pytest
from rows import NOON, Ear, insert, later, row, running

CANCEL = "select id, status::text, cancel_requested_at, finished_at from rowbell.cancel($1, $2)"
RETRY = "select id, status::text, run_at, failures, crashes, attempt from rowbell.retry($1, $2)"


async def test_a_waiting_task_is_cancelled_at_once(connection: asyncpg.Connection) -> None:
    (task,) = await insert(connection)
    cancelled = await connection.fetchrow(CANCEL, task, NOON)
    assert tuple(cancelled) == (task, "CANCELLED", NOON, NOON)


async def test_the_cancel_of_a_running_task_is_asked_for_and_told_to_its_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    task, _, _ = await running(connection)
    ear = await Ear.open(database_url, "rowbell_cancel")
    asked = await connection.fetchrow(CANCEL, task, NOON)
    assert tuple(asked) == (task, "PROCESSING", NOON, None)
    assert await ear.heard() == [("rowbell_cancel", str(task))]
    await ear.close()


async def test_asking_for_a_cancel_again_keeps_the_first_time(
    connection: asyncpg.Connection,
) -> None:
    task, _, _ = await running(connection)
    await connection.fetchrow(CANCEL, task, NOON)
    asked = await connection.fetchrow(CANCEL, task, later(5))
    assert asked["cancel_requested_at"] == NOON


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
async def test_a_finished_task_cannot_be_cancelled(
    connection: asyncpg.Connection, status: str
) -> None:
    (task,) = await insert(connection, status=status, finished_at=NOON)
    with pytest.raises(asyncpg.PostgresError, match=f"task {task} is {status} already") as caught:
        await connection.fetchrow(CANCEL, task, NOON)
    assert caught.value.sqlstate == "RB409"
    assert "Only PENDING and PROCESSING" in caught.value.hint


@pytest.mark.parametrize("statement", [CANCEL, RETRY])
async def test_a_task_that_does_not_exist_is_said_to_be_missing(
    connection: asyncpg.Connection, statement: str
) -> None:
    with pytest.raises(asyncpg.PostgresError, match="there is no task 404") as caught:
        await connection.fetchrow(statement, 404, NOON)
    assert caught.value.sqlstate == "RB404"
    assert "retention" in caught.value.hint


async def test_what_was_cancelled_before_its_time_waits_for_it_again(
    connection: asyncpg.Connection,
) -> None:
    one, other = await insert(connection, count=2, run_at=later(3600))
    await connection.execute(
        "select rowbell.cancel(id, $2) from unnest($1::bigint[]) u (id)", [one, other], NOON
    )
    assert (await connection.fetchrow(RETRY, one, NOON))["run_at"] == later(3600)
    await connection.execute(
        "select rowbell.retry_where(ids => array[$1::bigint], statuses => '{CANCELLED}', at => $2)",
        other,
        NOON,
    )
    assert await connection.fetchval(
        "select run_at from rowbell.tasks where id = $1", other
    ) == later(3600)


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
async def test_a_retry_starts_afresh_but_never_lowers_the_attempt(
    connection: asyncpg.Connection, status: str
) -> None:
    (task,) = await insert(
        connection, status=status, finished_at=NOON, failures=5, crashes=1, attempt=6
    )
    again = await connection.fetchrow(RETRY, task, later(60))
    assert tuple(again) == (task, "PENDING", later(60), 0, 0, 6)
    after = await row(connection, task)
    assert (after["finished_at"], after["cancel_requested_at"]) == (None, None)


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "COMPLETED"])
async def test_only_failed_and_cancelled_tasks_can_be_retried(
    connection: asyncpg.Connection, status: str
) -> None:
    (task,) = await insert(connection, status=status)
    with pytest.raises(asyncpg.PostgresError, match=f"task {task} is {status}") as caught:
        await connection.fetchrow(RETRY, task, NOON)
    assert caught.value.sqlstate == "RB409"
    assert "Only FAILED and CANCELLED" in caught.value.hint


async def test_pausing_again_keeps_who_paused_it_and_since_when(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("select set_config('rowbell.subject', 'ann', false)")
    await connection.execute("select rowbell.pause('default', $1)".replace("$1", f"'{NOON}'"))
    await connection.execute("select set_config('rowbell.subject', 'bob', false)")
    paused = await connection.fetchrow("select paused_at, paused_by from rowbell.pause('default')")
    assert tuple(paused) == (NOON, "ann")


async def test_a_resumed_queue_is_paused_by_nobody(connection: asyncpg.Connection) -> None:
    await connection.execute("select rowbell.pause('default')")
    resumed = await connection.fetchrow(
        "select paused_at, paused_by from rowbell.resume('default')"
    )
    assert tuple(resumed) == (None, None)


async def test_resuming_a_queue_that_was_never_paused_is_no_error(
    connection: asyncpg.Connection,
) -> None:
    assert await connection.fetchval("select paused_at from rowbell.resume('default')") is None


async def test_a_task_says_which_login_role_asked_for_it(connection: asyncpg.Connection) -> None:
    (task,) = await insert(connection)
    assert (await row(connection, task))["created_by"] == "postgres"


async def test_a_task_says_which_subject_of_the_api_asked_for_it(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("select set_config('rowbell.subject', 'ann', false)")
    (task,) = await insert(connection)
    assert (await row(connection, task))["created_by"] == "ann"
