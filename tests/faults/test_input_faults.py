"""Hostile input at every door: SQL, GraphQL, the command line, and the payload of a handler."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import BaseModel

from rowbell import RetryLater

from deadline import DEADLINE_SECONDS
from e2e.command_line import CommandLine
from faults.worker_process import Workers, workers
from graphql_server import Served, serving
from integration.conftest import StartEngine, Tasks
from sql.rows import NOON, claim, insert, later, register, row

GIB = 1 << 30
HOSTILE = {
    "NUL": r'{"a": ["\u0000"]}',
    "NaN": '{"a": NaN}',
    "lone surrogate": r'"\ud800"',
    "beyond 64 KiB": '"' + "x" * 65_535 + '"',
}
hostile = pytest.mark.parametrize("payload", HOSTILE.values(), ids=list(HOSTILE))
one_server = pytest.mark.parametrize("server", ["packaged"], indirect=True)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Workers]:
    with workers(database_url, tmp_path) as started:
        yield started


async def noop() -> None:
    """Nothing to do."""


# ------------------------------------------------------------------------ absurd times


async def test_absurd_delays_that_handlers_ask_for_stop_no_claim(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 23: a delay of 1e18 s makes every claim raise."""
    delays = {"huge": 1e18, "infinite": float("inf"), "none": float("nan"), "past": -1e18}

    async def put_off(payload: str) -> None:
        raise RetryLater(delays[payload])

    await start_engine(put_off, noop, max_attempts=2)
    for name in delays:
        await tasks.insert("put_off", payload=f'"{name}"')
    await tasks.until("true having bool_and(failures > 0)")
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    within_a_year = await tasks.connection.fetchval(
        "select bool_and(run_at between created_at and now() + interval '1 year')"
        " from rowbell.tasks where status = 'PENDING'"
    )
    assert within_a_year


async def test_absurd_delays_do_not_refuse_the_batch_that_they_are_in(
    connection: asyncpg.Connection,
) -> None:
    """Pitfall 23: a delay of 1e18 s makes every claim raise."""
    delays = [1e18, float("inf"), float("nan"), -1e18, 10.0]
    worker = await register(connection)
    ids = await insert(connection, count=len(delays))
    await claim(connection, worker)
    verdicts = await connection.fetch(
        "select id, status::text from rowbell.fail("
        "$1, array_fill(1, array[5]), array_fill('{}'::text, array[5]), $2, $3)",
        ids,
        delays,
        NOON,
    )
    assert {tuple(each) for each in verdicts} == {(id_, "PENDING") for id_ in ids}
    times = [(await row(connection, id_))["run_at"] for id_ in ids]
    assert NOON <= min(times) <= max(times) <= later(365 * 86_400)


@pytest.mark.parametrize("run_at", ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC"])
async def test_absurd_times_are_refused_by_the_insert(
    connection: asyncpg.Connection, run_at: str
) -> None:
    """Pitfall 23: a delay of 1e18 s makes every claim raise."""
    with pytest.raises(asyncpg.CheckViolationError, match="run_at"):
        await connection.execute(
            f"insert into rowbell.tasks (kind, run_at) values ('echo', '{run_at}')"
        )


# ------------------------------------------------------------------------ hostile payloads


@hostile
async def test_insert_refuses_a_payload_that_no_worker_could_read(
    connection: asyncpg.Connection, payload: str
) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    insert = "insert into rowbell.tasks (kind, payload) values ('echo', $1::text::jsonb)"
    with pytest.raises((asyncpg.DataError, asyncpg.CheckViolationError)):
        await connection.execute(insert, payload)
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 0


async def test_insert_of_a_gigabyte_is_refused_and_the_session_goes_on(
    connection: asyncpg.Connection,
) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    for size in (GIB, 30 << 20):  # what no text can hold, and what one can
        with pytest.raises((asyncpg.ProgramLimitExceededError, asyncpg.CheckViolationError)):
            await connection.execute(
                "insert into rowbell.tasks (kind, payload)"
                " values ('echo', to_jsonb(repeat('x', $1)))",
                size,
            )
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 0


@hostile
async def test_graphql_refuses_a_payload_that_no_worker_could_read(
    served: Served, payload: str
) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    query = "mutation ($payload: JSON) { createTask(input: {payload: $payload}) { id } }"
    response = await served.http.post(
        "/graphql",
        content=f'{{"query": "{query}", "variables": {{"payload": {payload}}}}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] in ("BAD_USER_INPUT", "INVALID_ARGUMENT")
    assert await served.connection.fetchval("select count(*) from rowbell.tasks") == 0


async def test_graphql_refuses_a_gigabyte_before_it_is_sent(served: Served) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    address = urlsplit(served.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = ["POST /graphql HTTP/1.1", "Host: x", "Content-Type: application/json"]
    writer.write("\r\n".join([*head, f"Content-Length: {GIB}", "", ""]).encode())
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert b" 413 " in await reader.readline()
    writer.close()


@one_server
@hostile
def test_command_line_refuses_a_payload_that_no_worker_could_read(
    database_url: str, payload: str
) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    refused = CommandLine(database_url).run("enqueue", "echo", "-", given=payload)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "payload" in refused.stderr or "JSON" in refused.stderr


@one_server
def test_command_line_does_not_read_a_gigabyte(database_url: str, tmp_path: Path) -> None:
    r"""Pitfall 24: \u0000, NaN, lone surrogates, 1 GB payloads."""
    with (tmp_path / "sparse").open("w+b") as file:
        file.truncate(GIB)
        refused = CommandLine(database_url).run("enqueue", "echo", "-", stdin=file)
        assert file.tell() < GIB
    assert refused.returncode == 2
    assert "the limit is 65536" in refused.stderr


# ------------------------------------------------------------------------ poison


async def test_row_that_its_handler_cannot_read_stops_no_other(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 25: a poison row stops the queue."""

    class Sum(BaseModel):
        a: int

    async def add_up(payload: Sum) -> int:
        return payload.a

    await start_engine(add_up, slots=1)
    poison = await tasks.insert("add_up", payload='{"b": 1}', priority=100)
    others = [await tasks.insert("add_up", payload='{"a": 1}') for _ in range(5)]
    await tasks.until_all_finished()
    error: Any = (await tasks.row(poison))["error"]
    assert "a: Field required" in error
    assert {(await tasks.row(id_))["status"] for id_ in others} == {"COMPLETED"}


@one_server
async def test_row_that_kills_its_workers_is_failed_and_the_others_run(
    processes: Workers, tasks: Tasks
) -> None:
    """Pitfall 25: a poison row stops the queue."""
    poison = await tasks.insert("kill_the_process", crashes=3, priority=100)
    others = [await tasks.insert("do_nothing") for _ in range(20)]
    for _ in range(2):
        processes.start(ready=False).process.wait(DEADLINE_SECONDS)
    processes.start()
    row = await tasks.until_status(poison, "FAILED")
    await tasks.until_all_finished()
    assert (row["crashes"], row["attempt"], row["failures"]) == (5, 2, 0)
    assert "seems to kill it" in row["error"]
    assert {(await tasks.row(id_))["status"] for id_ in others} == {"COMPLETED"}
    assert [note[:2] for note in processes.diary()] == [("began", poison)] * 2
