"""The kind call_function: it commits together with the task's completion, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson
import pytest

from rowbell.engine.kinds.call_function import call_function
from rowbell.errors import FunctionRefused

from deadline import DEADLINE_SECONDS
from integration.conftest import Engine, Tasks

StartEngine = Callable[..., Awaitable[Engine]]

FUNCTIONS = """
create schema acme;
create table acme.calls (what text);
create function acme.note(what text) returns text language sql as
  'insert into acme.calls values (note.what) returning what';
create function acme.wait(seconds float8) returns void language plpgsql as
  $$ begin perform acme.note('waited'); perform pg_sleep(seconds); end $$;
create function acme.fails(code text) returns void language plpgsql as $$ begin
  perform acme.note('failed');
  raise exception using errcode = code, message = 'no such luck', detail = 'it rained',
    hint = 'take an umbrella';
end $$;
create function acme.amount(amount numeric) returns numeric language sql as 'select amount';
create function acme.meddles(how text) returns text language plpgsql as $$ begin
  perform acme.note('meddled'); execute how; return current_user; end $$;
insert into rowbell.callable_functions (function)
select 'acme.' || unnest(array['note', 'wait', 'fails', 'meddles', 'amount']);
"""


@pytest.fixture
async def acme(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A connection to a database with functions that are allowed."""
    await connection.execute(FUNCTIONS)
    return connection


async def enqueue(tasks: Tasks, function: str, **arguments: Any) -> int:
    payload = orjson.dumps({"function": function, "arguments": arguments}).decode()
    return await tasks.insert("call_function", payload=payload)


async def calls(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch("select what from acme.calls")]


async def until_found(connection: asyncpg.Connection, query: str, *values: Any) -> Any:
    """Wait until a query finds something; the test fails if it never does."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (found := await connection.fetchval(query, *values)) is None:
            await asyncio.sleep(0.01)
    return found


async def test_a_call_completes_with_what_the_function_returns(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function)
    task = await enqueue(tasks, "acme.note", what="once")
    row = await tasks.until_status(task, "COMPLETED")
    assert row["result"] == '"once"'
    assert await calls(acme) == ["once"]


async def test_numbers_keep_all_their_digits(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function)
    amount = "123456789012345678901234567890.12345678901234567890"
    payload = f'{{"function": "acme.amount", "arguments": {{"amount": {amount}}}}}'
    row = await tasks.until_status(
        await tasks.insert("call_function", payload=payload), "COMPLETED"
    )
    assert row["result"] == amount


async def test_an_error_undoes_the_call_and_is_kept_in_full(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function, backoff=[60.0])
    task = await enqueue(tasks, "acme.fails", code="P0001")
    await tasks.until("id = $1 and failures = 1", task)
    row = await tasks.row(task)
    error = orjson.loads(row["error"])
    assert row["status"] == "PENDING"
    assert error["type"] == "FunctionFailed"
    assert error["message"] == "no such luck"
    assert error["sqlstate"] == "P0001"
    assert error["detail"] == "it rained"
    assert error["hint"] == "take an umbrella"
    assert "PL/pgSQL function acme.fails(text)" in error["context"]
    assert await calls(acme) == []


@pytest.mark.parametrize("code", ["42883", "42501", "RB400"])
async def test_what_no_attempt_can_mend_fails_at_once(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, code: str
) -> None:
    await start_engine(call_function, give_up_on=(FunctionRefused,))
    row = await tasks.until_status(await enqueue(tasks, "acme.fails", code=code), "FAILED")
    assert row["failures"] == 1
    assert orjson.loads(row["error"])["type"] == "FunctionRefused"


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
async def test_what_another_attempt_may_mend_is_tried_again(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, code: str
) -> None:
    await start_engine(call_function, give_up_on=(FunctionRefused,))
    task = await enqueue(tasks, "acme.fails", code=code)
    await tasks.until("id = $1 and failures = 2", task)


async def test_a_function_that_is_not_allowed_is_refused_with_the_remedy(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function)
    task = await enqueue(tasks, "pg_catalog.pg_sleep", seconds=1)
    await tasks.until("id = $1 and failures = 1", task)
    error = orjson.loads((await tasks.row(task))["error"])
    assert "is not allowed" in error["message"]
    assert "rowbell.callable_functions" in error["hint"]


MEDDLING = [
    "set role rowbell_reader",
    "set local role rowbell_reader",
    "set session authorization rowbell_reader",
    "set search_path = acme",
    "set statement_timeout = '1ms'",
    "set local statement_timeout = '1ms'",
    "set transaction read only",
    "set constraints all deferred",
    "create temp table tasks (id bigint)",
]


@pytest.mark.parametrize("how", MEDDLING)
async def test_what_a_function_sets_harms_neither_its_completion_nor_the_next_handler(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, how: str
) -> None:
    await start_engine(call_function)
    await tasks.until_status(await enqueue(tasks, "acme.meddles", how=how), "COMPLETED")
    await tasks.until_status(await enqueue(tasks, "acme.meddles", how=how), "COMPLETED")
    row = await tasks.until_status(
        await enqueue(tasks, "acme.meddles", how="select pg_sleep(0.01)"), "COMPLETED"
    )
    assert orjson.loads(row["result"]) == await acme.fetchval("select current_user")
    assert await calls(acme) == ["meddled"] * 3


@pytest.mark.parametrize("how", ["commit", "rollback", "savepoint a"])
async def test_a_function_cannot_commit(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, how: str
) -> None:
    await start_engine(call_function)
    task = await enqueue(tasks, "acme.meddles", how=how)
    await tasks.until("id = $1 and failures = 1", task)
    assert orjson.loads((await tasks.row(task))["error"])["sqlstate"] == "0A000"
    assert await calls(acme) == []


SLEEPING = (
    "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
)


async def test_a_cancel_ends_the_statement(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function)
    task = await enqueue(tasks, "acme.wait", seconds=600)
    await until_found(acme, SLEEPING)
    await acme.execute("select rowbell.cancel($1)", task)
    await tasks.until_status(task, "CANCELLED")
    assert await until_found(acme, f"select true where not exists ({SLEEPING})")
    assert await calls(acme) == []


async def test_a_timeout_of_the_task_ends_the_statement(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(call_function, timeout=0.3)
    task = await enqueue(tasks, "acme.wait", seconds=600)
    await tasks.until("id = $1 and failures = 1", task)
    assert orjson.loads((await tasks.row(task))["error"])["type"] == "TimedOut"
    await acme.execute("select rowbell.cancel($1)", task)
    assert await until_found(acme, f"select true where not exists ({SLEEPING})")


async def test_the_statement_timeout_of_the_function_ends_it(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks
) -> None:
    await acme.execute(
        "update rowbell.callable_functions set statement_timeout = '50 ms' where name = 'acme.wait'"
    )
    await start_engine(call_function)
    task = await enqueue(tasks, "acme.wait", seconds=600)
    await tasks.until("id = $1 and failures = 1", task)
    error = orjson.loads((await tasks.row(task))["error"])
    assert error["sqlstate"] == "57014"
    assert "statement timeout" in error["message"]


WAITING = """
select pid from pg_stat_activity where $1 = any (pg_blocking_pids(pid)) and query like $2
"""


async def test_a_connection_that_dies_before_the_commit_leaves_the_effect_exactly_once(
    acme: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, database_url: str
) -> None:
    holder = await asyncpg.connect(database_url)
    await holder.execute("select pg_advisory_lock(7)")
    await start_engine(call_function)
    task = await enqueue(tasks, "acme.meddles", how="select pg_advisory_xact_lock(7)")
    await until_found(acme, WAITING, holder.get_server_pid(), "%rowbell.call_function(%")
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("select from rowbell.tasks where id = $1 for update", task)
    await holder.execute("select pg_advisory_unlock(7)")
    waiting = await until_found(acme, WAITING, holder.get_server_pid(), "%rowbell.complete(%")
    assert await calls(acme) == []  # called, and not committed
    await acme.execute("select pg_terminate_backend($1)", waiting)
    await until_found(
        acme, "select true where not exists (select from pg_stat_activity where pid = $1)", waiting
    )
    await transaction.rollback()
    await holder.close()
    row = await tasks.until_status(task, "COMPLETED")
    assert row["attempt"] == 2
    assert row["failures"] == 1
    assert await calls(acme) == ["meddled"]
