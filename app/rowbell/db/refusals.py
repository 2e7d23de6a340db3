"""What asyncpg raises, as the errors of rowbell.errors."""

from types import TracebackType

import asyncpg

from rowbell.errors import (
    BY_SQLSTATE,
    HINTS,
    ConfigurationError,
    InvalidArgument,
    RowbellError,
    Unavailable,
    UniqueKeyConflict,
)

GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutdown, crash, "the database system is starting up"
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # after a failover: this server is no primary any more
    asyncpg.InternalClientError,  # the server has said that it ends the session, and not done it
    OSError,
    TimeoutError,
)
"""For a server that has ended the session, or does not answer."""

BROKEN = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InternalClientError)
"""A server that has failed over, or is ending, says so in an answer: it is not used again."""


def leaves_doubt(error: BaseException) -> bool:
    """Whether a connection is not to be used again after this.

    An error of PostgreSQL is an answer; after anything else one may still be on its way.
    """
    return not isinstance(error, asyncpg.PostgresError) or isinstance(error, BROKEN)


class Translated:
    """A context manager; a class, for a generator takes microseconds that each claim would pay."""

    def __enter__(self) -> None:
        """Nothing has to be kept: one instance serves all."""

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        if error is not None and (known := _translation(error)):
            raise known from error


_translated = Translated()


def translated() -> Translated:
    """Turn what asyncpg raises into the errors of rowbell.errors."""
    return _translated


def _translation(error: BaseException) -> RowbellError | None:
    """None: it is not asyncpg's."""
    if isinstance(error, asyncpg.ClientConfigurationError):
        return ConfigurationError(
            f"ROWBELL_DATABASE_URL cannot be used: {error}.",
            hint="It has the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )
    if isinstance(error, GONE):
        return Unavailable(
            f"PostgreSQL is not available: {str(error) or 'it did not answer in time'}.",
            hint="Check that it runs and that ROWBELL_DATABASE_URL points at it; then try again.",
        )
    # The server's; asyncpg's own DataError, for what it cannot encode, has no message.
    if isinstance(error, asyncpg.DataError) and not error.message:
        return InvalidArgument(f"{error}.")
    return refusal(error) if isinstance(error, asyncpg.PostgresError) else None


def unique_key_conflict() -> UniqueKeyConflict:
    return UniqueKeyConflict(
        "an open task has this unique_key already.",
        hint="Wait for it, cancel it, or use another key.",
        field="unique_key",
    )


def refusal(error: asyncpg.PostgresError) -> RowbellError:
    """The error of our tree for one that PostgreSQL raised."""
    kind = BY_SQLSTATE.get(error.sqlstate)
    if kind is None:
        return RowbellError(f"PostgreSQL refused a statement: {error}.")
    if error.constraint_name == "tasks_unique_key":
        return unique_key_conflict()
    if error.constraint_name == "schedules_pkey":
        return kind("a schedule has this name already.", hint="Use another name.", field="name")
    return kind(
        f"{error.message}.",
        hint=error.hint or HINTS.get(error.sqlstate, ""),
        field=error.column_name or "",
    )
