"""One function for each SQL function of rowbell.tokens. Only digests of secrets go in."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from rowbell.db.pool import Database
from rowbell.viewer import Role, Viewer

PREFIX = "rbt_"
"""By which scanners for leaked secrets know a token."""

_RANDOM_BYTES = 32
_LINE = """
  id, name, state, subject, role, audiences, created_by, created_at, expires_at, revoked_at,
  last_used_at
"""


@dataclass(frozen=True, slots=True)
class NewToken:
    """`secret` is shown to a person once, and kept nowhere."""

    id: int
    secret: str


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that is taken, at the moment when the database was asked."""

    id: int
    viewer: Viewer
    seconds_left: float | None
    """None: it never expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of `rowbell.token_overview`."""

    id: int
    name: str
    state: str
    subject: str
    role: str
    audiences: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def digest(secret: str) -> bytes:
    """A plain hash is enough, and quick: nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


async def create(
    database: Database, name: str, viewer: Viewer, *, lifetime: timedelta | None
) -> NewToken:
    """lifetime None: it never expires. Raises InvalidArgument, Forbidden, Unavailable."""
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    async with database.pooled() as connection:
        token: int = await connection.fetchval(
            "select rowbell.create_token($1, $2, $3, $4, $5, $6)",
            digest(secret),
            name,
            viewer.subject,
            str(viewer.role),
            sorted(viewer.audiences),
            lifetime,
        )
    return NewToken(token, secret)


async def revoke(database: Database, token: int) -> datetime:
    """Since when it is revoked. Raises NotFound, Forbidden, Unavailable."""
    async with database.pooled() as connection:
        since: datetime = await connection.fetchval("select rowbell.revoke_token($1)", token)
    return since


async def lines(database: Database) -> list[Line]:
    """All tokens, newest first."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            f"select {_LINE} from rowbell.token_overview order by id desc"  # noqa: S608
        )
    return [Line(**row) for row in rows]


async def use(database: Database, secret_digest: bytes) -> KnownToken | None:
    """None if there is no such token, or it is not taken any more. Raises Unavailable."""
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            "select id, subject, role, audiences, seconds_left from rowbell.use_token($1)",
            secret_digest,
        )
    if row is None:
        return None
    viewer = Viewer(
        role=Role(row["role"]), subject=row["subject"], audiences=frozenset(row["audiences"])
    )
    return KnownToken(row["id"], viewer, row["seconds_left"])


async def valid(database: Database, tokens: list[int]) -> set[int]:
    """Those that are still taken. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select id from rowbell.valid_tokens($1)", tokens)
    return {row[0] for row in rows}


async def exist(database: Database) -> bool:
    """True once a token was ever made. Raises Unavailable."""
    async with database.pooled() as connection:
        return bool(await connection.fetchval("select rowbell.has_tokens()"))
