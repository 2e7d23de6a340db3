"""A call through the pipe of the service: as its role, and completed as the service itself."""

from collections.abc import Awaitable, Callable

import asyncpg
import orjson
import pytest

from rowbell.db import functions, inserts, tasks, workers
from rowbell.db.pool import Database
from rowbell.errors import FunctionRefused
from rowbell.handlers import Handlers
from rowbell.task import NewTask

NOTE = """
create role {role}; create schema acme; grant usage on schema acme to {role};
create table acme.notes (by text default current_user);
grant insert, select on acme.notes to {role};
create function acme.note() returns text language sql as
  'insert into acme.notes default values returning by';
grant {role} to rowbell_service;
insert into rowbell.callable_functions (function, run_as) values ('acme.note', '{role}')
"""


async def test_a_service_that_owns_nothing_calls_as_the_role_and_completes_as_itself(
    connection: asyncpg.Connection, login_url: Callable[..., Awaitable[str]]
) -> None:
    role = f"acme_{(await connection.fetchval('select current_database()'))[5:]}"
    await connection.execute(NOTE.format(role=role))
    database = await Database.open(await login_url("rowbell_service"), name="rowbell tests")
    try:
        payload = {"function": "acme.note"}
        task = await inserts.create(database, NewTask(kind="call_function", payload=payload))
        worker = await workers.register(
            database, queues=("*",), slots=1, lease_seconds=30, handlers=Handlers()
        )
        (claim,) = await tasks.claim(database, "default", worker, 1, ["call_function"])
        async with database.for_handler() as tx, tx.transaction():
            result = await functions.call(tx, "acme.note", task_id=task.id)
            assert await tasks.complete_within(tx, claim.id, claim.attempt, result)
        row = await connection.fetchrow("select status::text, result from rowbell.tasks")
        assert (row["status"], orjson.loads(row["result"])) == ("COMPLETED", role)
        assert await connection.fetchval("select by from acme.notes") == role
        with pytest.raises(FunctionRefused, match="is not allowed"):
            async with database.for_handler() as tx, tx.transaction():
                await functions.call(tx, "acme.other", task_id=task.id)
    finally:
        await database.close()
        await connection.execute(f"drop owned by {role}; drop role {role}")
