"""rowbell.attempts: what is kept of attempts; on_failed: what follows the last one."""

import asyncpg
import orjson
import pytest
from rows import NOON, Ear, claim, insert, later, register, row, running

KEPT = "select * from rowbell.attempts order by task_id, attempt"
ERROR = '{"type": "Boom", "message": "it broke", "traceback": "here"}'
KEEP_LINES = "select rowbell.keep_lines(array[$1::bigint], array[$2::int], array[$3], array[$4])"
ONE_LINE = '[{"text": "hello"}]'


async def fail(
    connection: asyncpg.Connection, task_id: int, attempt: int, delay: float | None
) -> str:
    verdict: str = await connection.fetchval(
        "select status::text from rowbell.fail($1, $2, array[$3], array[$4::float8], $5)",
        [task_id],
        [attempt],
        ERROR,
        delay,
        NOON,
    )
    return verdict


async def test_a_failed_attempt_is_kept_with_its_error(connection: asyncpg.Connection) -> None:
    task_id, attempt, worker = await running(connection)
    await fail(connection, task_id, attempt, 0.0)
    (kept,) = await connection.fetch(KEPT)
    assert (kept["task_id"], kept["attempt"], kept["worker"]) == (task_id, 1, worker)
    assert (kept["outcome"], kept["started_at"], kept["ended_at"]) == ("FAILED", NOON, NOON)
    error = orjson.loads(kept["error"])
    assert len(error.pop("fingerprint")) == 16
    assert error == orjson.loads(ERROR)


async def test_a_completed_attempt_is_not_kept_unless_it_wrote_lines(
    connection: asyncpg.Connection,
) -> None:
    complete = "select rowbell.complete(array[$1::bigint], array[$2::int], array[null::text])"
    quiet, attempt, _ = await running(connection)
    await connection.execute(complete, quiet, attempt)
    assert await connection.fetch(KEPT) == []
    wordy, attempt, _ = await running(connection)
    await connection.execute(KEEP_LINES, wordy, attempt, "COMPLETED", ONE_LINE)
    await connection.execute(complete, wordy, attempt)
    (kept,) = await connection.fetch(KEPT)
    assert (kept["outcome"], kept["lines"]) == ("COMPLETED", ONE_LINE)


async def test_lines_of_an_attempt_that_lost_its_task_are_refused(
    connection: asyncpg.Connection,
) -> None:
    task_id, attempt, _ = await running(connection)
    await connection.execute("select id from rowbell.release(array[$1::bigint], array[1])", task_id)
    await connection.execute(KEEP_LINES, task_id, attempt, "COMPLETED", ONE_LINE)
    assert await connection.fetch(KEPT) == []


async def test_a_lost_attempt_is_kept_with_the_lines_that_it_wrote(
    connection: asyncpg.Connection,
) -> None:
    task_id, attempt, _ = await running(connection)
    await connection.execute(KEEP_LINES, task_id, attempt, "COMPLETED", ONE_LINE)
    await connection.execute("select rowbell.rescue(10, $1)", later(100))
    (kept,) = await connection.fetch(KEPT)
    assert (kept["outcome"], kept["lines"]) == ("LOST", ONE_LINE)
    assert orjson.loads(kept["error"])["type"] == "WorkerLost"


async def test_attempts_go_with_their_task(connection: asyncpg.Connection) -> None:
    task_id, attempt, _ = await running(connection)
    await fail(connection, task_id, attempt, None)
    assert await connection.fetchval("select rowbell.prune('1 day', 10, $1)", later(9e5)) == 1
    assert await connection.fetch(KEPT) == []


async def alert_on(connection: asyncpg.Connection, kind: str, payload: str = "{}") -> None:
    await connection.execute(
        "update rowbell.kinds set on_failed = $1, on_failed_payload = $2::text::jsonb"
        " where name = 'aaa'",
        kind,
        payload,
    )


@pytest.mark.parametrize(
    ("kind", "key"), [("http_request", "json"), ("people_alert", "failed_task")]
)
async def test_the_last_failure_enqueues_what_the_kind_names(
    connection: asyncpg.Connection, ear: Ear, kind: str, key: str
) -> None:
    task_id, attempt, _ = await running(connection, audience=["ann"])
    await alert_on(connection, kind, '{"url": "https://example.com"}')
    await ear.heard()
    assert await fail(connection, task_id, attempt, None) == "FAILED"
    assert await ear.heard() == [("rowbell_bell", "default")]
    alert = await connection.fetchrow("select * from rowbell.tasks where kind = $1", kind)
    payload = orjson.loads(alert["payload"])
    assert payload["url"] == "https://example.com"
    assert payload[key]["id"] == task_id
    assert payload[key]["error_message"] == "it broke"
    assert alert["audience"] == ["ann"]


async def test_a_failure_that_is_tried_again_enqueues_nothing(
    connection: asyncpg.Connection,
) -> None:
    task_id, attempt, _ = await running(connection)
    await alert_on(connection, "bbb")
    assert await fail(connection, task_id, attempt, 1.0) == "PENDING"
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


async def test_what_was_enqueued_for_a_failure_enqueues_nothing_when_it_fails(
    connection: asyncpg.Connection,
) -> None:
    task_id, attempt, worker = await running(connection)
    await alert_on(connection, "aaa")
    await fail(connection, task_id, attempt, None)
    (alert,) = await claim(connection, worker, at=NOON)
    await fail(connection, alert["id"], 1, None)
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 2


async def test_a_poisonous_task_enqueues_what_its_kind_names(
    connection: asyncpg.Connection,
) -> None:
    await register(connection)
    await alert_on(connection, "bbb")
    await insert(connection, status="PROCESSING", crashes=4, worker=999)
    await connection.execute("select rowbell.rescue(10, $1)", later(100))
    alert = await connection.fetchrow("select * from rowbell.tasks where kind = 'bbb'")
    failed = orjson.loads(alert["payload"])["failed_task"]
    assert failed["error_type"] == "WorkerLost"
    assert (await row(connection, failed["id"]))["status"] == "FAILED"
