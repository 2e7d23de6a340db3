"""Bring the schema of a database up to the files of sql/: once each, whoever starts first."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import asyncpg

from rowbell import __version__
from rowbell.db.pool import CONNECT_SECONDS, UNPREPARED, Connection
from rowbell.db.refusals import translated
from rowbell.errors import ConfigurationError
from rowbell.logs import log

# ("rowb", 1): the lock under which schemas change. 2 belongs to watchers (sql/functions).
_LOCK = "select pg_advisory_xact_lock(1919907682, 1)"
LOCK_SECONDS = 1
"""Behind a migration that waits for a lock, every INSERT waits: so it gives up, and comes back."""
PAUSE_SECONDS = 1.0
MOST_PAUSE_SECONDS = 10.0
_LOCK_TIMEOUT = f"set local lock_timeout = '{LOCK_SECONDS}s'"
_IN_THE_WAY = """
select string_agg(distinct l.pid::text, ' ')
from pg_catalog.pg_locks l
join pg_catalog.pg_class c on c.oid = l.relation and c.relnamespace = 'rowbell'::regnamespace
where l.granted and l.pid <> pg_backend_pid()
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
"""
_RECORD = """
insert into rowbell.schema_files (path, checksum, version) values ($1, $2, $3)
on conflict (path) do update
set checksum = excluded.checksum, version = excluded.version, applied_at = now()
"""
# Not to_regclass: waiting for the lock brings no news to PostgreSQL's cache of names, and what
# another process has created meanwhile would still seem to be missing. A query sees it.
_HAS_LEDGER = """
select exists (
  select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'rowbell' and c.relname = 'schema_files')
"""
_LEDGER, _GRANTS = "ledger.sql", "grants.sql"


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One file of sql/. A migration runs once; the others are re-applied when they change."""

    path: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_migration(self) -> bool:
        return self.path.startswith("migrations/")


def schema_files() -> list[SchemaFile]:
    """Every file, in the order in which they are applied."""
    root = _root()
    names: list[str] = [_LEDGER]
    for folder in ("migrations", "functions", "triggers", "views"):
        names += sorted(f"{folder}/{path.name}" for path in (root / folder).glob("*.sql"))
    return [
        SchemaFile(name, (root / name).read_text(encoding="utf-8")) for name in [*names, _GRANTS]
    ]


async def migrate(url: str, *, again: Sequence[str] = ()) -> list[str]:
    """Apply what is pending, in one transaction; returns the paths. Safe in many processes at once.

    again: paths of functions, triggers, views and grants that are applied although the ledger has
    them, for somebody may have dropped or changed what they made.

    Raises ConfigurationError if the schema is newer than this code, a migration was edited, or
    `again` names no such file; Unavailable if PostgreSQL cannot be reached.
    """
    _refuse_unknown(again)
    with translated():
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, **UNPREPARED)
        try:
            pause = PAUSE_SECONDS
            while True:
                try:
                    return await _apply_pending(connection, again)
                except asyncpg.LockNotAvailableError as error:
                    await _say_who_is_in_the_way(connection, error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
        finally:
            await connection.close(timeout=CONNECT_SECONDS)


def _refuse_unknown(paths: Sequence[str]) -> None:
    if not paths:
        return
    known = {file.path for file in schema_files() if not file.is_migration}
    if unknown := [path for path in paths if path not in known]:
        raise ConfigurationError(
            f"there is no file {unknown[0]!r} that could be applied again.",
            hint="Write it like functions/claim.sql; migrations are applied once.",
        )


async def _apply_pending(connection: Connection, again: Sequence[str]) -> list[str]:
    if not await pending_of(connection, again):
        return []
    async with connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(_LOCK_TIMEOUT)  # waiting for the lock above harms nobody
        pending = await pending_of(connection, again)
        for file in pending:
            await _apply(connection, file)
    return [file.path for file in pending]


async def _say_who_is_in_the_way(connection: Connection, error: Exception, pause: float) -> None:
    log.warning(
        "schema.delayed",
        reason=str(error),
        again_in_seconds=pause,
        held_by=await connection.fetchval(_IN_THE_WAY),
        remedy="select * from pg_stat_activity shows these processes; end them or wait",
    )


async def script(url: str | None) -> str:
    """The SQL that `migrate` would run, for `psql -f`. url None: for an empty database."""
    pending = schema_files()
    if url:
        with translated():
            connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, **UNPREPARED)
            try:
                pending = await pending_of(connection)
            finally:
                await connection.close(timeout=CONNECT_SECONDS)
    return "".join(_script_lines(pending))


def _script_lines(pending: list[SchemaFile]) -> Iterator[str]:
    if not pending:
        yield "-- The schema is up to date: there is nothing to apply.\n"
        return
    yield f"-- Schema of Rowbell {__version__}. Apply with: psql -v ON_ERROR_STOP=1 -f FILE\n"
    yield f"begin;\n{_LOCK};\n{_LOCK_TIMEOUT};  -- if it is reached, run this again\n"
    for file in pending:
        yield f"\n-- {file.path}\n{file.text.rstrip()}\n"
        values = (file.path, file.checksum, __version__)
        statement = _RECORD
        for number, value in enumerate(values, start=1):
            statement = statement.replace(f"${number}", f"'{value}'")
        yield f"{statement.strip()};\n"
    yield "\ncommit;\n"


async def pending_of(connection: Connection, again: Sequence[str] = ()) -> list[SchemaFile]:
    """Files that are not applied in their present text, and those of `again`, in their order."""
    applied = await _applied(connection)
    known = schema_files()
    _refuse_newer(applied, known)
    pending = [
        file
        for file in known
        if file.path in again or applied.get(file.path, ("", ""))[0] != file.checksum
    ]
    for file in pending:
        if file.is_migration and file.path in applied:
            raise ConfigurationError(
                f"sql/{file.path} was changed after it had been applied to this database.",
                hint="Restore the file, and put the change into a migration of its own.",
            )
    # New functions must not keep PostgreSQL's default of being open to everyone.
    grants = [file for file in known if pending and file.path == _GRANTS and file not in pending]
    return pending + grants


async def _applied(connection: Connection) -> dict[str, tuple[str, str]]:
    """Path to (checksum, version)."""
    if not await connection.fetchval(_HAS_LEDGER):
        return {}
    rows = await connection.fetch("select path, checksum, version from rowbell.schema_files")
    return {row["path"]: (row["checksum"], row["version"]) for row in rows}


def _refuse_newer(applied: dict[str, tuple[str, str]], known: list[SchemaFile]) -> None:
    paths = {file.path for file in known}
    unknown = [path for path in applied if path.startswith("migrations/") and path not in paths]
    versions = [
        version for _, version in applied.values() if _number(version) > _number(__version__)
    ]
    newer = unknown or versions
    if newer:
        raise ConfigurationError(
            f"this database has the schema of a newer Rowbell ({newer[0]}); this is {__version__}.",
            hint="Upgrade this process: an old one must not run on a newer schema.",
        )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


async def _apply(connection: Connection, file: SchemaFile) -> None:
    await connection.execute(file.text)
    await connection.execute(_RECORD, file.path, file.checksum, __version__)


def _root() -> Path:
    inside = Path(str(files("rowbell"))) / "sql"  # an installed wheel
    root = inside if inside.is_dir() else Path(__file__).parents[3] / "sql"  # a checkout
    if not (root / _LEDGER).is_file():
        raise ConfigurationError(
            f"the SQL files of Rowbell are missing below {root}.", hint="Reinstall."
        )
    return root
