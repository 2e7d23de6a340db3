"""What a statement ends with when the server does, and not through any fault of its own."""

import asyncpg

GONE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
CLASSES = ("08", "57")
"""Of SQLSTATE: the connection is gone; the server is, or just comes."""


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL was not there; else it has refused what it was asked."""
    sqlstate: str = getattr(error, "sqlstate", None) or "08000"
    return sqlstate[:2] in CLASSES
