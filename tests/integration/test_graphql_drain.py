"""The end of a process: clients are sent away some at a time, and nothing is cut in the middle."""

import asyncio

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from rowbell.api import lobby

from deadline import DEADLINE_SECONDS
from graphql_server import serving, until

TASK = "subscription ($id: ID!) { task(id: $id) { status } }"
EXECUTE = "mutation { executeTask(input: {}, waitSeconds: 20) { id status } }"


async def test_a_socket_with_subscriptions_is_closed_with_1012(database_url: str) -> None:
    async with serving(database_url) as served:
        task = await served.insert()
        async with served.socket() as client:
            await client.subscribe(TASK, {"id": str(task)})
            await client.data()
            await served.server.drain(5)
            assert await client.closed() == (1012, "Service restart")


async def test_a_mutation_on_a_socket_is_answered_before_the_close(database_url: str) -> None:
    async with serving(database_url) as served, served.socket() as client:
        await client.subscribe(EXECUTE)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.watched.wait()
        await served.server.drain(5)
        task = await served.connection.fetchval("select id from rowbell.tasks")
        await served.connection.execute("select rowbell.cancel($1)", task)
        assert (await client.data())["executeTask"]["status"] == "CANCELLED"
        assert (await client.receive())["type"] == "complete"
        assert (await client.closed())[0] == 1012


async def test_a_stream_ends_with_complete(database_url: str) -> None:
    async with serving(database_url) as served:
        task = await served.insert()
        body = {"query": TASK, "variables": {"id": str(task)}}
        headers = {"Accept": "text/event-stream"}
        async with served.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "event: next"
            await served.server.drain(5)
            rest = [line async for line in lines]
        assert rest[-3:] == ["event: complete", "data:", ""]


async def test_an_http_request_under_way_is_answered_although_the_server_closes(
    database_url: str,
) -> None:
    async with serving(database_url) as served:
        served.server.closing = served.watch.closing.set
        asking = asyncio.create_task(served.http.post("/graphql", json={"query": EXECUTE}))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.watched.wait()
            await served.server.close()
            answer = orjson.loads((await asking).content)
        assert answer["data"]["executeTask"]["status"] == "PENDING"


async def test_the_last_answer_of_a_process_tells_of_a_change_that_its_watch_has_not_seen_yet(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_url) as served:
        served.server.closing = served.watch.closing.set
        asking = asyncio.create_task(served.http.post("/graphql", json={"query": EXECUTE}))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.watched.wait()
        monkeypatch.setattr(served.watch, "_look", _see_nothing)
        await served.connection.execute("select rowbell.cancel(id) from rowbell.tasks")
        await served.server.close()
        answer = orjson.loads((await asking).content)
        assert answer["data"]["executeTask"]["status"] == "CANCELLED"


async def _see_nothing() -> bool:
    return False


async def test_a_process_that_drains_takes_no_further_socket(database_url: str) -> None:
    async with serving(database_url) as served:
        await served.server.drain(5)
        with pytest.raises(InvalidStatus) as refused:
            async with served.socket():
                pass
        assert refused.value.response.status_code == 503


async def test_many_clients_are_sent_away_some_at_a_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby, "PACE", 10)
    async with serving(database_url) as served:
        clients = [served.socket() for _ in range(6)]
        async with clients[0] as a, clients[1] as b, clients[2] as c, clients[3] as d:
            draining = asyncio.create_task(served.server.drain(5))
            await until(lambda: len(served.lobby) < 4)
            assert len(served.lobby) > 0
            await draining
            for client in (a, b, c, d):
                assert (await client.closed())[0] == 1012
