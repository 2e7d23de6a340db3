"""Calls of allowed SQL functions, for the kind call_function."""

from typing import Any

import asyncpg

from rowbell.db.pool import Connection
from rowbell.errors import FunctionFailed, FunctionRefused

ANSWER_SECONDS = 10.0
"""What a server may take beyond the statement_timeout until it is held to be gone."""

# By the server's clock, which starts with the next statement.
_LIMIT = """
select limits.seconds,
  set_config('statement_timeout', ceil(limits.seconds * 1000)::bigint::text, true)
from rowbell.allowed_function($1) allowed,
  lateral (select extract(epoch from allowed.statement_timeout)::float8) limits (seconds)
"""
_CALL = """
select rowbell.call_function($1, coalesce(payload -> 'arguments', '{}'))::text
from rowbell.tasks where id = $2
"""
# Whatever the function has set must reach neither the completion nor the connection's next user.
_RESTORE = "reset session authorization; reset role; reset all"

# The same call fails again: an error in SQL, a missing right or object, wrong arguments.
_HOPELESS_CLASSES = ("42", "0A", "2D", "RB")


async def call(connection: Connection, function: str, *, task_id: int) -> str | None:
    """Call an allowed function with the arguments of a task; returns its result as JSON text.

    The arguments are read where they are, so numbers keep all their digits.

    Raises FunctionFailed, or FunctionRefused where no further call can succeed.
    """
    try:
        seconds, _ = await connection.fetchrow(_LIMIT, function)
        # The savepoint ends what no RESET can undo: SET TRANSACTION READ ONLY.
        async with connection.transaction():
            result: str | None = await connection.fetchval(
                _CALL,
                function,
                task_id,
                timeout=seconds + ANSWER_SECONDS,
            )
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        raise _failure(error) from None
    await connection.execute(_RESTORE)
    return result


def _failure(error: Any) -> FunctionFailed:
    named = ("sqlstate", "detail", "hint", "context")
    details = {name: str(value) for name in named if (value := getattr(error, name, None))}
    hopeless = error.sqlstate[:2] in _HOPELESS_CLASSES
    return (FunctionRefused if hopeless else FunctionFailed)(error.message, details)
