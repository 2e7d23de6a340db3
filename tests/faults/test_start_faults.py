"""Starting under faults: no server yet, everybody at once, the wrong schema, a busy table."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from rowbell.db import migrate as migrations
from rowbell.db.migrate import migrate, schema_files
from rowbell.db.patience import patiently
from rowbell.errors import ConfigurationError, Unavailable

from deadline import DEADLINE_SECONDS
from e2e.service import Service
from integration.conftest import StartEngine, Tasks, soon, until_event
from postgres import Server

StartService = Callable[..., Service]
Figure = Callable[[str, float, float], None]


def test_process_that_starts_before_its_server_waits_for_it(
    lonely: Server, start_service: StartService
) -> None:
    """Pitfall 37: whoever restarts a host restarts both, in any order."""
    lonely.stop()
    service = start_service("worker", lonely.url())
    assert "not available" in service.wait_for("database.awaited")["reason"]
    lonely.start()
    service.wait_for("service.ready")
    assert sum(event["event"] == "database.awaited" for event in service.events) <= 3
    assert service.stop() == 0


def test_process_that_waits_for_its_server_does_not_tell_the_password(
    start_service: StartService,
) -> None:
    """Pitfall 37: the log says what it waits for, and a signal ends it."""
    service = start_service("worker", "postgresql://somebody:secret@127.0.0.1:1/nowhere")
    service.wait_for("database.awaited")
    assert service.stop() == 0
    assert "secret" not in str(service.events)


async def test_patience_with_a_server_has_an_end(events: list[Any]) -> None:
    """Pitfall 37: a service whose server never comes ends, and says so."""
    with pytest.raises(Unavailable, match="not available"):
        await patiently(lambda: migrate("postgresql://nobody@127.0.0.1:1/nowhere"), 0.5)
    assert [event["event"] for event in events] == ["database.awaited"]


@pytest.fixture
def read_only(lonely: Server) -> Iterator[str]:
    """The URL of a server that takes no writes: as a replica that is promoted soon."""
    asyncio.run(migrate(lonely.url()))
    psql(lonely, "alter system set default_transaction_read_only = on")
    psql(lonely, "select pg_reload_conf()")
    yield lonely.url()
    writable_again(lonely)


def writable_again(server: Server) -> None:
    psql(server, "alter system reset default_transaction_read_only")
    psql(server, "select pg_reload_conf()")


def test_process_that_starts_on_a_read_only_server_waits_until_it_may_write(
    lonely: Server, read_only: str, start_service: StartService
) -> None:
    """Pitfall 37: the same after a failover, before the replica is promoted."""
    service = start_service("worker", read_only)
    assert "read-only" in service.wait_for("database.awaited")["reason"]
    writable_again(lonely)
    service.wait_for("service.ready")


def test_process_that_still_waits_for_its_server_ends_at_a_signal(
    read_only: str, start_service: StartService, figure: Figure
) -> None:
    """Pitfall 37: patience with a server is none with the operator."""
    service = start_service("worker", read_only)
    service.wait_for("database.awaited")
    began = time.monotonic()
    assert service.stop() == 0
    figure("a signal ends the wait for a server", time.monotonic() - began, 10)


@pytest.mark.parametrize("wrong", ["database", "role", "password"])
def test_process_with_a_wrong_url_ends_at_once(
    lonely: Server, start_service: StartService, wrong: str
) -> None:
    """Pitfall 37: what no waiting can mend is not waited for."""
    guard = "local postgres somebody scram-sha-256"
    rules = lonely.data / "pg_hba.conf"
    if guard not in rules.read_text():
        rules.write_text(f"{guard}\n{rules.read_text()}")
        psql(lonely, "create role somebody login password 'right'; select pg_reload_conf()")
    url = {
        "database": lonely.url("nowhere"),
        "role": lonely.url(user="nobody"),
        "password": lonely.url(user="somebody:wrong"),
    }[wrong]
    service = start_service("worker", url)
    assert service.process.wait(DEADLINE_SECONDS) == 1
    assert not any(event["event"] == "database.awaited" for event in service.events)
    assert service.stop() == 1


def psql(server: Server, statement: str) -> None:
    command = [server.binaries / "psql", server.url(), "-X", "-c", statement]
    subprocess.run(command, check=True, capture_output=True)


# ---------------------------------------------------------------- 35, 36: schemas


async def test_eight_processes_may_migrate_one_empty_database_at_once(empty_url: str) -> None:
    """Pitfall 35: whoever comes first migrates; the others wait, and find it done."""
    applied = await asyncio.gather(*(migrate(empty_url) for _ in range(8)))
    assert sorted(len(paths) for paths in applied) == [0] * 7 + [len(schema_files())]


async def test_eight_processes_may_migrate_two_empty_databases_at_once(
    empty_url: str, other_empty_url: str
) -> None:
    """Pitfall 35: the roles belong to the server, so two databases could collide in them."""
    both = [empty_url, other_empty_url] * 4
    applied = await asyncio.gather(*(migrate(url) for url in both))
    assert sorted(len(paths) for paths in applied) == [0] * 6 + [len(schema_files())] * 2


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_services_that_start_at_once_on_an_empty_database_all_come_up(
    empty_url: str, start_service: StartService
) -> None:
    """Pitfall 35: the same with real processes, which also register kinds at once."""
    services = [start_service("worker", empty_url) for _ in range(3)]
    for each in services:
        await asyncio.to_thread(each.wait_for, "service.ready")
    migrated = [e for each in services for e in each.events if e["event"] == "schema.migrated"]
    assert len(migrated) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update rowbell.schema_files set version = '99.0.0' where path = 'grants.sql'",
        "insert into rowbell.schema_files (path, checksum, version)"
        " values ('migrations/9999_later.sql', '', '0.1.0')",
    ],
    ids=["version", "migration"],
)
async def test_the_schema_of_a_newer_rowbell_is_refused(
    database_url: str, connection: asyncpg.Connection, change: str
) -> None:
    """Pitfall 36: an old process does not start on a newer schema, nor change it back."""
    await connection.execute(change)
    with pytest.raises(ConfigurationError, match="the schema of a newer Rowbell") as caught:
        await migrate(database_url)
    assert "Upgrade this process" in caught.value.hint


async def test_worker_goes_on_while_a_newer_schema_comes_under_its_feet(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 36: its prepared statements meet new columns and replaced functions."""

    async def noop() -> None:
        """Nothing to do."""

    await start_engine(noop)
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    await tasks.connection.execute("alter table rowbell.tasks add column later text")
    for file in schema_files():
        if file.path.startswith("functions/"):
            await tasks.connection.execute(file.text)
    for _ in range(3):
        await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    assert not [event for event in events if event["log_level"] == "error"]


async def test_worker_whose_claims_a_newer_schema_does_not_know_says_so_and_loses_nothing(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 36: it finishes what it has, claims nothing, and is heard in the log, once."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def finish() -> str:
        started.set()
        await go_on.wait()
        return "done"

    await start_engine(finish)
    task = await tasks.insert("finish")
    await soon(started)
    claim = await tasks.connection.fetchval(
        "select oid::regprocedure::text from pg_proc"
        " where proname = 'claim' and pronamespace = 'rowbell'::regnamespace"
    )
    await tasks.connection.execute(f"alter function {claim} rename to claim_differently")
    waiting = await tasks.insert("finish")
    failed = await until_event(events, "claim.failed")
    assert "does not exist" in failed["reason"]
    go_on.set()
    assert (await tasks.until_status(task, "COMPLETED"))["failures"] == 0
    renamed = claim.replace("rowbell.claim", "rowbell.claim_differently")
    await tasks.connection.execute(f"alter function {renamed} rename to claim")
    await tasks.until_status(waiting, "COMPLETED")
    assert sum(event["event"] == "claim.failed" for event in events) == 1


async def test_migration_gives_way_to_inserts_while_a_transaction_holds_it_up(
    database_url: str,
    connection: asyncpg.Connection,
    events: list[Any],
    figure: Figure,
    edited: Callable[[str], None],
) -> None:
    """Pitfall 35: behind a migration that waits for a lock, every INSERT would wait too."""
    insert = "insert into rowbell.tasks (kind) values ('echo')"
    long = await asyncpg.connect(database_url)
    await long.execute(f"begin; {insert}")
    edited("triggers/bell_for_inserts.sql")
    migrating = asyncio.create_task(migrate(database_url))
    delayed = await until_event(events, "schema.delayed")
    assert delayed["held_by"] == str(long.get_server_pid())
    began = time.monotonic()
    await connection.execute(insert)
    figure("an INSERT beside a migration that waits", time.monotonic() - began, 1)
    await long.execute("commit")
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert "triggers/bell_for_inserts.sql" in await migrating
    await long.close()


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Changes one file of a copy of sql/, as a newer Rowbell would."""
    copy = tmp_path / "sql"
    shutil.copytree(migrations._root(), copy)

    def edit(path: str) -> None:
        monkeypatch.setattr(migrations, "_root", lambda: copy)
        (copy / path).write_text(f"{(copy / path).read_text()}\n-- edited\n")

    return edit
