"""The bell: which statements ring it, and for which queues."""

from typing import Any

import asyncpg
import pytest
from rows import NOON, Ear, claim, insert, later, register, running

FAR = "now() + interval '1 hour'"


def bells(*queues: str) -> list[tuple[str, str]]:
    return [("rowbell_bell", queue) for queue in queues]


async def test_an_insert_rings_once_for_each_queue_with_due_rows(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute(
        "insert into rowbell.tasks (kind, queue, run_at) values ('aaa', 'one', now()),"
        f" ('aaa', 'one', now()), ('bbb', 'two', now()), ('aaa', 'three', {FAR})"
    )
    assert sorted(await ear.heard()) == bells("one", "two")


async def test_a_row_of_the_near_future_rings(connection: asyncpg.Connection, ear: Ear) -> None:
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at) values ('aaa', now() + interval '50 s')"
    )
    assert await ear.heard() == bells("default")


async def test_what_is_near_is_told_by_the_clock_not_by_the_start_of_the_transaction(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute(
        "begin;"
        "do $$ begin while clock_timestamp() < now() + interval '2 ms' loop end loop; end $$;"
        "insert into rowbell.tasks (kind, run_at) values ('aaa', now() + interval '60.001 s');"
        "commit"
    )
    assert await ear.heard() == bells("default")


async def test_a_row_of_the_far_future_rings_nothing(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute(f"insert into rowbell.tasks (kind, run_at) values ('aaa', {FAR})")
    assert await ear.heard() == []


@pytest.mark.parametrize(
    "statements",
    [
        "begin; insert into rowbell.tasks (kind) values ('aaa'); rollback",
        "begin; savepoint s; insert into rowbell.tasks (kind) values ('aaa');"
        " rollback to s; commit",
        "insert into rowbell.tasks (kind) select 'aaa' where false",
    ],
    ids=["transaction", "savepoint", "no row"],
)
async def test_what_was_not_committed_rings_nothing(
    connection: asyncpg.Connection, ear: Ear, statements: str
) -> None:
    await connection.execute(statements)
    assert await ear.heard() == []


async def test_a_row_before_a_savepoint_that_was_rolled_back_rings(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute(
        "begin; insert into rowbell.tasks (kind, queue) values ('aaa', 'kept'); savepoint s;"
        " insert into rowbell.tasks (kind, queue) values ('aaa', 'gone'); rollback to s; commit"
    )
    assert await ear.heard() == bells("kept")


async def test_equal_bells_of_a_transaction_are_one(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    one = "insert into rowbell.tasks (kind) values ('aaa');"
    await connection.execute(f"begin; {one * 3} commit")
    assert await ear.heard() == bells("default")


async def test_a_copy_rings(connection: asyncpg.Connection, ear: Ear) -> None:
    await connection.copy_records_to_table(
        "tasks", schema_name="rowbell", columns=["kind", "queue"], records=[("aaa", "copied")] * 5
    )
    assert await ear.heard() == bells("copied")


async def test_a_merge_rings(connection: asyncpg.Connection, ear: Ear) -> None:
    await connection.execute(
        "merge into rowbell.tasks t using (values ('merged')) v (queue) on t.queue = v.queue"
        " when not matched then insert (kind, queue) values ('aaa', v.queue)"
    )
    assert await ear.heard() == bells("merged")


async def test_an_upsert_that_makes_a_row_due_rings(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    upsert = (
        "insert into rowbell.tasks (kind, unique_key, run_at) values ('aaa', 'k', {})"
        " on conflict (unique_key) where unique_key is not null"
        " and status in ('PENDING', 'PROCESSING') do update set run_at = excluded.run_at"
    )
    await connection.execute(upsert.format(FAR))
    assert await ear.heard() == []
    await connection.execute(upsert.format("now()"))
    assert await ear.heard() == bells("default")


async def test_a_session_that_replicates_rings_too(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute("set session_replication_role = replica")
    await connection.execute("insert into rowbell.tasks (kind) values ('aaa')")
    assert await ear.heard() == bells("default")


@pytest.mark.parametrize(
    ("before", "change", "rings"),
    [
        ({"status": "FAILED", "finished_at": NOON}, "select rowbell.retry({id})", True),
        ({"run_at": later(9e8)}, "update rowbell.tasks set run_at = now()", True),
        ({"run_at": later(9e8)}, f"update rowbell.tasks set run_at = {FAR}", False),
        ({}, f"update rowbell.tasks set run_at = {FAR}", False),
        ({"queue": "wrong"}, "update rowbell.tasks set queue = 'default'", True),
        ({"kind": "wrong"}, "update rowbell.tasks set kind = 'aaa'", True),
        ({}, "update rowbell.tasks set description = 'x', priority = 9", False),
        ({}, "select rowbell.cancel({id})", False),
        ({}, "delete from rowbell.tasks", False),
    ],
)
async def test_an_update_rings_if_it_makes_a_row_due(
    connection: asyncpg.Connection,
    ear: Ear,
    before: dict[str, Any],
    change: str,
    rings: bool,
) -> None:
    (task,) = await insert(connection, **before)
    await ear.heard()
    await connection.execute(change.format(id=task))
    assert await ear.heard() == (bells("default") if rings else [])


async def test_a_release_rings(connection: asyncpg.Connection, ear: Ear) -> None:
    task, attempt, _ = await running(connection)
    await ear.heard()
    await connection.fetch("select id from rowbell.release($1, $2)", [task], [attempt])
    assert await ear.heard() == bells("default")


@pytest.mark.parametrize(
    "change",
    ["select rowbell.resume('default')", "update rowbell.queues set paused_at = null"],
)
async def test_the_end_of_a_pause_rings(
    connection: asyncpg.Connection, ear: Ear, change: str
) -> None:
    await connection.execute("select rowbell.pause('default')")
    assert await ear.heard() == []
    await connection.execute(change)
    assert await ear.heard() == bells("default")


async def test_claims_and_completions_ring_nothing(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    worker = await register(connection)
    await insert(connection, count=3)
    await ear.heard()
    claims = await claim(connection, worker)
    await connection.fetch(
        "select rowbell.complete($1, $2, '{null,null,null}')",
        [each["id"] for each in claims],
        [each["attempt"] for each in claims],
    )
    assert await ear.heard() == []
