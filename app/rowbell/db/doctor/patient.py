"""The database that is looked at, and a connection to it that may be replaced."""

import asyncio
from dataclasses import dataclass
from typing import Self

import asyncpg

from rowbell.db import migrate
from rowbell.db.pool import CONNECT_SECONDS, UNPREPARED, Connection, is_pooled
from rowbell.db.refusals import translated

NAME = "rowbell doctor"
STATEMENT_SECONDS = 5.0
GOODBYE_SECONDS = 1.0

_ABOUT = """
select current_setting('server_version'),
  pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
  exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'rowbell' and c.relname = 'schema_files'),
  exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where n.nspname = 'rowbell' and p.proname = 'health_of_queues')
"""


@dataclass(slots=True)
class Patient:
    url: str
    connection: Connection
    version: str
    is_replica: bool
    is_read_only: bool
    is_pooled: bool
    has_schema: bool
    has_health: bool
    """Its schema is new enough to be asked for rowbell.health."""

    @classmethod
    async def meet(cls, url: str) -> Self:
        """Connect as the service would. Raises Unavailable, ConfigurationError."""
        connection = await connect(url)
        try:
            with translated():
                about = await connection.fetchrow(_ABOUT)
                version, is_replica, is_read_only, has_schema, has_health = about
                return cls(
                    url=url,
                    connection=connection,
                    version=version.partition(" ")[0],
                    is_replica=is_replica,
                    is_read_only=is_read_only,
                    is_pooled=await is_pooled(connection),
                    has_schema=has_schema,
                    has_health=has_health,
                )
        except BaseException:
            connection.terminate()
            raise

    async def meet_again(self) -> None:
        """After a check that did not end in time: its connection may hang. Raises Unavailable."""
        self.connection.terminate()
        self.connection = await connect(self.url)

    async def pending(self) -> list[migrate.SchemaFile]:
        """Files of this version that were not applied. Raises ConfigurationError."""
        return await migrate.pending_of(self.connection)

    async def leave(self) -> None:
        await hang_up(self.connection)


async def connect(url: str, *, name: str = NAME) -> Connection:
    """A connection of its own. Raises Unavailable, ConfigurationError."""
    with translated():
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={"application_name": name},
            **UNPREPARED,
        )


async def hang_up(connection: Connection) -> None:
    """Say goodbye, or not, if nobody answers."""
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await connection.close()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
