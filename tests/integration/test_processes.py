"""runs_in="process": what comes back, and what becomes of processes."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deadline import DEADLINE_SECONDS
from integration import process_handlers as handlers
from integration.conftest import StartEngine, Tasks, until_event
from postgres import Server


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: nothing here depends on its version."""
    return servers("packaged")


async def until_written(path: Path) -> str:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (path.exists() and (text := path.read_text())):  # noqa: ASYNC240
            await asyncio.sleep(0.01)
    return text


async def until_gone(*processes: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        for process in processes:
            while is_alive(process):
                await asyncio.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def children() -> list[bytes]:
    """Commands of the processes for handlers that this one has started."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    commands = [Path(f"/proc/{each}/cmdline").read_bytes() for each in listed]
    return [each for each in commands if b"rowbell.engine.executors.child" in each]


async def test_handler_runs_in_another_process_which_is_kept_for_the_next(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.tell_process, runs_in="process")
    first = await tasks.until_status(await tasks.insert("tell_process"), "COMPLETED")
    second = await tasks.until_status(await tasks.insert("tell_process"), "COMPLETED")
    assert first["result"] == second["result"] != str(os.getpid())


async def test_payload_is_checked_by_the_model_and_the_result_is_kept(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.add_up, runs_in="process")
    good = await tasks.insert("add_up", payload='{"a": 2, "b": 3}')
    bad = await tasks.insert("add_up", payload='{"a": 2}')
    assert (await tasks.until_status(good, "COMPLETED"))["result"] == '{"sum": 5}'
    row = await tasks.until_status(bad, "FAILED")
    assert row["attempt"] == 1
    assert "b: Field required" in row["error"]


async def test_context_tells_and_logs_from_a_process(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    await start_engine(handlers.tell_all, runs_in="process")
    task = await tasks.insert("tell_all")
    row = await tasks.until_status(task, "COMPLETED")
    assert row["result"] == f"[{task}, 1]"
    await until_event(events, "task.logged", task=task, text="half-way", customer=7)
    await until_event(events, "library.warned", library="acme", text="the disk is nearly full")


async def test_progress_of_a_process_is_seen_while_it_runs(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.tell_progress, runs_in="process")
    task = await tasks.insert("tell_progress")
    await tasks.until("id = $1 and progress = 0.5", task)
    await tasks.connection.execute("select rowbell.cancel($1)", task)
    await tasks.until_status(task, "CANCELLED")


async def test_transaction_is_refused_in_a_sentence(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.ask_for_a_transaction, runs_in="process")
    row = await tasks.until_status(await tasks.insert("ask_for_a_transaction"), "FAILED")
    assert "not to be had with runs_in" in row["error"]


@pytest.mark.parametrize(
    ("payload", "attempts", "words"),
    [
        ('"give up"', 1, ['"GiveUp"', "no such thing"]),
        ('"later"', 3, ['"RetryLater"', "busy"]),
        ('"custom"', 1, ['"NoSuchCustomer"', "no customer Ada 7", "in fail_as_told"]),
        ('"exit"', 3, ['"SystemExit"', "in fail_as_told"]),
        ('"nul"', 3, ['"ValueError"', "in fail_as_told"]),
    ],
)
async def test_exception_comes_back_in_words_whatever_it_is(
    start_engine: StartEngine, tasks: Tasks, payload: str, attempts: int, words: list[str]
) -> None:
    await start_engine(
        handlers.fail_as_told,
        runs_in="process",
        max_attempts=3,
        backoff=[0],
        give_up_on=(handlers.NoSuchCustomer,),
    )
    row = await tasks.until_status(await tasks.insert("fail_as_told", payload=payload), "FAILED")
    assert row["attempt"] == attempts
    for each in words:
        assert each in row["error"]


async def test_result_that_is_no_json_fails_for_good(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.return_a_lock, runs_in="process")
    row = await tasks.until_status(await tasks.insert("return_a_lock"), "FAILED")
    assert row["attempt"] == 1
    assert "the result is no JSON" in row["error"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("0", "exit code 0"),
        ("7", "exit code 7"),
        ('"SIGSEGV"', "ended by SIGSEGV"),
        ('"SIGKILL"', "ended by SIGKILL (out of memory"),
    ],
)
async def test_process_that_dies_fails_its_own_attempt_and_no_other(
    start_engine: StartEngine, tasks: Tasks, payload: str, words: str
) -> None:
    await start_engine(
        handlers.die, handlers.sleep_for, handlers.add_up,
        runs_in="process", process_slots=2, max_attempts=1,
    )  # fmt: skip
    other = await tasks.insert("sleep_for", payload="1")
    row = await tasks.until_status(await tasks.insert("die", payload=payload), "FAILED")
    assert '"ProcessDied"' in row["error"]
    assert words in row["error"]
    after = await tasks.insert("add_up", payload='{"a": 2, "b": 3}')
    await tasks.until_status(after, "COMPLETED")
    await tasks.until_status(other, "COMPLETED")


async def test_idle_process_that_is_killed_costs_no_attempt(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    await start_engine(handlers.tell_process, runs_in="process")
    row = await tasks.until_status(await tasks.insert("tell_process"), "COMPLETED")
    process = int(row["result"])
    os.kill(process, signal.SIGKILL)
    row = await tasks.until_status(await tasks.insert("tell_process"), "COMPLETED")
    assert (row["failures"], row["result"] != str(process)) == (0, True)


@pytest.mark.parametrize("handler", [handlers.note_and_wait, handlers.hold_every_thread_still])
async def test_cancel_kills_the_process_and_what_it_has_started(
    start_engine: StartEngine, tasks: Tasks, tmp_path: Path, handler: Any
) -> None:
    await start_engine(handler, handlers.add_up, runs_in="process", process_slots=1)
    noted = tmp_path / "noted"
    task = await tasks.insert(handler.__name__, payload=f'"{noted}"')
    processes = [int(each) for each in (await until_written(noted)).split()]
    await tasks.connection.execute("select rowbell.cancel($1)", task)
    row = await tasks.until_status(task, "CANCELLED")
    assert row["failures"] == 0
    assert not is_alive(processes[0])
    await until_gone(*processes)
    after = await tasks.insert("add_up", payload='{"a": 2, "b": 3}')
    await tasks.until_status(after, "COMPLETED")


async def test_handler_that_looks_is_told_before_it_is_killed(
    start_engine: StartEngine, tasks: Tasks, tmp_path: Path
) -> None:
    engine = await start_engine(handlers.wait_until_told, runs_in="process")
    told, started = tmp_path / "told", tmp_path / "told.started"
    task = await tasks.insert("wait_until_told", payload=f'"{told}"')
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not started.exists():
            await asyncio.sleep(0.01)
    await engine.stop(grace_seconds=0.01)
    row = await tasks.row(task)
    assert (row["status"], row["failures"], told.exists()) == ("PENDING", 0, True)


async def test_attempt_over_its_timeout_is_killed(
    start_engine: StartEngine, tasks: Tasks, tmp_path: Path
) -> None:
    noted = tmp_path / "noted"
    await start_engine(handlers.note_and_wait, runs_in="process", timeout=3, max_attempts=1)
    row = await tasks.until_status(
        await tasks.insert("note_and_wait", payload=f'"{noted}"'), "FAILED"
    )
    assert "longer than its timeout of 3 s" in row["error"]
    await until_gone(*(int(each) for each in noted.read_text().split()))


async def test_timeout_does_not_count_while_a_task_waits_for_a_process(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.sleep_for, runs_in="process", process_slots=1, timeout=3)
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind, payload) select 'sleep_for', '0.8'"
        " from generate_series(1, 5)"
    )
    await tasks.until_all_finished()
    assert await tasks.connection.fetchval("select sum(failures) from rowbell.tasks") == 0


async def test_task_that_is_cancelled_while_it_waits_for_a_process_never_runs(
    start_engine: StartEngine, tasks: Tasks, tmp_path: Path
) -> None:
    await start_engine(
        handlers.wait_until_told, handlers.note_and_wait, runs_in="process", process_slots=1
    )
    busy = await tasks.insert("wait_until_told", payload=f'"{tmp_path / "busy"}"')
    await until_written_empty(tmp_path / "busy.started")
    waiting = await tasks.insert("note_and_wait", payload=f'"{tmp_path / "noted"}"')
    await tasks.until("id = $1 and status = 'PROCESSING'", waiting)
    for task in (waiting, busy):
        await tasks.connection.execute("select rowbell.cancel($1)", task)
        await tasks.until_status(task, "CANCELLED")
    assert not (tmp_path / "noted").exists()


async def until_written_empty(path: Path) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not path.exists():  # noqa: ASYNC240
            await asyncio.sleep(0.01)


async def test_no_process_is_left_after_a_drain(start_engine: StartEngine, tasks: Tasks) -> None:
    engine = await start_engine(handlers.tell_process, runs_in="process")
    row = await tasks.until_status(await tasks.insert("tell_process"), "COMPLETED")
    assert is_alive(int(row["result"]))
    await engine.stop()
    assert not is_alive(int(row["result"]))


async def test_no_process_is_started_while_none_is_called_for(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(handlers.tell_process, runs_in="process")
    assert not children()
