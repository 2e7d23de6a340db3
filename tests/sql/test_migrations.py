"""migrate: once each, whoever starts first; and what it refuses."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from rowbell.db import migrate as migrations
from rowbell.db.embedded import programs
from rowbell.db.migrate import migrate, schema_files, script
from rowbell.errors import ConfigurationError

PAUSE = "functions/pause.sql"


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of sql/ that may be edited."""
    copy = tmp_path / "sql"
    shutil.copytree(migrations._root(), copy)
    monkeypatch.setattr(migrations, "_root", lambda: copy)
    return copy


def edit(path: Path) -> None:
    path.write_text(f"{path.read_text()}\n-- edited\n")


def apply(url: str, text: str) -> None:
    subprocess.run(
        [programs.psql_path(), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", url],
        input=text.encode(),
        check=True,
        capture_output=True,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )


async def test_an_empty_database_gets_every_file_in_order(empty_url: str) -> None:
    assert await migrate(empty_url) == [file.path for file in schema_files()]


async def test_a_second_run_applies_nothing(database_url: str) -> None:
    assert await migrate(database_url) == []


async def test_a_changed_function_is_applied_again_with_the_grants(
    database_url: str, sql: Path
) -> None:
    edit(sql / PAUSE)
    assert await migrate(database_url) == [PAUSE, "grants.sql"]
    assert await migrate(database_url) == []


async def test_a_view_that_is_applied_again_can_still_be_read(
    database_url: str, connection: asyncpg.Connection, sql: Path
) -> None:
    edit(sql / "views/task_overview.sql")
    await migrate(database_url)
    assert await connection.fetchval(
        "select has_table_privilege('rowbell_producer', 'rowbell.task_overview', 'select')"
    )


async def test_a_new_function_is_not_open_to_everybody(
    database_url: str, connection: asyncpg.Connection, sql: Path
) -> None:
    (sql / "functions/answer.sql").write_text(
        "create function rowbell.answer() returns integer language sql as 'select 42';"
    )
    await migrate(database_url)
    public = (
        "select count(*) from pg_proc, aclexplode(proacl) where proname = 'answer' and grantee = 0"
    )
    assert await connection.fetchval(public) == 0


async def test_an_edited_migration_is_refused(database_url: str, sql: Path) -> None:
    edit(sql / "migrations/0001_tasks.sql")
    with pytest.raises(ConfigurationError, match="was changed after it had been applied") as caught:
        await migrate(database_url)
    assert "a migration of its own" in caught.value.hint


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, sql: Path) -> None:
    (sql / "functions/zzz.sql").write_text("select 1 / 0;")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(empty_url)
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetchval("select to_regnamespace('rowbell')") is None
    await connection.close()


async def test_the_script_applied_by_psql_leaves_nothing_pending(empty_url: str) -> None:
    text = await script(None)
    await asyncio.to_thread(apply, empty_url, text)
    assert await migrate(empty_url) == []
    assert "there is nothing to apply" in await script(empty_url)


async def test_the_script_for_an_older_schema_has_only_what_is_pending(
    database_url: str, sql: Path
) -> None:
    edit(sql / PAUSE)
    text = await script(database_url)
    assert "-- functions/pause.sql" in text
    assert "-- migrations/" not in text
    await asyncio.to_thread(apply, database_url, text)
    assert await migrate(database_url) == []
