"""`rowbell enqueue --wait`, `--lines`, `--on-conflict`; `retry` and `cancel` by conditions."""

import asyncio
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import orjson
import pytest

from deadline import DEADLINE_SECONDS
from e2e.command_line import COMMAND, NOWHERE, CommandLine, environment
from postgres import Server


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: what differs between versions is SQL, which has tests of its own."""
    return servers("packaged")


@pytest.fixture
def rowbell(database_url: str) -> CommandLine:
    return CommandLine(database_url)


async def run(rowbell: CommandLine, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(rowbell.run, *arguments)


# ------------------------------------------------------------------------------- waiting


REGISTER = (
    "select rowbell.register_worker('here', 1, '0', '{*}', 1, 60,"
    """ '[{"name": "echo", "description": "", "max_attempts": 1}]')"""
)


async def end_first(connection: asyncpg.Connection, statement: str, *values: object) -> None:
    """Be the worker of the first task that comes."""
    worker = await connection.fetchval(REGISTER)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (
            claim := await connection.fetchrow(
                "select id, attempt from rowbell.claim('default', $1, 1, '{echo}')", worker
            )
        ):
            await asyncio.sleep(0.01)
    await connection.execute(statement, claim["id"], claim["attempt"], *values)


@pytest.mark.parametrize("as_json", [False, True])
async def test_wait_prints_the_result(
    rowbell: CommandLine, connection: asyncpg.Connection, as_json: bool
) -> None:
    options = ("--json",) if as_json else ()
    complete = "select rowbell.complete(array[$1::bigint], array[$2::integer], array[$3::text])"
    done, _ = await asyncio.gather(
        run(rowbell, "enqueue", "echo", "--wait", "1m", *options),
        end_first(connection, complete, '{"pages": 3}'),
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = orjson.loads(done.stdout)
    assert (told["result"] if as_json else told) == {"pages": 3}
    assert as_json or done.stdout.count("\n") == 1


async def test_wait_exits_with_1_for_a_failure_and_says_why(
    rowbell: CommandLine, connection: asyncpg.Connection
) -> None:
    fail = (
        "select * from rowbell.fail("
        "array[$1::bigint], array[$2::integer], array[$3::text], array[null::float8])"
    )
    done, _ = await asyncio.gather(
        run(rowbell, "enqueue", "echo", "--wait", "30"),
        end_first(connection, fail, '{"type": "RuntimeError", "message": "no paper"}'),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "is FAILED: RuntimeError: no paper" in done.stderr
    assert "rowbell show" in done.stderr


def test_wait_exits_with_1_when_the_time_is_up_and_the_task_goes_on(rowbell: CommandLine) -> None:
    done = rowbell.run("enqueue", "echo", "--wait", "0.2", "--json")
    task = orjson.loads(done.stdout)
    assert (done.returncode, task["status"]) == (1, "PENDING")
    assert f"task {task['id']} is PENDING still" in done.stderr
    assert rowbell.tells("show", str(task["id"]))["status"] == "PENDING"


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("enqueue",), "nothing says what to do"),
        (("enqueue", "echo", "--wait", "soon"), "'soon' is no duration"),
        (("enqueue", "echo", "--wait", "inf"), "'inf' is no time to wait"),
        (("enqueue", "echo", "--on-conflict", "ignore"), "Invalid value for '--on-conflict'"),
        (("enqueue", "echo", "--lines", "-"), "--lines says all"),
        (("retry",), "nothing says which tasks"),
        (("cancel", "--status", "pending"), "nothing says which tasks"),
        (("retry", "1", "--kind", "echo"), "two things"),
        (("retry", "--since", "noon"), "'noon' is no instant"),
        (("cancel", "--kind", "echo"), "nobody is there to confirm"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_tried(
    arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in CommandLine(NOWHERE).refuses(*arguments, code=2)


# ------------------------------------------------------------------------------- enqueue


def test_a_conflict_ends_as_it_was_asked_for(rowbell: CommandLine) -> None:
    one = ("enqueue", "echo", "--unique-key", "k", "--in", "1h", "--on-conflict")
    first = rowbell.tells(*one, "keep")
    again = rowbell.tells(*one, "REPLACE", "--priority", "7")
    assert (first["conflict"], again["conflict"]) == (None, "REPLACED")
    assert (again["id"], again["priority"]) == (first["id"], 7)
    assert rowbell.says(*one, "keep") == f"{first['id']}\n"
    assert "an open task has this unique_key" in rowbell.refuses(*one, "reject", code=1)


def test_the_columns_of_the_engine_are_options(rowbell: CommandLine) -> None:
    options = "--concurrency-key c --after 1 --after 2 --after-failure wait"
    task = rowbell.tells(
        "enqueue", "echo", *options.split(), "--after-batch", "one", "--batch", "two"
    )
    assert (task["concurrency_key"], task["after"], task["after_failure"]) == ("c", [1, 2], "wait")
    assert (task["after_batch"], task["batch"]) == ("one", "two")
    sheet = rowbell.says("show", str(task["id"]))
    assert "after         1, 2, batch one; if one fails: wait" in sheet
    assert "batch         two" in sheet


def test_lines_become_tasks(rowbell: CommandLine, tmp_path: Path) -> None:
    line = orjson.dumps({"kind": "echo", "payload": {"n": 1}, "run_in": 60, "batch": "b"}).decode()
    ids = rowbell.says("enqueue", "--lines", "-", given=f"{line}\n\n{line}\n")
    assert ids == "1\n2\n"
    many = tmp_path / "many.ndjson"
    many.write_text('{"unique_key": "k", "on_conflict": "KEEP"}\n' * 2 + f"{line}\n" * 2_000)
    told = rowbell.tells("enqueue", "--lines", str(many))
    assert told == {"tasks": 2_002, "created": 2_001, "kept": 1}
    row = rowbell.says(
        "psql", "--", "-XAtc",
        "select count(*), min(run_at - created_at), min(payload::text) from rowbell.tasks"
        " where batch = 'b'",
    )  # fmt: skip
    assert row == '2002|00:01:00|{"n": 1}\n'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{kind}", "line 1002 is no JSON"),
        ("[1]", "line 1002 is no object"),
        ('{"queue_name": "x"}', "line 1002 has 'queue_name', which no task has"),
        ('{"priority": "high"}', "line 1002: priority"),
        ('{"kind": "ecko"}', "lines 1001 to 1002: no worker has ever registered the kind 'ecko'"),
        ('{"priority": 1000}', "lines 1001 to 1002: priority 1000 is out of reach"),
    ],
)
def test_a_bad_line_is_named_and_what_came_before_is_counted(
    rowbell: CommandLine, line: str, sentence: str
) -> None:
    done = rowbell.run("enqueue", "--lines", "-", "--json", given="{}\n" * 1_001 + line + "\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "1,000 tasks of the lines before were inserted" in done.stderr
    assert rowbell.says("psql", "--", "-XAtc", "select count(*) from rowbell.tasks") == "1000\n"


# ---------------------------------------------------------------------- retry and cancel


async def test_tasks_are_changed_by_conditions_in_several_transactions(
    rowbell: CommandLine, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "insert into rowbell.tasks (kind, queue, status, finished_at, error)"
        " select 'aaa', 'mail', 'FAILED', now() - n * interval '1 second', '{\"type\": \"Late\"}'"
        " from generate_series(1, 2500) n"
    )
    conditions = ("--kind", "aaa", "--error-type", "Late", "--since", "1h")
    told = await asyncio.to_thread(rowbell.tells, "retry", *conditions, "--dry-run")
    assert (told["matched"], told["changed"], len(told["sample"])) == (2_500, 0, 20)
    told = await asyncio.to_thread(rowbell.tells, "retry", *conditions, "--yes", "--limit", "2400")
    assert (told["matched"], told["changed"], told["has_more"]) == (2_400, 2_400, True)
    said = await run(rowbell, "retry", *conditions, "--yes")
    assert said.stdout.startswith("100 of 100 tasks were sent back to PENDING. For example")
    told = await asyncio.to_thread(rowbell.tells, "cancel", "--queue", "mail", "-y")
    assert (told["changed"], told["has_more"]) == (2_500, False)


def test_keys_that_are_taken_end_the_calls(rowbell: CommandLine) -> None:
    insert = """
      insert into rowbell.tasks (kind, unique_key, status, finished_at)
        select 'echo', 'k' || n, 'FAILED', now() from generate_series(1, 1500) n;
      insert into rowbell.tasks (kind, unique_key)
        select 'echo', 'k' || n from generate_series(1, 1500) n;
    """
    rowbell.says("psql", "--", "-Xqc", insert)
    told = rowbell.tells("retry", "--everything", "--yes")
    assert (told["changed"], told["key_taken"], told["has_more"]) == (0, 1_000, True)


@pytest.mark.parametrize(("answer", "changed", "code"), [("y", 2, 0), ("n", 0, 1)])
async def test_a_person_is_asked_with_the_number(
    rowbell: CommandLine, connection: asyncpg.Connection, answer: str, changed: int, code: int
) -> None:
    await connection.execute("insert into rowbell.tasks (kind) values ('echo'), ('echo')")
    shown, ended = await asyncio.to_thread(_answer, rowbell.url, answer)
    assert "Cancel 2 tasks? [y/N]" in shown
    assert ended == code
    cancelled = "select count(*) from rowbell.tasks where status = 'CANCELLED'"
    assert await connection.fetchval(cancelled) == changed


def _answer(url: str, answer: str) -> tuple[str, int]:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [*COMMAND, "cancel", "--kind", "echo"],
            env=environment(url),
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.stdout + done.stderr, done.returncode
