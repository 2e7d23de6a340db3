"""watch, top, stats, errors, limit and completion on a real database."""

import os
import pty
import subprocess
import threading
from collections.abc import Callable

import asyncpg
import orjson
import pytest

from deadline import DEADLINE_SECONDS
from e2e.command_line import COMMAND, CommandLine, environment
from postgres import Server


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    return servers("packaged")


@pytest.fixture
def rowbell(database_url: str) -> CommandLine:
    return CommandLine(database_url)


async def run_by_hand(connection: asyncpg.Connection, outcome: str, kind: str = "mail") -> int:
    """A task that begins and ends, as a worker would do it."""
    task: int = await connection.fetchval(
        "insert into rowbell.tasks (kind) values ($1) returning id", kind
    )
    await connection.execute(
        "update rowbell.tasks set status = 'PROCESSING', attempt = 1, started_at = now()"
        " where id = $1",
        task,
    )
    error = '{"type": "LookupError", "message": "no customer 7", "traceback": ""}'
    await connection.execute(
        "update rowbell.tasks set status = $2::rowbell.task_status, finished_at = now(),"
        " error = case when $2 = 'FAILED' then $3::text::jsonb end where id = $1",
        task,
        outcome,
        error,
    )
    return task


class Running:
    """A command that goes on, read line by line."""

    def __init__(self, url: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._timer = threading.Timer(60, self.process.kill)
        self._timer.start()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> int:
        code = self.process.wait(DEADLINE_SECONDS)
        self._timer.cancel()
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.mark.parametrize(("outcome", "code"), [("COMPLETED", 0), ("FAILED", 1)])
async def test_watch_tells_of_a_task_until_it_ends_and_ends_as_it_does(
    database_url: str, connection: asyncpg.Connection, outcome: str, code: int
) -> None:
    task = await connection.fetchval(
        "insert into rowbell.tasks (kind) values ('mail') returning id"
    )
    watch = Running(database_url, "watch", str(task))
    assert f"{task}  PENDING" in watch.line()
    await connection.execute(
        "update rowbell.tasks set status = 'PROCESSING', attempt = 1, started_at = now()"
    )
    assert "STARTED           mail in default: attempt 1, waited" in watch.line()
    await connection.execute(
        "update rowbell.tasks set status = $1::rowbell.task_status, finished_at = now()", outcome
    )
    assert outcome in watch.line()
    assert watch.end() == code


async def test_watch_follows_a_filter_as_one_document_a_line(
    database_url: str, connection: asyncpg.Connection
) -> None:
    done = await run_by_hand(connection, "COMPLETED", "mark")
    watch = Running(database_url, "watch", "--kind", "mail", "--status", "failed", "--json")
    other = Running(database_url, "watch", str(done))  # ends at once: it is final
    assert (other.line() != "", other.end()) == (True, 0)
    failing = 0
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(watch.line()))
    reader.start()
    while reader.is_alive():  # the first ones may come before it watches
        await run_by_hand(connection, "COMPLETED")
        failing = await run_by_hand(connection, "FAILED")
        reader.join(0.2)
    told = orjson.loads(lines[0])
    assert (told["event"], told["kind"], told["status"]) == ("FAILED", "mail", "FAILED")
    assert told["task_id"] <= failing
    watch.process.terminate()
    watch.end()


def test_watch_refuses_a_task_that_is_not_there(rowbell: CommandLine) -> None:
    assert "there is no task 999" in rowbell.refuses("watch", "999", code=1)


async def test_stats_and_errors_tell_what_was_counted(
    rowbell: CommandLine, connection: asyncpg.Connection
) -> None:
    await run_by_hand(connection, "COMPLETED")
    task = await run_by_hand(connection, "FAILED")
    await connection.execute(
        "insert into rowbell.attempts (task_id, attempt, outcome, error)"
        " select id, attempt, 'FAILED', error from rowbell.tasks where id = $1",
        task,
    )
    await connection.execute("select rowbell.fold_journal()")
    stats = rowbell.tells("stats", "--window", "5m")
    assert (stats["created"], stats["completed"], stats["failed"]) == (2, 1, 1)
    assert set(stats["wait_seconds"]) == {"p50", "p95", "p99"}
    assert rowbell.tells("stats", "--kind", "other")["created"] == 0
    said = rowbell.says("stats", "--window", "5m")
    assert "completed            1       0.00/s" in said
    assert "█" in said
    assert "Use 1m to 366d" in rowbell.refuses("stats", "--window", "5s", code=2)


async def test_top_prints_its_tables_into_a_pipe(
    rowbell: CommandLine, connection: asyncpg.Connection
) -> None:
    await connection.execute("insert into rowbell.tasks (kind, queue) values ('mail', 'slow')")
    said = rowbell.says("top")
    assert "0 workers, 0/0 slots" in said
    assert "\nslow   1    0" in said
    assert [queue["name"] for queue in rowbell.tells("top")["queues"]] == ["slow"]


def test_top_on_a_terminal_goes_on_until_q(database_url: str) -> None:
    ours, theirs = pty.openpty()
    known = environment(database_url, TERM="xterm-256color", LINES="24")
    with subprocess.Popen(
        [*COMMAND, "top", "--every", "0.2"], env=known, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
                if shown.count(b"q ends it") == 2:
                    os.write(ours, b"q")
        except OSError:  # how Linux says that the other end is closed
            pass
        finally:
            os.close(ours)
        assert process.wait(DEADLINE_SECONDS) == 0
    assert b"0 workers, 0/0 slots" in shown


async def test_limits_are_set_and_lifted(
    rowbell: CommandLine, connection: asyncpg.Connection
) -> None:
    rowbell.says("limit", "queue", "slow", "--max-running", "3", "--rate", "100/min")
    row = await connection.fetchrow("select * from rowbell.queues where name = 'slow'")
    assert (row["max_running"], round(row["rate"], 3), row["burst"]) == (3, 1.667, 2)
    rowbell.says("limit", "queue", "slow", "--max-running", "none")
    row = await connection.fetchrow("select * from rowbell.queues where name = 'slow'")
    assert (row["max_running"], round(row["rate"], 3)) == (None, 1.667)
    assert rowbell.tells("limit", "key", "ann", "--max-running", "2") == {
        "key": "ann",
        "max_running": 2,
    }
    assert await connection.fetchval("select max_running from rowbell.keys where name='ann'") == 2
    rowbell.says("limit", "key", "ann", "--max-running", "none")
    assert await connection.fetchval("select count(*) from rowbell.keys") == 0
    assert "no worker has ever" in rowbell.refuses("limit", "kind", "x", "--rate", "1/s", code=1)
    for wrong in (["--max-running", "0"], ["--rate", "fast"], []):
        rowbell.refuses("limit", "queue", "slow", *wrong, code=2)


def test_a_shell_completes_commands_and_options(rowbell: CommandLine) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_ROWBELL_COMPLETE" in rowbell.says("completion", shell)
    assert "Invalid value" in rowbell.refuses("completion", "csh", code=2)
    asked = {"_ROWBELL_COMPLETE": "complete_bash", "COMP_WORDS": "rowbell sche", "COMP_CWORD": "1"}
    assert rowbell.run(**asked).stdout.split() == ["schedules", "schedule"]
    asked["COMP_WORDS"] = "rowbell stats --w"
    assert rowbell.run(**asked | {"COMP_CWORD": "2"}).stdout.split() == ["--window"]
