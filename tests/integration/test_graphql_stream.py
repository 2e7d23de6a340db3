"""GraphQL over Server-Sent Events, distinct connections mode."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from rowbell.api.limits import Limits
from rowbell.api.negotiation import GRAPHQL, JSON, STREAM

from deadline import DEADLINE_SECONDS
from deaf import FLOOD, deaf_stream
from graphql_server import Served, serving, until

TASK = "subscription ($id: ID!) { task(id: $id) { status } }"
TASK_ADDED = "subscription { taskAdded { id payload } }"
PAUSE = 'mutation { pauseQueue(name: "a") { name } }'
URQL = f"{GRAPHQL}, application/graphql+json, {JSON}, {STREAM}, multipart/mixed"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url, limits=Limits(ping_seconds=0.1, send_seconds=0.5)) as served:
        yield served


@dataclass
class Events:
    """What arrives on a stream; comments are counted, not told."""

    response: httpx.Response
    pings: int = 0
    _lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def event(self) -> tuple[str, Any]:
        """Name and data of the next event."""
        name, data = "", ""
        async with asyncio.timeout(DEADLINE_SECONDS):
            async for line in self._lines:
                self.pings += line == ":"
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif not line and name:
                    return name, orjson.loads(data) if data else None
        raise AssertionError("the stream ended without an event")


@asynccontextmanager
async def stream(
    served: Served, query: str, variables: Any = None, *, accept: str = STREAM, method: str = "POST"
) -> AsyncIterator[Events]:
    asked: dict[str, Any] = {"json": {"query": query, "variables": variables}}
    if method == "GET":
        asked = {"params": {"query": query, "variables": orjson.dumps(variables).decode()}}
    request = served.http.stream(method, "/graphql", headers={"Accept": accept}, **asked)
    async with request as response:
        yield Events(response)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_streamed_to_its_end(served: Served, method: str) -> None:
    task = await served.insert()
    async with stream(served, TASK, {"id": str(task)}, method=method) as events:
        assert events.response.status_code == 200
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert events.response.headers["x-accel-buffering"] == "no"
        assert "no-cache" in events.response.headers["cache-control"]
        assert await events.event() == ("next", {"data": {"task": {"status": "PENDING"}}})
        await served.connection.execute("select rowbell.cancel($1)", task)
        assert await events.event() == ("next", {"data": {"task": {"status": "CANCELLED"}}})
        assert await events.event() == ("complete", None)
    await until(lambda: not served.watch.subscribers)


@pytest.mark.parametrize("query", ["{ __typename }", 'mutation { pauseQueue(name: "a") { name } }'])
async def test_queries_and_mutations_are_one_event(served: Served, query: str) -> None:
    async with stream(served, query) as events:
        name, answer = await events.event()
        assert (name, "data" in answer, "errors" in answer) == ("next", True, False)
        assert await events.event() == ("complete", None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + " __typename" * 60 + "}", "TOO_MANY_ALIASES"),
        ("subscription ($id: ID!) { task(id: $id) { id } }", "BAD_USER_INPUT"),
        ("subscription { task(id: 0) { id } }", "NOT_FOUND"),
    ],
)
async def test_what_is_wrong_with_a_query_is_told_by_an_event(
    served: Served, query: str, code: str
) -> None:
    async with stream(served, query) as events:
        assert events.response.status_code == 200
        name, answer = await events.event()
        assert (name, answer["errors"][0]["extensions"]["code"]) == ("next", code)
        assert await events.event() == ("complete", None)


async def test_a_request_that_is_none_is_refused_without_a_stream(served: Served) -> None:
    response = await served.http.post(
        "/graphql", content=b"[]", headers={"Accept": STREAM, "Content-Type": JSON}
    )
    assert (response.status_code, response.headers["content-type"][:16]) == (400, JSON)


async def test_a_mutation_by_get_is_405_on_a_stream_too(served: Served) -> None:
    async with stream(served, PAUSE, {}, method="GET") as events:
        assert events.response.status_code == 405
        assert events.response.headers["allow"] == "POST"


async def test_who_accepts_many_forms_gets_the_stream_for_subscriptions_alone(
    served: Served,
) -> None:
    async with stream(served, "{ __typename }", accept=URQL) as events:
        assert events.response.headers["content-type"].startswith(GRAPHQL)
    task = await served.insert()
    async with stream(served, TASK, {"id": str(task)}, accept=URQL) as events:
        assert events.response.headers["content-type"].startswith(STREAM)
        assert (await events.event())[0] == "next"


async def test_a_silent_stream_is_kept_alive_by_comments(served: Served) -> None:
    task = await served.insert()
    async with stream(served, TASK, {"id": str(task)}) as events:
        await events.event()
        waiting = asyncio.create_task(events.event())
        await until(lambda: events.pings >= 2)
        await served.connection.execute("select rowbell.cancel($1)", task)
        assert (await waiting)[0] == "next"


async def test_a_client_that_leaves_ends_its_subscription_at_once(served: Served) -> None:
    task = await served.insert()
    async with stream(served, TASK, {"id": str(task)}) as events:
        await events.event()
        assert served.watch.subscribers == 1
    async with asyncio.timeout(DEADLINE_SECONDS):
        await served.unwatched.wait()


async def test_a_client_that_reads_nothing_is_cut_off_and_its_memory_is_free(
    served: Served,
) -> None:
    with await deaf_stream(served.address):
        await served.watched.wait()
        await flood(served)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.unwatched.wait()
        # Although its client is still there.
        await until(lambda: not served.lobby and served.server.connections == 0)


async def flood(served: Served) -> None:
    """One batch after the other."""
    for _ in range(20):
        await served.connection.execute(FLOOD.format(queue="default", rows=10))


async def test_a_stream_too_many_is_refused(database_url: str) -> None:
    async with serving(database_url, limits=Limits(sockets=1)) as served:
        task = await served.insert()
        async with stream(served, TASK, {"id": str(task)}) as first:
            await first.event()
            async with stream(served, TASK, {"id": str(task)}) as second:
                assert second.response.status_code == 429
                answer = orjson.loads(await second.response.aread())
                assert answer["errors"][0]["extensions"]["code"] == "TOO_MANY_SOCKETS"
