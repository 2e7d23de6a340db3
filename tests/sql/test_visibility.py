"""Which tasks a caller of the API sees: in SQL, in Python, and when a query forgets to ask."""

from collections.abc import Awaitable, Callable
from itertools import combinations, product
from typing import Any

import asyncpg
import pytest

from rowbell.db import inserts, overview, tasks
from rowbell.db.pool import Database
from rowbell.db.sight import seeing
from rowbell.errors import Forbidden, InvalidState, NotFound, UniqueKeyConflict
from rowbell.task import Conflict, Filter, NewTask, OnConflict, Status
from rowbell.viewer import Role, Viewer

ANN = Viewer(role=Role.PRODUCER, subject="ann", audiences=frozenset({"ops"}))
BOB = Viewer(role=Role.PRODUCER, subject="bob")
OPERATOR = Viewer(role=Role.OPERATOR, subject="olga")


async def insert(connection: asyncpg.Connection, by: str, *audience: str, **more: Any) -> int:
    columns = {"kind": "echo", "created_by": by, "audience": list(audience), **more}
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    task: int = await connection.fetchval(
        f"insert into rowbell.tasks ({', '.join(columns)}) values ({places}) returning id",
        *columns.values(),
    )
    return task


ASKED = """
select coalesce(rowbell.may_see($1, $2, $3, $4, $5), false),
       coalesce(rowbell.may_change($1, $3, $5), false)
"""


async def test_python_and_sql_decide_alike(connection: asyncpg.Connection) -> None:
    """Every viewer of three names, and every task."""
    names = ["ann", "", '{"a,b}']
    groups = [list(group) for size in range(4) for group in combinations(names, size)]
    asked = await connection.prepare(ASKED)
    for role, subject, audiences in product(Role, [None, *names], groups):
        viewer = Viewer(role=role, subject=subject, audiences=frozenset(audiences))
        for created_by, audience in product(names, groups):
            row = await asked.fetchrow(created_by, audience, subject, audiences, str(role))
            decided = (viewer.sees(created_by, audience), viewer.changes(created_by))
            assert tuple(row) == decided, (viewer, created_by, audience)


async def test_names_of_any_letters_reach_the_view_unchanged(
    connection: asyncpg.Connection, database: Database
) -> None:
    odd = ["a,b", '"', "{}", "NULL", "\\", " ", "ä'; --"]
    for name in odd:
        await insert(connection, "bob", name)
        viewer = Viewer(role=Role.READER, subject="x", audiences=frozenset({name}))
        (seen,) = await overview.tasks(database, Filter(), limit=10, viewer=viewer)
        assert seen.audience == [name]
        own = await insert(connection, name)
        author = Viewer(role=Role.PRODUCER, subject=name)
        assert [t.id for t in await overview.tasks(database, Filter(), limit=9, viewer=author)] == [
            own
        ]


async def test_a_producer_sees_its_own_and_what_its_audiences_share(
    connection: asyncpg.Connection, database: Database
) -> None:
    own = await insert(connection, "ann")
    shared = await insert(connection, "bob", "dev", "ops")
    foreign = await insert(connection, "bob", "dev")
    found = await overview.tasks(database, Filter(), limit=10, viewer=ANN)
    assert [task.id for task in found] == [shared, own]
    assert await overview.task(database, shared, viewer=ANN)
    assert await overview.task(database, foreign, viewer=ANN) is None
    assert await overview.visible_ids(database, [own, shared, foreign], viewer=ANN) == {own, shared}
    assert len(await overview.tasks(database, Filter(), limit=10, viewer=OPERATOR)) == 3


async def test_a_filter_finds_nothing_that_is_not_visible(
    connection: asyncpg.Connection, database: Database
) -> None:
    foreign = await insert(connection, "bob", queue="mail")
    for wanted in (Filter(ids=[foreign]), Filter(queue=["mail"]), Filter(status=[Status.PENDING])):
        assert await overview.tasks(database, wanted, limit=10, viewer=ANN) == []


async def test_a_query_that_forgets_to_ask_is_refused_by_postgresql(
    connection: asyncpg.Connection, database: Database
) -> None:
    await insert(connection, "bob")
    for forgetful in ("select * from rowbell.tasks", "select rowbell.cancel(1)"):
        with pytest.raises(Forbidden):
            async with seeing(database, ANN) as sight:
                await sight.connection.fetch(forgetful)


async def test_a_connection_forgets_who_it_was_after_each_read(
    connection: asyncpg.Connection, database: Database
) -> None:
    task = await insert(connection, "bob")
    for _ in range(4):
        assert await overview.task(database, task, viewer=ANN) is None
        assert await overview.task(database, task)
    async with database.pooled() as pooled:
        assert await pooled.fetchval("select current_user = session_user")
        assert not await pooled.fetchval("select current_setting('rowbell.subject', true)")


async def test_without_settings_nothing_is_visible(connection: asyncpg.Connection) -> None:
    await insert(connection, "bob", "ops")
    assert await connection.fetchval("select count(*) from rowbell.visible_tasks") == 0


async def test_the_service_role_is_enough_to_see_for_others(
    connection: asyncpg.Connection, login_url: Callable[..., Awaitable[str]]
) -> None:
    own, foreign = await insert(connection, "ann"), await insert(connection, "bob")
    database = await Database.open(await login_url("rowbell_service"), name="rowbell tests")
    assert await overview.task(database, own, viewer=ANN)
    assert await overview.task(database, foreign, viewer=ANN) is None
    assert (await tasks.cancel(database, own, viewer=ANN)).status is Status.CANCELLED
    await database.close()


async def test_every_column_of_a_task_that_the_api_reads_is_in_the_view(
    connection: asyncpg.Connection, database: Database
) -> None:
    task = await insert(connection, "ann", "ops")
    assert await overview.task(database, task, viewer=ANN) == await overview.task(database, task)


@pytest.mark.parametrize("change", [tasks.cancel, tasks.retry])
async def test_a_change_of_a_foreign_task_looks_like_one_of_no_task(
    connection: asyncpg.Connection, database: Database, change: Callable[..., Awaitable[Any]]
) -> None:
    foreign = await insert(connection, "bob")
    said = []
    for task in (foreign, foreign + 1_000):
        with pytest.raises(NotFound) as refused:
            await change(database, task, viewer=ANN)
        said.append(str(refused.value).replace(str(task), "N"))
    assert said[0] == said[1]
    assert await connection.fetchval("select status::text from rowbell.tasks") == "PENDING"


async def test_a_shared_task_is_for_reading(
    connection: asyncpg.Connection, database: Database
) -> None:
    shared = await insert(connection, "bob", "ops")
    with pytest.raises(Forbidden, match="not yours"):
        await tasks.cancel(database, shared, viewer=ANN)
    assert (await tasks.cancel(database, shared, viewer=OPERATOR)).status is Status.CANCELLED


async def test_an_own_task_is_cancelled_and_retried(
    connection: asyncpg.Connection, database: Database
) -> None:
    own = await insert(connection, "ann")
    with pytest.raises(InvalidState):
        await tasks.retry(database, own, viewer=ANN)
    assert (await tasks.cancel(database, own, viewer=ANN)).status is Status.CANCELLED
    assert (await tasks.retry(database, own, viewer=ANN)).status is Status.PENDING


@pytest.mark.parametrize("what", [OnConflict.KEEP, OnConflict.REPLACE, OnConflict.RESCHEDULE])
async def test_the_key_of_a_foreign_task_is_a_conflict_and_shows_nothing_of_it(
    connection: asyncpg.Connection, database: Database, what: OnConflict
) -> None:
    await insert(connection, "bob", unique_key="k", description="secret")
    before = await connection.fetchrow("select * from rowbell.tasks")
    with pytest.raises(UniqueKeyConflict) as refused:
        new = NewTask(unique_key="k", on_conflict=what, description="mine")
        await inserts.create_all(database, [new], viewer=ANN)
    assert "secret" not in str(refused.value)
    assert await connection.fetchrow("select * from rowbell.tasks") == before


async def test_a_shared_task_with_the_key_is_kept_but_not_replaced(
    connection: asyncpg.Connection, database: Database
) -> None:
    shared = await insert(connection, "bob", "ops", unique_key="k")
    keep = NewTask(unique_key="k", on_conflict=OnConflict.KEEP)
    (kept,) = await inserts.create_all(database, [keep], viewer=ANN)
    assert (kept.id, kept.conflict) == (shared, Conflict.KEPT)
    replace = NewTask(unique_key="k", on_conflict=OnConflict.REPLACE)
    with pytest.raises(UniqueKeyConflict):
        await inserts.create_all(database, [replace], viewer=ANN)
