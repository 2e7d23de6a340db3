"""rowbell.testing, used by a project that knows nothing but its public names."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from postgres import Server

EXAMPLE = Path(__file__).parent / "example"
INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example: with a pytest of its own, that knows nothing of this one."""
    for file in EXAMPLE.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "pytest.ini").write_text(INI)
    return tmp_path


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={"PATH": os.environ["PATH"], "HOME": str(project), "TMPDIR": str(project)},
    )


def databases(server: Server) -> list[str]:
    command = [server.binaries / "psql", "-Atc", "select datname from pg_database order by 1"]
    return subprocess.check_output([*command, server.url()], text=True).split()


def test_the_tests_of_a_project_pass_and_leave_nothing(project: Path) -> None:
    done = run_pytest(project, "-s")  # the log says where the embedded server has its data
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 passed" in done.stdout
    assert [path.name for path in project.glob("rowbell-*")] == []
    data = re.search(r"embedded\.started .*data=(\S+)", done.stdout)
    assert data and not Path(data[1]).parent.exists()


def test_pytest_asyncio_is_not_needed(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    done = run_pytest(project, "-p", "no:asyncio", "-m", "not asyncio", "-o", "markers=asyncio")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "19 passed" in done.stdout


def override(project: Path, fixture: str, url: str, scope: str = "session") -> None:
    """What a project writes to have its tests on a server, or in a database, of its own."""
    with (project / "conftest.py").open("a") as file:
        file.write(f"\n\n@pytest.fixture(scope={scope!r})\ndef {fixture}():\n    return {url!r}\n")


def test_a_server_of_the_project_is_used_and_left_as_it_was(
    project: Path, servers: Callable[[str], Server]
) -> None:
    server = servers("debian15")
    override(project, "rowbell_server_url", server.url())
    before = databases(server)
    done = run_pytest(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert databases(server) == before


async def test_a_database_of_the_project_is_emptied_for_each_test(
    project: Path, database_url: str, connection: asyncpg.Connection
) -> None:
    await connection.execute("create table orders_shipped (id bigint primary key, attempt integer)")
    override(project, "rowbell_database_url", database_url, "function")
    for _ in range(2):
        done = await asyncio.to_thread(run_pytest, project, "-k", "retries or zone or loop")
        assert done.returncode == 0, done.stdout + done.stderr


async def test_a_database_with_tasks_of_others_is_left_alone(
    project: Path, database_url: str, connection: asyncpg.Connection
) -> None:
    await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
    override(project, "rowbell_database_url", database_url, "function")
    done = await asyncio.to_thread(run_pytest, project, "-k", "retries")
    assert done.returncode == 1
    assert "tasks that no test has made" in done.stdout
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


def test_a_project_needs_no_schema_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["rowbell.testing"]\n')
    (tmp_path / "test_echo.py").write_text(
        "def test_echo(rowbell):\n"
        "    rowbell.enqueue('echo', 1)\n"
        "    assert [ran.result for ran in rowbell.run_pending()] == [1]\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
