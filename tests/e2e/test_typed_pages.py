"""A newcomer with an empty folder reads README, docs/graphql.md and docs/operations.md, and types
every command and statement in them, in their order, beside a running service."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from e2e.pages import ROOT, Block, blocks
from e2e.service import ROWBELL, Service

SETS_UP = ("make", ".venv/bin/rowbell serve")
"""What the fixture has done."""
ENDLESS = "rowbell watch"
"""Until Ctrl-C; tests/e2e/test_cli.py watches it."""
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
TYPED = ("console", "sh", "sql")
SOME_TASKS = """
select rowbell.pause('later');
insert into rowbell.tasks (kind, queue, payload)
select 'sleep', 'later', '{"seconds": 0}' from generate_series(1, 50);
select rowbell.cancel(42);
"""
THEIR_END = "select rowbell.cancel(42); select rowbell.resume('later');"
SECONDS = 60


class Newcomer:
    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        (folder / "tasks.ndjson").write_text('{"kind": "echo", "payload": {"a": 1}}\n')
        path = f"{ROWBELL.parent}:{service.environment['PATH']}"
        self.environment = {**service.environment, "PATH": path, "COLUMNS": "200"}

    def read(self, page: str) -> int:
        """Type what the page shows; returns how many commands and statements that was."""
        return sum(self.type(each) for each in blocks(page) if each.language in TYPED)

    def type(self, each: Block) -> int:
        if "explain(40)" in each.text:
            self.service.psql_script(SOME_TASKS)
        if each.language == "sql":
            self.service.psql_script(each.text)
            return 1
        pairs = COMMAND.findall(each.text)
        if each.language == "sh":
            pairs = [(line, "") for line in each.text.splitlines()]
        pairs = [pair for pair in pairs if not self.leaves_out(pair[0])]
        for command, printed in pairs:
            self.run(command, printed)
        return len(pairs)

    def leaves_out(self, command: str) -> bool:
        return command.startswith(SETS_UP) or command.partition("#")[0].strip() == ENDLESS

    def run(self, command: str, printed: str) -> None:
        """It ends well, and prints what the page says; numbers may be others."""
        if "$TOKEN" in command:
            self.environment["TOKEN"] = self.token()
        text = command.replace(".venv/bin/", "")
        text = text.replace("localhost:8000", self.service.address.removeprefix("http://"))
        done = subprocess.run(
            ["bash", "-c", text],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        if "curl" in text:
            assert numberless(done.stdout) == numberless(printed), text

    def token(self) -> str:
        of = ["create", "shop", "--role", "producer", "--subject", "shop", "--audience", "ops"]
        done = subprocess.run(
            [ROWBELL, "token", *of, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(done.stdout)["token"])


def numberless(text: str) -> str:
    return re.sub(r'"\d+"', '"7"', text).strip()


@pytest.fixture
def newcomer(tmp_path: Path, home: Path) -> Iterator[Newcomer]:
    (handlers,) = [b.text for b in blocks("README.md") if b.language == "python"]
    (tmp_path / "acme_tasks.py").write_text(handlers)
    service = Service("serve", "--handlers", "acme_tasks", home=home, modules=tmp_path)
    yield Newcomer(service, tmp_path)
    service.stop()


@pytest.mark.timeout(300)
def test_every_command_that_a_page_shows_works_when_it_is_typed(newcomer: Newcomer) -> None:
    newcomer.service.wait_for("service.ready")
    assert newcomer.read("README.md") > 5
    assert newcomer.read("docs/graphql.md") == 3
    newcomer.service.psql_script(THEIR_END)
    assert newcomer.read("docs/operations.md") > 20


DOCUMENTS = [each.text for each in blocks("docs/graphql.md") if each.language == "graphql"]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_every_document_of_the_page_is_one_that_the_schema_takes(text: str) -> None:
    schema = build_schema((ROOT / "app/rowbell/api/schema.graphql").read_text())
    for line in text.splitlines():
        assert validate(schema, parse(line)) == []
