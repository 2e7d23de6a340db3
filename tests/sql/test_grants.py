"""What each role may do and may not; nobody else may do anything."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from rows import Ear, insert, running

Login = Callable[..., Awaitable[asyncpg.Connection]]

INSERT = "insert into rowbell.tasks (kind) values ('echo') returning id"
PRODUCER, READER = "rowbell_producer", "rowbell_reader"
OPERATOR, SERVICE = "rowbell_operator", "rowbell_service"
VIEWER = "rowbell_viewer"

EVERY_COLUMN = """
insert into rowbell.tasks (kind, payload, description, queue, priority, run_at, max_attempts,
  timeout, unique_key, audience, created_by, concurrency_key, after, after_failure, after_batch,
  batch, traceparent)
values ('echo', '{}', 'all', 'default', 1, now(), 3, '1 s', 'k', '{ann}', 'ann', 'c', '{1}', 'run',
  'a', 'b', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
"""


async def test_a_producer_inserts_and_sees_what_became_of_it(login: Login, ear: Ear) -> None:
    producer = await login(PRODUCER)
    task = await producer.fetchval(INSERT)
    await producer.execute(EVERY_COLUMN)
    assert await producer.fetchval("select status::text from rowbell.tasks where id = $1", task)
    assert await producer.fetchval("select state from rowbell.task_overview where id = $1", task)
    assert await ear.heard() == [("rowbell_bell", "default")] * 2


async def test_a_producer_copies(login: Login, ear: Ear) -> None:
    producer = await login(PRODUCER)
    await producer.copy_records_to_table(
        "tasks", schema_name="rowbell", columns=["kind"], records=[("echo",), ("echo",)]
    )
    assert await ear.heard() == [("rowbell_bell", "default")]
    by = await producer.fetchval("select distinct created_by from rowbell.tasks")
    assert by == await producer.fetchval("select session_user")


async def test_a_producer_may_keep_an_open_task_but_not_change_it(login: Login) -> None:
    producer = await login(PRODUCER)
    keyed = (
        "insert into rowbell.tasks (kind, unique_key) values ('echo', 'k') on conflict (unique_key)"
        " where unique_key is not null and status in ('PENDING', 'PROCESSING') do "
    )
    assert await producer.execute(keyed + "nothing") == "INSERT 0 1"
    assert await producer.execute(keyed + "nothing") == "INSERT 0 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await producer.execute(keyed + "update set run_at = excluded.run_at")


async def test_a_producer_is_told_why_a_row_is_refused(login: Login) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await (await login(PRODUCER)).execute("insert into rowbell.tasks (kind) values ('No')")
    assert "module_action" in caught.value.hint


async def test_a_role_that_was_set_may_insert_and_the_login_is_remembered(login: Login) -> None:
    producer = await login(PRODUCER)
    await producer.execute(f"set role {PRODUCER}")
    task = await producer.fetchval(INSERT)
    by = await producer.fetchval("select created_by from rowbell.tasks where id = $1", task)
    assert by == await producer.fetchval("select session_user")


DENIED = {
    PRODUCER: [
        "insert into rowbell.tasks (kind, status) values ('echo', 'COMPLETED')",
        "insert into rowbell.tasks (kind, attempt) values ('echo', 1)",
        "update rowbell.tasks set priority = 1",
        "delete from rowbell.tasks",
        "truncate rowbell.tasks",
        "select rowbell.cancel(1)",
        "select rowbell.cancel_where(ids => '{1}')",
        "select rowbell.reopen('{1}', '{FAILED}')",
        "select rowbell.complete('{1}', '{1}', '{null}')",
        "select * from rowbell.workers",
        "select * from rowbell.schedules",
        "insert into rowbell.schedules (name, kind, every) values ('a', 'echo', '1 hour')",
        "select rowbell.run_schedule_now('a')",
    ],
    READER: [
        INSERT,
        "update rowbell.tasks set priority = 1",
        "select rowbell.cancel(1)",
        "select rowbell.pause('default')",
        "insert into rowbell.schedules (name, kind, every) values ('a', 'echo', '1 hour')",
        "select rowbell.pause_schedule('a')",
        "delete from rowbell.schedules",
        "select * from rowbell.tokens",
        "select rowbell.revoke_token(1)",
    ],
    OPERATOR: [
        INSERT,
        "select digest from rowbell.tokens",
        "select * from rowbell.use_token('\\x00')",
        "select rowbell.create_token('\\x00', 'n', 's', 'admin')",
        "update rowbell.tasks set status = 'PENDING'",
        "delete from rowbell.tasks",
        "update rowbell.queues set paused_at = now()",
        "select * from rowbell.claim('default', 1, 1, '{echo}')",
        "select rowbell.prune('1 day')",
        "update rowbell.schedules set next_run_at = now()",
        "insert into rowbell.schedules (name, kind, source) values ('a', 'echo', 'code')",
    ],
    VIEWER: [
        INSERT,
        "select * from rowbell.tasks",
        "select * from rowbell.task_overview",
        "select * from rowbell.tokens",
        "select * from rowbell.token_overview",
        "select rowbell.cancel(1)",
        "select rowbell.check_may_change(1, 'ann', '{}', 'admin')",
        "delete from rowbell.visible_tasks",
    ],
    SERVICE: [
        "select digest from rowbell.tokens",
        "drop table rowbell.tasks",
        "alter table rowbell.tasks disable trigger user",
    ],
}


@pytest.mark.parametrize("role", DENIED)
async def test_a_role_is_refused_what_is_not_its_own(login: Login, role: str) -> None:
    session = await login(role)
    for statement in DENIED[role]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_somebody_without_a_role_may_do_nothing(login: Login) -> None:
    nobody = await login()
    for statement in ("select * from rowbell.tasks", INSERT, "select rowbell.cancel(1)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await nobody.execute(statement)


async def test_no_function_is_open_to_everybody_but_those_of_the_check(
    connection: asyncpg.Connection, login: Login
) -> None:
    name = await (await login()).fetchval("select session_user")
    open_to_all = await connection.fetch(
        "select proname from pg_proc where pronamespace = 'rowbell'::regnamespace"
        " and has_function_privilege($1, oid, 'execute')",
        name,
    )
    assert {row[0] for row in open_to_all} == {"refuse", "refuse_unsound", "add_audiences"}


@pytest.mark.parametrize("role", [READER, OPERATOR])
async def test_a_reader_sees_every_table_and_view(
    connection: asyncpg.Connection, login: Login, role: str
) -> None:
    reader = await login(role)
    for (name,) in await connection.fetch(
        "select relname from pg_class where relnamespace = 'rowbell'::regnamespace"
        " and relkind in ('r', 'v') and relname <> 'tokens'"
    ):
        await reader.fetch(f"select * from rowbell.{name}")


async def test_an_operator_mends(connection: asyncpg.Connection, login: Login) -> None:
    operator = await login(OPERATOR)
    (task,) = await insert(connection)
    for statement in (
        f"select rowbell.cancel({task})",
        f"select rowbell.retry({task})",
        "select rowbell.pause('default')",
        "select rowbell.resume('default')",
        "select rowbell.bell_problem()",
        "insert into rowbell.schedules (name, kind, every) values ('nightly', 'echo', '1 hour')",
        "update rowbell.schedules set cron = '0 3 * * *', every = null where name = 'nightly'",
        "select rowbell.pause_schedule('nightly')",
        "select rowbell.resume_schedule('nightly')",
        "select rowbell.run_schedule_now('nightly')",
        "select * from rowbell.schedule_overview",
        "select rowbell.drop_schedule('nightly')",
        "delete from rowbell.schedules",
        "select rowbell.cancel_where(everything => true)",
        "select rowbell.retry_where(everything => true)",
    ):
        await operator.execute(statement)


async def test_a_pause_remembers_the_login(login: Login) -> None:
    operator = await login(OPERATOR)
    by = await operator.fetchval("select paused_by from rowbell.pause('default')")
    assert by == await operator.fetchval("select session_user")


async def test_a_search_path_of_the_caller_reaches_no_function_of_the_owner(
    connection: asyncpg.Connection, login: Login, ear: Ear
) -> None:
    operator = await login(OPERATOR, PRODUCER)
    name = await operator.fetchval("select session_user")
    task, _, _ = await running(connection)
    await ear.heard()
    await connection.execute(f"create schema evil authorization {name}")
    await operator.execute(
        "create table evil.caught (who text); grant all on evil.caught to public;"
        "create function evil.pg_notify(text, text) returns void language sql as"
        " 'insert into evil.caught values (current_user)';"
        "create function evil.clock_timestamp() returns timestamptz language sql as"
        " 'insert into evil.caught values (current_user) returning now()';"
        "create temp table inserted (queue text, status text, run_at timestamptz);"
        "set search_path = evil, pg_temp, pg_catalog"
    )
    await operator.execute(f"select rowbell.cancel({task})")
    await operator.execute("insert into rowbell.tasks (kind) values ('echo')")
    assert await operator.fetch("select * from evil.caught") == []
    assert await ear.heard() == [("rowbell_bell", "default")]
