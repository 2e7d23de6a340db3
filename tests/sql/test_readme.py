"""sql/README.md: every statement in it runs, and prints what the page says."""

import os
import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from rowbell.db.embedded import programs

from postgres import Server

PAGE = Path(__file__).parents[2] / "sql" / "README.md"
BLOCK = re.compile(
    r"^```sql( refused)?\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    sql: str
    refused: bool
    prints: str | None


def blocks() -> list[Block]:
    found = BLOCK.findall(PAGE.read_text())
    return [Block(sql, bool(refused), prints or None) for refused, sql, prints in found]


def psql(url: str, sql: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs.psql_path(), "--no-psqlrc", "-v", "ON_ERROR_STOP=1", url],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_every_block_of_the_page_does_what_the_page_says(database_url: str) -> None:
    assert len(blocks()) > 25
    for block in blocks():
        done = psql(database_url, block.sql)
        if block.refused:
            assert done.returncode == 3, block.sql
            assert block.prints, "the page must quote the hint"
            assert set(lines(block.prints)) <= set(lines(done.stderr)), block.sql
        else:
            assert done.returncode == 0, f"{block.sql}\n{done.stderr}"
            if block.prints:
                assert lines(done.stdout) == lines(block.prints), block.sql
    assert psql(database_url, "drop owned by shop; drop role shop;").returncode == 0


def test_the_page_names_every_table_view_and_role() -> None:
    text = PAGE.read_text()
    files = PAGE.parent
    created = "".join(path.read_text() for path in files.rglob("*.sql"))
    names = set(re.findall(r"create (?:table|view)(?: if not exists)? (rowbell\.\w+)", created))
    names |= set(re.findall(r"'(rowbell_\w+)'", (files / "grants.sql").read_text()))
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_runbook_runs_as_a_whole_for_somebody_who_may_only_read(
    database_url: str, server: Server
) -> None:
    name = f"reader_{uuid.uuid4().hex[:12]}"
    psql(database_url, f"create role {name} login in role rowbell_reader;")
    psql(database_url, "insert into rowbell.tasks (kind) values ('echo');")
    database = database_url.partition("@/")[2].partition("?")[0]
    done = psql(server.url(database, name), (PAGE.parent / "runbook.sql").read_text())
    psql(database_url, f"drop role {name};")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No worker is running, and tasks are due." in done.stdout
    assert done.stdout.count("\n== ") >= 14


def test_ten_questions_are_asked() -> None:
    text = PAGE.read_text()
    assert re.findall(r"^(\d+)\. \*\*.*\?\*\*", text, re.MULTILINE) == [
        str(n) for n in range(1, 11)
    ]
