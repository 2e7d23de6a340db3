"""The command line on a real database: what it prints, and how it ends."""

import dataclasses
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from rowbell.config import PREFIX, Settings
from rowbell.db.embedded.place import Place
from rowbell.task import Task

from e2e.command_line import COMMAND, NOWHERE, CommandLine, environment
from postgres import Server

FIELDS = [field.name for field in dataclasses.fields(Task)]


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: what differs between versions is SQL, which has tests of its own."""
    return servers("packaged")


@pytest.fixture
def rowbell(database_url: str) -> CommandLine:
    return CommandLine(database_url)


@pytest.fixture
def nowhere() -> CommandLine:
    """Commands that must not need a database, for there is none."""
    return CommandLine(NOWHERE)


def test_help_lists_every_command_setting_and_exit_code(nowhere: CommandLine) -> None:
    printed = nowhere.says("--help")
    commands = (
        "serve api worker enqueue ls show cancel retry pause resume migrate psql bench doctor"
    )
    commands += " schedules schedule token"
    settings = [PREFIX + name.upper() for name in Settings.model_fields]
    codes = ["Exit codes", "  0 ", "  1 ", "  2 ", "  130 "]
    missing = [word for word in (*commands.split(), *settings, *codes) if word not in printed]
    assert not missing


def test_wrong_settings_are_told_all_at_once(nowhere: CommandLine) -> None:
    said = nowhere.refuses(
        "serve", "--slots", "0", "--queues", "A", code=2, ROWBELL_PORT="x", ROWBELL_PROT="1"
    )
    for name in ("--slots:", "--queues:", "ROWBELL_PORT:", "ROWBELL_PROT: there is no such"):
        assert name in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("enqueue", "echo", "{hello}"), "the payload is no JSON"),
        (("enqueue", "echo", "NaN"), "the payload is no JSON"),
        (("enqueue", "echo", '{"a": Infinity}'), "the payload is no JSON"),
        (("enqueue", "echo", "--in", "soon"), "'soon' is no duration"),
        (("enqueue", "echo", "--at", "noon"), "'noon' is no instant"),
        (("enqueue", "echo", "--in", "1s", "--at", "2026-01-01"), "--in and --at"),
        (("ls", "--status", "stuck"), "'stuck'"),
        (("show", "x"), "Invalid value for 'ID'"),
        (("pause", "A B"), "no queue can be named 'A B'"),
        (("migrate", "--all"), "--all says what to print"),
        (("tidy",), "No such command 'tidy'"),
        (("schedule", "add", "a", "echo"), "it needs --cron or --every"),
        (("schedule", "add", "a", "echo", "--cron", "@daily"), "has not five fields: write minute"),
        (("schedule", "add", "a", "echo", "--every", "soon"), 'is not like "90s"'),
        (("schedule", "next", "--cron", "0 0 * * *", "--time-zone", "Mars"), "no IANA time zone"),
        (("schedule", "next", "a", "--every", "1h"), "say two things"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_tried(
    nowhere: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in nowhere.refuses(*arguments, code=2)


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    nowhere: CommandLine,
) -> None:
    said = nowhere.refuses("ls", code=1)
    assert said.startswith("rowbell: PostgreSQL is not available")
    assert "ROWBELL_DATABASE_URL" in said
    assert "secret" not in said


def test_a_task_is_enqueued_listed_shown_cancelled_and_retried(rowbell: CommandLine) -> None:
    options = "--queue reports --priority 5 --in 1h30m --max-attempts 3 --timeout PT5M"
    more = ["--unique-key", "k", "--audience", "ann", "--audience", "bob", "--description", "x y"]
    task = rowbell.tells("enqueue", "echo", '{"id": 1}', *options.split(), *more)
    assert list(task) == FIELDS
    wanted = {
        "kind": "echo",
        "payload": {"id": 1},
        "queue": "reports",
        "priority": 5,
        "max_attempts": 3,
        "timeout": "PT300S",
        "unique_key": "k",
        "audience": ["ann", "bob"],
        "status": "PENDING",
        "created_by": "postgres",
    }
    assert {name: task[name] for name in wanted} == wanted
    number = str(task["id"])

    assert rowbell.tells("ls", "--queue", "reports", "--status", "pending") == [task]
    assert rowbell.tells("ls", "--before", number) == []
    for found in (
        ("--text", '"ID": 1'),
        ("--created-by", "postgres", "--since", "1h"),
        ("--id", number),
    ):
        assert rowbell.tells("ls", *found) == [task]
    for missed in (
        ("--text", "nothing"),
        ("--until", "1h"),
        ("--finished-since", "1h"),
        ("--error-type", "X"),
    ):
        assert rowbell.tells("ls", *missed) == []
    assert rowbell.tells("show", number) == task
    sheet = rowbell.says("show", number)
    for words in ("PENDING, due in 1h 2", "ann, bob", "timeout       5m", '"id": 1'):
        assert words in sheet

    assert rowbell.says("cancel", number) == f"CANCELLED  task {number}: echo\n"
    some = rowbell.run("retry", number, "999999", "--json")
    assert (some.returncode, '"PENDING"' in some.stdout) == (1, True)
    assert "there is no task 999999" in some.stderr
    assert "is PENDING" in rowbell.refuses("retry", number, code=1)
    assert "there is no task 999999" in rowbell.refuses("show", "999999", code=1)


def test_a_kind_that_no_worker_knows_is_refused_unless_it_may_wait(rowbell: CommandLine) -> None:
    said = rowbell.refuses("enqueue", "ecko", code=2)
    assert "the kind 'ecko'; known are echo" in said
    assert "Did you mean echo?" in said
    assert "--park" in said
    assert rowbell.says("enqueue", "ecko", "--park").strip().isdigit()


def test_a_payload_keeps_its_digits_on_the_way_from_stdin(rowbell: CommandLine) -> None:
    digits = "123456789012345678901234567890.5"
    number = rowbell.says("enqueue", "echo", "-", given=f'{{"a": {digits}}}\n').strip()
    query = f"select payload->>'a' from rowbell.tasks where id = {number}"
    assert rowbell.says("psql", "--", "-XAtc", query) == f"{digits}\n"
    too_large = rowbell.run("enqueue", "echo", "-", given=f'"{"x" * 70_000}"')
    assert too_large.returncode == 2
    assert "the limit is 65536" in too_large.stderr


def test_show_says_what_a_due_task_waits_for(rowbell: CommandLine) -> None:
    task = rowbell.says("enqueue", "echo").strip()
    assert "No worker is running: start `rowbell serve`" in rowbell.says("show", task)
    assert rowbell.says("explain", task).startswith("No worker is running")


def test_a_queue_is_paused_and_resumed(rowbell: CommandLine) -> None:
    assert rowbell.tells("pause", "reports") == {"queue": "reports", "is_paused": True}
    paused = "select paused_by, paused_at is null from rowbell.queues"
    assert rowbell.says("psql", "--", "-XAtc", paused) == "postgres|f\n"
    assert rowbell.tells("resume", "reports") == {"queue": "reports", "is_paused": False}
    assert rowbell.says("psql", "--", "-XAtc", paused) == "|t\n"


def test_a_schedule_is_added_listed_paused_resumed_run_and_removed(rowbell: CommandLine) -> None:
    options = ["--time-zone", "Europe/Berlin", "--missed", "skip", "--unique-key", "k"]
    more = ["--queue", "reports", "--timeout", "5m", "--starts-at", "2100-01-01T00:00:00Z"]
    cron = ["--cron", "30 2 * * *"]
    made = rowbell.tells("schedule", "add", "tidy", "echo", '{"id": 1}', *cron, *options, *more)
    first = "2100-01-01T01:30:00Z"
    assert made == {"schedule": "tidy", "change": "added", "next_run_at": first}
    assert "has this name" in rowbell.refuses("schedule", "add", "tidy", "echo", *cron, code=1)
    (line,) = rowbell.tells("schedules")
    wanted = {
        "name": "tidy",
        "kind": "echo",
        "state": "new",
        "cron": "30 2 * * *",
        "time_zone": "Europe/Berlin",
        "missed": "skip",
        "queue": "reports",
        "source": "sql",
    }
    assert {name: line[name] for name in wanted} == wanted
    assert rowbell.says("schedule", "pause", "tidy") == "Schedule tidy is paused.\n"
    assert "paused" in rowbell.says("schedules").splitlines()[1]
    said = "Schedule tidy is resumed; next run Fri 2100-01-01 02:30 +0100.\n"
    assert rowbell.says("schedule", "resume", "tidy") == said
    number = rowbell.says("schedule", "run", "tidy").strip()
    task = rowbell.tells("show", number)
    assert (task["queue"], task["payload"]) == ("reports", {"id": 1})
    assert (task["created_by"], task["unique_key"]) == ("schedule tidy", "k")
    assert "unique_key of schedule tidy" in rowbell.refuses("schedule", "run", "tidy", code=1)
    assert "PENDING" in rowbell.says("schedules")
    said = "Schedule tidy is removed; its tasks stay.\n"
    assert rowbell.says("schedule", "remove", "tidy") == said
    assert "there is no schedule tidy" in rowbell.refuses("schedule", "pause", "tidy", code=1)


def test_next_shows_what_becomes_of_a_run_where_the_clocks_change(
    rowbell: CommandLine, nowhere: CommandLine
) -> None:
    times = ("--cron", "30 2 * * *", "--time-zone", "Europe/Berlin")
    options = ("--count", "3", "--after", "2027-03-26T12:00:00Z")
    runs = [
        "Sat 2027-03-27 02:30 +0100",
        "Sun 2027-03-28 03:00 +0200",
        "Mon 2027-03-29 02:30 +0200",
    ]
    assert nowhere.says("schedule", "next", *times, *options).splitlines() == runs
    rowbell.says("schedule", "add", "tidy", "echo", *times)
    assert rowbell.says("schedule", "next", "tidy", *options).splitlines() == runs
    assert rowbell.tells("schedule", "next", "tidy", *options)[1] == "2027-03-28T01:00:00Z"
    assert "no schedule weekly" in rowbell.refuses("schedule", "next", "weekly", code=1)


def test_psql_gets_its_arguments_and_gives_its_exit_code(rowbell: CommandLine) -> None:
    arguments = ("psql", "--", "-X", "-At", "-v", "ON_ERROR_STOP=1")
    assert rowbell.says(*arguments, given="select 6 * 7;") == "42\n"
    failed = rowbell.run(*arguments, given="select 1 / 0;")
    assert (failed.returncode, "division by zero" in failed.stderr) == (3, True)


def test_psql_hides_the_password_from_the_list_of_processes(database_url: str) -> None:
    rowbell = CommandLine(database_url.replace("postgres@", "postgres:secret@"))
    shell = r"\! echo $PGPASSWORD; tr '\0' ' ' < /proc/$PPID/cmdline"
    password, _, command = rowbell.says("psql", "--", "-XAtc", shell).partition("\n")
    assert password == "secret"
    assert "--dbname=postgresql://postgres@/" in command
    assert "secret" not in command


async def test_the_printed_schema_is_what_migrate_would_apply(
    connection: asyncpg.Connection, database_url: str
) -> None:
    database = await connection.fetchval("select current_database()")
    for number, name in enumerate(("by_psql", "by_migrate")):
        await connection.execute(f"create database {database}_{name} template template0")
        rowbell = CommandLine(database_url.replace(database, f"{database}_{name}"))
        try:
            if number == 0:
                script = CommandLine(NOWHERE).says("migrate", "--print", "--all")
                rowbell.run("psql", "--", "-qXv", "ON_ERROR_STOP=1", given=script)
                assert rowbell.says("migrate") == "The schema is up to date.\n"
                assert "nothing to apply" in rowbell.says("migrate", "--print")
            else:
                assert rowbell.tells("migrate")["applied"][0] == "ledger.sql"
                assert rowbell.tells("migrate") == {"applied": []}
        finally:
            await connection.execute(f"drop database {database}_{name} with (force)")


def test_a_pipe_gets_plain_text_and_a_terminal_colours_but_no_control_characters(
    rowbell: CommandLine,
) -> None:
    rowbell.says("enqueue", "echo", "--description", "\x1b[2Jgone [bold]" + "long " * 40)
    piped = rowbell.says("ls")
    assert "\x1b" not in piped
    assert "[2Jgone [bold] long long" in piped.replace("[bold]long", "[bold] long")
    assert len(piped.splitlines()) == 2
    shown = _on_terminal("ls", url=rowbell.url)
    assert "\x1b[33mPENDING" in shown
    assert "\x1b[2J" not in shown
    assert "…" in shown


def _on_terminal(*arguments: str, url: str) -> str:
    ours, theirs = pty.openpty()
    known = environment(url, TERM="xterm-256color")
    with subprocess.Popen([*COMMAND, *arguments], env=known, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # how Linux says that the other end is closed
            pass
        finally:
            os.close(ours)
    return shown.decode()


def test_bench_measures_and_leaves_nothing_behind(rowbell: CommandLine) -> None:
    latency = rowbell.tells("bench", "latency", "--tasks", "20", "--rate", "200")
    assert 0 < latency["legs"]["rowbell"]["p50_milliseconds"] < 10_000
    assert latency["ratios"]["p50_milliseconds"] > 0

    drain = rowbell.tells("bench", "drain", "--tasks", "2000")
    assert drain["tasks"] == 2_000
    assert all(drain[name] > 0 for name in ("tasks_per_second", "floor_tasks_per_second", "ratio"))
    left = "select count(*) from rowbell.tasks union all select count(*) from rowbell.kinds"
    assert rowbell.says("psql", "--", "-XAtc", f"{left} where name ~ 'bench'") == "0\n0\n"
    schemas = "select count(*) from pg_namespace where nspname = 'rowbell_bench'"
    assert rowbell.says("psql", "--", "-XAtc", schemas) == "0\n"


def test_bench_drains_with_several_workers_and_leaves_its_queue_as_it_was(
    rowbell: CommandLine,
) -> None:
    drain = rowbell.tells("bench", "drain", "--tasks", "500", "--processes", "2")
    assert (drain["processes"], drain["tasks"]) == (2, 500)
    left = "select count(*) from rowbell.queues where name ~ 'bench'"
    assert rowbell.says("psql", "--", "-XAtc", left) == "0\n"


def test_bench_tells_what_the_bell_costs_and_leaves_its_triggers_on(rowbell: CommandLine) -> None:
    options = ("--clients", "2", "--seconds", "0.5", "--rounds", "1")
    inserts = rowbell.tells("bench", "inserts-under-notify", *options)
    assert list(inserts["legs"]) == ["bell on", "bell off", "bell on, journal off"]
    bulk = rowbell.tells("bench", "bulk", "--tasks", "500", "--rounds", "1")
    assert (bulk["legs"]["bell on"]["rings"], bulk["legs"]["bell off"]["rings"]) == (1, 0)
    triggers = "select count(*) from pg_trigger where tgrelid = 'rowbell.tasks'::regclass"
    assert rowbell.says("psql", "--", "-XAtc", f"{triggers} and tgenabled = 'D'") == "0\n"


def test_bench_counts_what_idle_workers_cost(rowbell: CommandLine) -> None:
    options = ("--workers", "2", "--tasks", "20", "--rate", "100", "--rounds", "1")
    idle = rowbell.tells("bench", "idle-listeners", *options)
    assert idle["legs"]["many"]["claims_per_task"] < 4
    assert idle["ratios"]["p50_milliseconds"] > 0


def test_bench_disturbs_the_tasks_of_others_only_when_told_to(rowbell: CommandLine) -> None:
    rowbell.says("enqueue", "echo")
    refused = rowbell.refuses("bench", "drain", "--tasks", "10", code=1)
    assert "--yes" in refused
    assert rowbell.tells("bench", "drain", "--tasks", "10", "--yes")["tasks"] == 10


def test_bench_refuses_while_a_worker_of_somebody_else_serves_its_queue(
    rowbell: CommandLine,
) -> None:
    worker = "select rowbell.register_worker('elsewhere', 7, '0', '{*}', 1, 30, '[]')"
    rowbell.says("psql", "--", "-Xqc", worker)
    said = rowbell.refuses("bench", "drain", "--tasks", "10", "--yes", code=1)
    assert "elsewhere:7" in said
    assert "--queues" in said


def test_commands_share_the_embedded_database_of_a_home(tmp_path: Path) -> None:
    rowbell = CommandLine("", tmp_path)  # an empty setting is as good as none
    try:
        number = rowbell.says("enqueue", "echo").strip()
        query = "select id from rowbell.tasks"
        assert rowbell.says("psql", "--", "-XAtc", query) == f"{number}\n"
        failed = rowbell.run("psql", "-XAtc", "select 1 / 0")
        assert (failed.returncode, "division by zero" in failed.stderr) == (1, True)
        data = rowbell.says("psql", "--", "-XAtc", "show data_directory").strip()
        assert Path(data).is_dir()
    finally:
        shutil.rmtree(Place.of(tmp_path / ".rowbell").folder)
