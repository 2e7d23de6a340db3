"""The journal: what is an entry, who did it, and that no INSERT ever fails because of it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest
from plans import AUTO_EXPLAIN, Plans
from rows import claim, insert, later, register, running

Login = Callable[..., Awaitable[asyncpg.Connection]]

EVENTS = "select event::text from rowbell.journal order by id"
LAST = "select * from rowbell.journal order by id desc limit 1"
ERROR = '{"type": "TimeoutError", "message": "late"}'


async def events(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(EVENTS)]


async def test_the_life_of_a_task_is_told_in_order(connection: asyncpg.Connection) -> None:
    task, attempt, worker = await running(connection)
    await connection.execute(
        "select id from rowbell.fail($1, $2, $3, '{0}', $4)", [task], [attempt], [ERROR], later(1)
    )
    await claim(connection, worker, at=later(2))
    await connection.execute("select id from rowbell.release($1, '{2}', $2)", [task], later(3))
    await claim(connection, worker, at=later(4))
    await connection.execute("select id from rowbell.cancel($1, $2)", task, later(5))
    await connection.execute("select id from rowbell.release($1, '{3}', $2)", [task], later(6))
    await connection.execute("select id from rowbell.retry($1, $2)", task, later(7))
    await claim(connection, worker, at=later(8))
    await connection.execute("select rowbell.complete($1, '{4}', '{1}', $2)", [task], later(11))
    await connection.execute("delete from rowbell.tasks")
    assert await events(connection) == [
        "CREATED", "STARTED", "RETRY_SCHEDULED", "STARTED", "RELEASED", "STARTED",
        "CANCEL_REQUESTED", "CANCELLED", "REOPENED", "STARTED", "COMPLETED", "DELETED",
    ]  # fmt: skip
    done = await connection.fetchrow("select * from rowbell.journal where event = 'COMPLETED'")
    assert (done["status_before"], done["status"]) == ("PROCESSING", "COMPLETED")
    assert (done["attempt"], done["worker"], done["run_seconds"]) == (4, worker, 3)
    began = await connection.fetchrow(
        "select * from rowbell.journal where event = 'STARTED' order by id desc"
    )
    assert began["wait_seconds"] == 1


async def test_a_task_of_a_lost_worker_is_told_as_lost(connection: asyncpg.Connection) -> None:
    await running(connection)
    await connection.execute("select tasks from rowbell.rescue(10, $1)", later(100))
    assert await events(connection) == ["CREATED", "STARTED", "LOST"]


async def test_who_did_it_is_told(login: Login) -> None:
    producer = await login("rowbell_producer")
    await producer.execute("set application_name = 'shop'")
    async with producer.transaction():
        await producer.execute("select set_config('rowbell.subject', 'ann', true)")
        await producer.execute(
            "insert into rowbell.tasks (kind, audience) values ('echo', '{ops}')"
        )
    reader = await login("rowbell_reader")
    entry = await reader.fetchrow(LAST)
    assert (entry["application"], entry["subject"], entry["created_by"]) == ("shop", "ann", "ann")
    assert entry["role"] == await producer.fetchval("select session_user")
    assert entry["audience"] == ["ops"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await producer.fetch("select * from rowbell.journal")


async def test_a_change_by_hand_names_what_changed(connection: asyncpg.Connection) -> None:
    await insert(connection)
    await connection.execute("update rowbell.tasks set priority = 7, queue = 'mail'")
    entry = await connection.fetchrow(LAST)
    assert entry["event"] == "UPDATED"
    assert entry["detail"] == '{"changed": ["queue", "priority"], "queue_before": "default"}'


async def test_progress_is_told(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    await connection.execute("select rowbell.report_progress($1, $2, '{0.3}')", [task], [attempt])
    assert (await connection.fetchrow(LAST))["detail"] == '{"progress": 0.300000}'


async def test_a_failure_tells_its_type(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    await connection.execute(
        "select id from rowbell.fail($1, $2, $3, '{null}')", [task], [attempt], [ERROR]
    )
    detail = orjson.loads((await connection.fetchrow(LAST))["detail"])
    assert len(detail.pop("fingerprint")) == 16
    assert detail == {"error_type": "TimeoutError"}


@pytest.mark.parametrize("said", ["STARTED", "COMPLETED", "nonsense", ""])
async def test_what_a_session_says_of_its_statement_is_not_believed(
    connection: asyncpg.Connection, said: str
) -> None:
    await running(connection)
    await insert(connection, queue="other")
    await connection.execute("select set_config('rowbell.event', $1, false)", said)
    await connection.execute(
        "update rowbell.tasks set status = case queue when 'other' then 'PROCESSING'"
        " else 'COMPLETED' end::rowbell.task_status"
    )
    await connection.execute("update rowbell.tasks set status = 'PROCESSING', worker = null")
    await connection.execute("update rowbell.tasks set status = 'CANCELLED'")
    entries = await connection.fetch(
        "select queue, event::text, status_before::text from rowbell.journal order by task_id, id"
    )
    assert [tuple(entry) for entry in entries] == [
        ("default", "CREATED", None),
        ("default", "STARTED", "PENDING"),
        ("default", "COMPLETED", "PROCESSING"),
        ("default", "STARTED", "COMPLETED"),
        ("default", "CANCELLED", "PROCESSING"),
        ("other", "CREATED", None),
        ("other", "STARTED", "PENDING"),
        ("other", "CANCELLED", "PROCESSING"),
    ]


async def test_an_update_that_changes_nothing_visible_writes_nothing(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection)
    await connection.execute("update rowbell.tasks set is_limited = true, priority = priority")
    assert await events(connection) == ["CREATED"]


async def test_what_is_rolled_back_is_not_told(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "begin; insert into rowbell.tasks (kind) values ('aaa'); savepoint s;"
        " insert into rowbell.tasks (kind) values ('bbb'); rollback to s; commit"
    )
    kinds = await connection.fetch("select kind from rowbell.journal")
    assert [row[0] for row in kinds] == ["aaa"]


@pytest.mark.parametrize(
    "columns",
    ["started_at = 'infinity'", "finished_at = '-infinity'", "error = '[1]'", "worker = -1"],
)
async def test_an_odd_row_is_told_and_refuses_nothing(
    connection: asyncpg.Connection, columns: str
) -> None:
    await running(connection)
    await connection.execute(f"update rowbell.tasks set {columns}")
    await connection.execute("update rowbell.tasks set status = 'FAILED'")
    assert (await events(connection))[-1] == "FAILED"


async def test_without_a_partition_an_insert_succeeds_and_is_told(
    connection: asyncpg.Connection,
) -> None:
    for (name,) in await connection.fetch(
        "select relname from pg_class where relname ~ '^journal_20.*' and relkind = 'r'"
    ):
        await connection.execute(f"drop table rowbell.{name}")
    await insert(connection)
    assert await events(connection) == ["CREATED"]
    # Today has its events in the default partition; the days to come get partitions of their own.
    assert await connection.fetchval("select rowbell.make_journal_partitions(3)") == 3
    await insert(connection)
    assert await events(connection) == ["CREATED"] * 2


async def test_thousands_of_rows_are_joined_by_a_hash_whatever_plan_was_made_first(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection)
    await claim(connection, worker, 1)
    await insert(connection, count=5_000)
    claims = await claim(connection, worker, 5_000)
    await connection.execute("set statement_timeout = '5s'")
    ids, attempts = [c["id"] for c in claims], [c["attempt"] for c in claims]
    await connection.fetch(
        "select rowbell.complete($1, $2, array_fill(null::text, array[$3::int]))",
        ids,
        attempts,
        len(ids),
    )
    assert await connection.fetchval(
        "select count(*) from rowbell.journal where event = 'COMPLETED'"
    ) == len(ids)


# ------------------------------------------------------------------------- retention


async def test_partitions_are_made_once_and_ahead(connection: asyncpg.Connection) -> None:
    assert await connection.fetchval("select rowbell.make_journal_partitions(3)") == 0
    assert await connection.fetchval("select rowbell.make_journal_partitions(5)") == 2


async def test_days_beyond_the_retention_are_dropped_and_their_cursors_expire(
    connection: asyncpg.Connection,
) -> None:
    old = await connection.fetchval("select pg_current_snapshot()::text")
    await insert(connection)
    new = await connection.fetchval("select pg_current_snapshot()::text")
    in_a_week = datetime.now(UTC) + timedelta(days=8)
    assert await connection.fetchval("select rowbell.drop_journal('7 days', $1)", in_a_week) == 1
    assert await events(connection) == []
    read = "select id from rowbell.read_journal($1::text::pg_snapshot)"
    assert [row[0] for row in await connection.fetch(read, new)] == [None]
    with pytest.raises(asyncpg.PostgresError, match="does not reach back") as caught:
        await connection.fetch(read, old)
    assert caught.value.sqlstate == "RB411"


async def test_a_drop_waits_for_no_insert_and_no_insert_for_a_drop(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    in_a_week = datetime.now(UTC) + timedelta(days=8)
    await connection.execute("select rowbell.make_journal_partitions(3, $1)", in_a_week)
    await insert(connection)
    async with other.transaction():
        await other.execute(
            "lock table only rowbell.journal in row exclusive mode"
        )  # as an INSERT does
        drop = "select rowbell.drop_journal('7 days', $1)"
        assert await connection.fetchval(drop, in_a_week) == 0
        assert await events(connection) == []  # emptied all the same
        await insert(connection)
    assert await connection.fetchval(drop, in_a_week) >= 0


@pytest.mark.parametrize(
    "ask",
    [
        "select snapshot from rowbell.read_journal(pg_current_snapshot())",
        "select snapshot from rowbell.journal_now()",
    ],
)
async def test_no_snapshot_is_handed_out_before_what_it_shows_is_on_disk(
    connection: asyncpg.Connection, other: asyncpg.Connection, ask: str
) -> None:
    """A crash would give the numbers of forgotten transactions to others."""
    await other.execute("set synchronous_commit = off")
    for _ in range(20):
        await insert(other, count=10)
        written = await other.fetchval("select pg_current_wal_insert_lsn() - '0/0'")
        await connection.fetch(f"select x.snapshot::text from ({ask}) x")
        # A new page of the log begins with a header, which is not written before something follows.
        flushed = await other.fetchval("select pg_current_wal_flush_lsn() - '0/0'")
        assert flushed >= written - 64


async def test_what_a_restored_journal_brings_along_is_old(connection: asyncpg.Connection) -> None:
    assert not await connection.fetchval("select rowbell.adopt_journal()")
    await insert(connection)
    await connection.execute("update rowbell.journal set xid = '99999999'")
    since = await connection.fetchval("select pg_current_snapshot()::text")
    read = "select id from rowbell.read_journal($1::text::pg_snapshot)"
    assert await connection.fetchval(read, since) is None
    await connection.execute("update rowbell.journal_state set history = 'elsewhere'")
    assert await connection.fetchval("select rowbell.adopt_journal()")
    assert not await connection.fetchval("select rowbell.adopt_journal()")
    assert await connection.fetchval("select xid::text from rowbell.journal") == "3"
    assert await connection.fetchval("select rowbell.fold_journal()") == 0


# ----------------------------------------------------------------------------- plans


async def test_both_parts_of_a_read_go_by_the_index(connection: asyncpg.Connection) -> None:
    since = await connection.fetchval("select pg_current_snapshot()::text")
    await insert(connection, count=5_000)
    position = await connection.fetchval("select pg_current_snapshot()::text")
    await insert(connection, count=3)
    await connection.execute(AUTO_EXPLAIN)
    plans = Plans(connection)
    read = "select id from rowbell.read_journal($1::text::pg_snapshot)"
    assert len(await connection.fetch(read, position)) == 3
    scans = [n for n in plans.nodes if n.get("Relation Name", "").startswith("journal_")]
    assert {n["Node Type"] for n in scans if n["Relation Name"] != "journal_state"} == {
        "Index Scan"
    }
    assert max(n["Actual Rows"] for n in scans) == 3
    assert len(await connection.fetch(read, since)) == 1_000
    connection.remove_log_listener(plans._keep)
