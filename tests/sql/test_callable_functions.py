"""rowbell.callable_functions and rowbell.call_function: what may be called, as whom, and how."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import orjson
import pytest

Login = Callable[..., Awaitable[asyncpg.Connection]]

# ruff: noqa: E501 - SQL reads best a statement a line
FUNCTIONS = """
create schema acme;
create table acme.calls (what text, by text default current_user);
create function acme.add(a integer, b integer default 10) returns integer language sql as 'select a + b';
create function acme.two(a integer) returns integer language sql as 'select a';
create function acme.two(a text) returns text language sql as 'select a';
create function acme.echo(day date, ids bigint[], doc jsonb, amount numeric) returns jsonb
  language sql as 'select jsonb_build_array(day, ids, doc, amount)';
create function acme.rows(n integer) returns table (n1 integer, n2 integer)
  language sql as 'select i, i * i from generate_series(1, n) i';
create function acme.numbers(n integer) returns setof integer language sql as 'select generate_series(1, n)';
create function acme.outs(out a integer, out b text) language sql as $$ select 1, 'x' $$;
create function acme.nothing() returns void language sql as $$ insert into acme.calls values ('nothing') $$;
create function acme.me() returns text language sql as 'select current_user::text';
create function acme.long() returns text language sql as $$ select repeat('x', 70000) $$;
create function acme."Odd %s""name"("in put" text) returns text language sql as 'select "in put"';
create function acme.unnamed(integer) returns integer language sql as 'select $1';
create function acme.many(variadic a integer[]) returns integer language sql as 'select 1';
create function acme.any(a anyelement) returns integer language sql as 'select 1';
create function acme.fires() returns trigger language plpgsql as 'begin return null; end';
create procedure acme.proc() language sql as 'select 1';
"""


@pytest.fixture
async def acme(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A connection of the owner, to a database with functions to call."""
    await connection.execute(FUNCTIONS)
    return connection


@pytest.fixture
async def clerk(acme: asyncpg.Connection) -> AsyncIterator[str]:
    """A role without a login that may use the schema acme."""
    name = f"clerk_{uuid.uuid4().hex[:8]}"
    await acme.execute(
        f"create role {name}; grant usage on schema acme to {name}; grant all on acme.calls to {name}"
    )
    yield name
    await acme.execute(f"reset role; drop owned by {name}; drop role {name}")


async def allow(connection: asyncpg.Connection, function: str, **columns: Any) -> str:
    """Allow a function; returns the name that it is kept by."""
    names = ", ".join(["function", *columns])
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 2))
    kept: str = await connection.fetchval(
        f"insert into rowbell.callable_functions ({names}) values ({places}) returning function",
        function,
        *columns.values(),
    )
    return kept


async def call(connection: asyncpg.Connection, function: str, **arguments: Any) -> Any:
    text = await connection.fetchval(
        "select rowbell.call_function($1, $2::text::jsonb)::text",
        function,
        orjson.dumps(arguments).decode(),
    )
    return None if text is None else orjson.loads(text)


async def test_a_function_is_kept_with_its_types_and_who_allowed_it(
    acme: asyncpg.Connection,
) -> None:
    assert await allow(acme, "acme.add") == "acme.add(integer, integer)"
    row = await acme.fetchrow("select * from rowbell.callable_functions")
    assert row["name"] == "acme.add"
    assert row["allowed_by"] == await acme.fetchval("select session_user")


REFUSED = {
    "add": ("has no schema", "schema.function"),
    "acme.nosuch": ("there is no function acme.nosuch", "Create it first"),
    "acme.add(date)": ("there is no function", "acme.add(integer,integer)"),
    "acme.two": ("there are 2 functions", "acme.two(integer) or acme.two(text)"),
    "acme.proc": ("is a procedure", "write a function"),
    "acme.unnamed": ("has a parameter without a name", "CREATE OR REPLACE"),
    "acme.many": ("takes VARIADIC", "array"),
    "acme.any": ("of a type that no JSON has", "plain types"),
    "acme.fires": ("returns trigger", "returns a value"),
    "pg_catalog.max(integer)": ("is an aggregate", "function of your own"),
}


@pytest.mark.parametrize("function", REFUSED)
async def test_what_could_never_be_called_is_refused(
    acme: asyncpg.Connection, function: str
) -> None:
    sentence, remedy = REFUSED[function]
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await allow(acme, function)
    assert sentence in caught.value.message
    assert remedy in caught.value.hint
    assert caught.value.table_name == "callable_functions"
    assert caught.value.column_name == "function"


async def test_a_role_that_is_unknown_is_refused(acme: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await allow(acme, "acme.add", run_as="nobody_of_that_name")
    assert "there is no role" in caught.value.message
    assert caught.value.column_name == "run_as"


async def test_a_role_that_the_service_cannot_become_is_refused_with_the_grant(
    acme: asyncpg.Connection, clerk: str
) -> None:
    owner = f"owner_{uuid.uuid4().hex[:8]}"
    superuser = await acme.fetchval("select current_user")
    try:
        await acme.execute(
            f"create role {owner}; alter table rowbell.callable_functions owner to {owner}"
        )
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await allow(acme, "acme.add", run_as=clerk)
        assert caught.value.hint == f"grant {clerk} to rowbell_service;"
        await acme.execute(caught.value.hint)
        await allow(acme, "acme.add", run_as=clerk)
    finally:
        await acme.execute(
            f"alter table rowbell.callable_functions owner to {superuser};"
            f" drop owned by {owner}; drop role {owner}"
        )


async def test_a_role_that_may_not_execute_is_refused_with_the_grant(
    acme: asyncpg.Connection, clerk: str
) -> None:
    await acme.execute("revoke execute on function acme.add from public")
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await allow(acme, "acme.add", run_as=clerk)
    await acme.execute(caught.value.hint)
    await allow(acme, "acme.add", run_as=clerk)


async def test_arguments_are_given_by_name_and_defaults_are_taken(
    acme: asyncpg.Connection,
) -> None:
    await allow(acme, "acme.add")
    assert await call(acme, "acme.add", a=1) == 11
    assert await call(acme, "acme.add(integer, integer)", b=2, a="1") == 3


async def test_arguments_become_the_types_of_the_parameters(acme: asyncpg.Connection) -> None:
    await allow(acme, "acme.echo")
    given = {"day": "2026-11-21", "ids": [1, 2], "doc": {"a": [None]}, "amount": "12.30"}
    assert await call(acme, "acme.echo", **given) == ["2026-11-21", [1, 2], {"a": [None]}, 12.3]


RESULTS = {
    "acme.rows": ({"n": 2}, [{"n1": 1, "n2": 1}, {"n1": 2, "n2": 4}]),
    "acme.numbers": ({"n": 0}, []),
    "acme.outs": ({}, {"a": 1, "b": "x"}),
    "acme.nothing": ({}, None),
    'acme."Odd %s""name"': (
        {"in put": "'); drop table acme.calls; --"},
        "'); drop table acme.calls; --",
    ),
}


@pytest.mark.parametrize("function", RESULTS)
async def test_a_result_is_what_the_function_returns(
    acme: asyncpg.Connection, function: str
) -> None:
    arguments, result = RESULTS[function]
    await allow(acme, function)
    assert await call(acme, function, **arguments) == result


async def test_a_function_that_returns_nothing_has_run_once(acme: asyncpg.Connection) -> None:
    await allow(acme, "acme.nothing")
    await call(acme, "acme.nothing")
    assert await acme.fetchval("select count(*) from acme.calls") == 1


WRONG = {
    "acme.add": [
        ({}, "needs the argument a", "a integer, b integer (optional)"),
        ({"a": 1, "c": 2}, "has no parameter c", "a integer, b integer (optional)"),
        ({"a": "x"}, 'invalid input syntax for type integer: "x"', "The arguments do not fit"),
    ],
    "acme.long": [({}, "the result has 70002 bytes", "Return a key or a count")],
}


@pytest.mark.parametrize("function", WRONG)
async def test_wrong_arguments_and_large_results_are_refused_with_a_sentence(
    acme: asyncpg.Connection, function: str
) -> None:
    await allow(acme, function)
    for arguments, sentence, remedy in WRONG[function]:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await call(acme, function, **arguments)
        assert caught.value.sqlstate == "RB400"
        assert sentence in str(caught.value)
        assert remedy in caught.value.hint


async def test_what_is_not_listed_is_not_called(acme: asyncpg.Connection) -> None:
    await allow(acme, "acme.two(text)")
    assert await call(acme, "acme.two", a="x") == "x"
    for function in ("acme.two(integer)", "acme.add", "add", "acme.nosuch"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await call(acme, function, a=1)


async def test_two_that_are_listed_are_told_apart_by_their_types(acme: asyncpg.Connection) -> None:
    for each in ("acme.two(text)", "acme.two(integer)"):
        await allow(acme, each)
    with pytest.raises(asyncpg.PostgresError, match=r"2 functions acme\.two are allowed"):
        await call(acme, "acme.two", a=1)
    assert await call(acme, "acme.two(integer)", a="7") == 7


async def test_a_later_function_of_the_same_name_is_not_called_instead(
    acme: asyncpg.Connection,
) -> None:
    await allow(acme, "acme.add")
    await acme.execute(
        "create function acme.add(a integer) returns integer language sql as 'select 666';"
        "create function acme.add(b integer, a bigint) returns integer language sql as 'select 667'"
    )
    assert await call(acme, "acme.add", a=1) == 11
    assert await call(acme, "acme.add", a=1, b=1) == 2


async def test_a_function_that_was_dropped_or_changed_is_refused(acme: asyncpg.Connection) -> None:
    await allow(acme, "acme.add")
    await acme.execute("drop function acme.add")
    with pytest.raises(asyncpg.UndefinedFunctionError, match="does not exist any more"):
        await call(acme, "acme.add", a=1)
    await acme.execute("create procedure acme.add(a integer, b integer) language sql as 'select 1'")
    with pytest.raises(asyncpg.WrongObjectTypeError, match="is a procedure"):
        await call(acme, "acme.add", a=1, b=1)


async def test_a_function_runs_as_its_role_and_the_session_is_itself_again(
    acme: asyncpg.Connection, clerk: str
) -> None:
    await allow(acme, "acme.me", run_as=clerk)
    before = await acme.fetchval("select current_user")
    async with acme.transaction():
        assert await call(acme, "acme.me") == clerk
        assert await acme.fetchval("select current_user") == before


async def test_a_security_definer_function_cannot_become_the_service_again(
    acme: asyncpg.Connection, clerk: str
) -> None:
    await acme.execute(
        f"grant create on schema acme to {clerk}; set role {clerk};"
        "create function acme.escapes() returns text language plpgsql security definer as"
        " $$ begin reset role; return current_user; end $$; reset role"
    )
    await allow(acme, "acme.escapes", run_as=clerk)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="security-definer"):
        await call(acme, "acme.escapes")


async def test_what_a_function_puts_off_runs_as_its_role(
    acme: asyncpg.Connection, clerk: str
) -> None:
    await acme.execute(
        "create function acme.note() returns trigger language plpgsql as"
        " $$ begin insert into acme.calls values ('note'); return null; end $$;"
        "create table acme.noted (); create constraint trigger late after insert on acme.noted"
        " deferrable initially deferred for each row execute function acme.note();"
        "create function acme.put_off() returns void language sql as"
        " 'insert into acme.noted default values';"
        f"grant all on acme.noted to {clerk}"
    )
    await allow(acme, "acme.put_off", run_as=clerk)
    async with acme.transaction():
        await call(acme, "acme.put_off")
    assert await acme.fetchval("select by from acme.calls") == clerk


async def test_the_service_calls_with_no_more_than_its_role_and_the_grant(
    acme: asyncpg.Connection, login: Login, clerk: str
) -> None:
    await acme.execute("grant usage on schema acme to rowbell_service")
    await allow(acme, "acme.me", run_as=clerk)
    service = await login("rowbell_service")
    with pytest.raises(asyncpg.InsufficientPrivilegeError) as caught:
        await call(service, "acme.me")
    assert f"grant {clerk} to " in caught.value.hint
    await acme.execute(caught.value.hint)
    assert await call(service, "acme.me") == clerk


@pytest.mark.parametrize("role", ["rowbell_producer", "rowbell_operator", "rowbell_service"])
async def test_only_the_owner_changes_the_list(
    acme: asyncpg.Connection, login: Login, role: str
) -> None:
    session = await login(role)
    await session.fetch("select * from rowbell.callable_functions")
    for statement in (
        "insert into rowbell.callable_functions (function) values ('acme.add')",
        "update rowbell.callable_functions set run_as = null",
        "delete from rowbell.callable_functions",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_a_search_path_of_the_session_hijacks_no_call(
    acme: asyncpg.Connection, clerk: str
) -> None:
    await allow(acme, "acme.add")
    await acme.execute(
        f"create schema evil authorization {clerk}; set role {clerk};"
        "create function evil.to_jsonb(integer) returns jsonb language sql as $$ select '666'::jsonb $$;"
        "create function evil.concat(text, text, text) returns text language sql as $$ select 'evil' $$;"
        "create domain evil.int4 as text; reset role;"
        "set search_path = evil, pg_catalog"
    )
    assert await call(acme, "acme.add", a=1) == 11
