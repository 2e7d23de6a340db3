"""Pages about running Rowbell: what they say to type is typed, what they say to save is used.

A block whose first line says `run` is run, in the order of its page; `file=` and `unit=` are saved
beside it; `needs=` names a program without which it is left out.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rowbell.db.embedded import psql_path

from e2e.command_line import environment
from e2e.pages import Block, block, blocks
from e2e.service import ROWBELL
from postgres import Server, available

SHELL_SECONDS = 90


class Machine:
    """A server, a folder, and the addresses that the pages speak of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server("packaged", available()["packaged"], "fsync = on")
        path = f"{ROWBELL.parent}:{self.server.binaries}:{os.environ['PATH']}"
        self.variables = environment(
            self.server.url("tasks", "rowbell_owner"),
            PATH=path,
            ADMIN_URL=self.server.url(),
            OWNER_URL=self.server.url("tasks", "rowbell_owner"),
            APP_URL=self.server.url("tasks", "rowbell_app"),
            RESTORED_URL=self.server.url("restored"),
            ROWBELL_HOME=str(folder / "home"),
            LC_ALL="C",
        )

    def read(self, page: str) -> int:
        """Run a page from its beginning; returns how many blocks were run."""
        done = 0
        for each in blocks(page):
            name = each.mark("file") or each.mark("unit")
            if name:
                text = each.text.replace("/opt/rowbell/bin/rowbell", str(ROWBELL))
                (self.folder / name).write_text(text)
            needs = each.mark("needs")
            if each.mark("run") is not None and (not needs or shutil.which(needs)):
                self.run(each)
                done += 1
        return done

    def run(self, each: Block) -> None:
        database = "tasks" if self.has_tasks() else "postgres"
        command = {
            "sh": ["bash", "-eu", "-o", "pipefail", "-c", each.text],
            "sql": [str(psql_path()), "-Xq", "-v", "ON_ERROR_STOP=1", self.server.url(database)],
        }[each.language]
        done = subprocess.run(
            command,
            input=each.text,
            env=self.variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SHELL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{each.text}\n{done.stdout}\n{done.stderr}"

    def has_tasks(self) -> bool:
        asked = [str(psql_path()), "-XqAt", self.server.url(), "-c"]
        question = "select count(*) from pg_database where datname = 'tasks'"
        answer = subprocess.run([*asked, question], capture_output=True, text=True, check=True)
        return answer.stdout.strip() == "1"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.server.remove()


def test_every_command_of_the_pages_does_what_it_says(machine: Machine) -> None:
    """In the order in which they are read: the others stand on the deployment."""
    assert machine.read("docs/deployment.md") >= 3
    assert machine.read("docs/security.md") >= 2
    assert machine.read("docs/upgrade.md") >= 4


def test_a_service_of_kubernetes_is_named_at_the_start(tmp_path: Path) -> None:
    """What the page warns of: the variables of a Service that is named rowbell."""
    done = subprocess.run(
        [ROWBELL, "serve"],
        env=environment(ROWBELL_PORT="tcp://10.0.0.1:8000", ROWBELL_SERVICE_HOST="10.0.0.1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ROWBELL_PORT:" in done.stderr
    assert "ROWBELL_SERVICE_HOST: there is no such setting" in done.stderr
    assert "enableServiceLinks: false" in block("docs/deployment.md", "deployment.yaml")
