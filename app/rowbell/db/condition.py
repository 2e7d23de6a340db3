"""The condition of the database itself: sizes, dead rows, partitions, connections, replicas."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from rowbell.db.attention import Attention, database_problems
from rowbell.db.bell import Holder, holders
from rowbell.db.pool import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the schema. `bloat`: the share of its rows that is dead."""

    name: str
    bytes: int
    index_bytes: int
    live_rows: int
    dead_rows: int
    bloat: float
    last_vacuum_at: datetime | None
    last_analyze_at: datetime | None
    vacuum_at_rows: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A day of the journal; None: the partition for days that have none."""

    name: str
    day: str | None
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    name: str
    state: str
    behind_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Everything of one moment; sizes are bytes."""

    at: datetime
    version: str
    bytes: int
    connections: int
    max_connections: int
    own_connections: int
    started_at: datetime
    is_replica: bool
    wal_bytes: float | None
    tables: list[Table]
    partitions: list[Partition]
    snapshots: list[Holder]
    replicas: list[Replica]
    problems: list[Attention]


_SERVER = """
select now() as at, split_part(current_setting('server_version'), ' ', 1) as version,
  pg_database_size(current_database()) as bytes,
  count(*) filter (where a.backend_type = 'client backend') as connections,
  current_setting('max_connections')::integer as max_connections,
  count(*) filter (where a.application_name like 'rowbell%' and a.datname = current_database())
    as own_connections,
  pg_postmaster_start_time() as started_at, pg_is_in_recovery() as is_replica
from pg_stat_activity a
"""
_TABLES = """
select c.relname as name, pg_total_relation_size(c.oid) as bytes,
  pg_indexes_size(c.oid) as index_bytes, s.n_live_tup as live_rows, s.n_dead_tup as dead_rows,
  (s.n_dead_tup / greatest(s.n_live_tup + s.n_dead_tup, 1)::float8) as bloat,
  greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum_at,
  greatest(s.last_analyze, s.last_autoanalyze) as last_analyze_at,
  coalesce(o.threshold, current_setting('autovacuum_vacuum_threshold')::float8)
    + coalesce(o.factor, current_setting('autovacuum_vacuum_scale_factor')::float8)
    * greatest(c.reltuples, 0) as vacuum_at_rows, i.inhparent is not null as is_partition
from pg_class c
join pg_stat_user_tables s on s.relid = c.oid
left join pg_inherits i on i.inhrelid = c.oid
cross join lateral (
  select max(p.option_value::float8) filter (where p.option_name = 'autovacuum_vacuum_threshold')
      as threshold,
    max(p.option_value::float8) filter (where p.option_name = 'autovacuum_vacuum_scale_factor')
      as factor
  from pg_options_to_table(c.reloptions) p where p.option_name like 'autovacuum_vacuum_%') o
where c.relnamespace = 'rowbell'::regnamespace and c.relkind = 'r'
order by 2 desc
"""
_REPLICAS = """
select r.application_name as name, coalesce(r.state, 'unknown') as state,
  pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint as behind_bytes
from pg_stat_replication r order by 1
"""


async def condition(database: Database) -> Condition:
    """Raises Unavailable."""
    async with database.pooled() as connection:
        server = dict(await connection.fetchrow(_SERVER))
        rows = await connection.fetch(_TABLES)
        replicas = [] if server["is_replica"] else await connection.fetch(_REPLICAS)
        return Condition(
            **{**server, "version": f"PostgreSQL {server['version']}"},
            wal_bytes=await _wal_bytes(connection),
            tables=[_as_table(row) for row in rows if not row["is_partition"]],
            partitions=sorted(
                (_as_partition(row) for row in rows if row["is_partition"]),
                key=lambda each: each.day or "9999",
                reverse=True,
            ),
            snapshots=await holders(connection),
            replicas=[Replica(**row) for row in replicas],
            problems=await database_problems(connection),
        )


async def _wal_bytes(connection: Connection) -> float | None:
    try:
        written = await connection.fetchval("select wal_bytes::float8 from pg_stat_wal")
    except asyncpg.PostgresError:
        return None
    return float(written)


def _as_table(row: Any) -> Table:
    values = dict(row)
    del values["is_partition"]
    return Table(**values)


def _as_partition(row: Any) -> Partition:
    day = row["name"].removeprefix("journal_").replace("_", "-")
    return Partition(
        name=row["name"],
        day=None if day == "default" else day,
        bytes=row["bytes"],
        rows=row["live_rows"],
    )
