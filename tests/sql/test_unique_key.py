"""unique_key: at most one open task has it."""

import asyncpg
import pytest
from rows import NOON, insert, running

ONCE = (
    "insert into rowbell.tasks (kind, unique_key) values ('aaa', 'once')"
    " on conflict do nothing returning id"
)


async def test_a_second_open_task_with_the_key_is_refused(connection: asyncpg.Connection) -> None:
    await insert(connection, unique_key="once")
    with pytest.raises(asyncpg.UniqueViolationError, match="tasks_unique_key"):
        await insert(connection, unique_key="once")


async def test_on_conflict_do_nothing_inserts_only_if_there_is_none(
    connection: asyncpg.Connection,
) -> None:
    assert await connection.fetchval(ONCE)
    assert await connection.fetchval(ONCE) is None
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


async def test_the_key_is_taken_while_the_task_runs(connection: asyncpg.Connection) -> None:
    await running(connection, unique_key="once")
    assert await connection.fetchval(ONCE) is None


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
async def test_the_key_is_free_again_when_the_task_is_finished(
    connection: asyncpg.Connection, status: str
) -> None:
    await insert(connection, unique_key="once", status=status, finished_at=NOON)
    assert await connection.fetchval(ONCE)


async def test_a_retry_is_refused_while_another_open_task_has_the_key(
    connection: asyncpg.Connection,
) -> None:
    (task,) = await insert(connection, unique_key="once", status="FAILED", finished_at=NOON)
    await insert(connection, unique_key="once")
    with pytest.raises(asyncpg.UniqueViolationError, match="tasks_unique_key"):
        await connection.execute("select rowbell.retry($1)".replace("$1", str(task)))


async def test_tasks_without_a_key_never_conflict(connection: asyncpg.Connection) -> None:
    assert len(await insert(connection, count=2)) == 2
