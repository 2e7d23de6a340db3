"""What one client may take: each limit refuses with a code of its own, on every transport."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from graphql import get_introspection_query

from rowbell.api.limits import Limits
from rowbell.api.negotiation import GRAPHQL, JSON

from deadline import DEADLINE_SECONDS
from graphql_server import Served, serving, until

INTROSPECTION = "{ __schema { types { fields { type { fields { name } } } } } }"
CREATE = "mutation ($inputs: [TaskInput!]!) { createTasks(inputs: $inputs) { id status } }"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def typenames(count: int) -> str:
    return " ".join(f"a{n}: __typename" for n in range(count))


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{ __typename }" + " " * 100_000, None, "QUERY_TOO_LONG"),
        ("{" + " a" * 1_001 + "}", None, "TOO_MANY_TOKENS"),
        ("{ __typename } #" + "x" * 10_000, None, "QUERY_TOO_LONG"),
        ("{ a" * 101 + " }" * 101, None, "QUERY_TOO_DEEP"),
        ("{ a" * 21 + " }" * 21, None, "QUERY_TOO_DEEP"),
        (INTROSPECTION, None, "QUERY_TOO_DEEP"),
        (f"{{ {typenames(60)} }}", None, "TOO_MANY_ALIASES"),
        ("{ task(id: 1) { " + "id " * 60 + "} }", None, "TOO_MANY_ALIASES"),
        ("{ task(id: 1) { " + "... { id } " * 60 + "} }", None, "TOO_MANY_ALIASES"),
        (f"{{ {typenames(21)} }}", None, "TOO_MANY_ROOT_FIELDS"),
        ("{ __typename }" + "".join(f" fragment F{n} on Task {{ id }}" for n in range(51)), None,
         "TOO_MANY_FRAGMENTS"),
        ("{ tasks(first: 100) { nodes { " + "".join(f"q{n}: queue {{ name }} " for n in range(30))
         + "} } }", None, "QUERY_TOO_COSTLY"),
        (CREATE, {"inputs": [nested(225)]}, "VARIABLES_TOO_DEEP"),
        (CREATE, {"inputs": [0] * 60_000}, "TOO_MANY_VALUES"),
    ],
)  # fmt: skip
async def test_a_request_beyond_a_limit_is_refused_with_its_code(
    database_url: str, query: str, variables: Any, code: str
) -> None:
    async with serving(database_url) as served:
        error = await served.error(query, variables)
        assert error["extensions"]["code"] == code
        assert error["extensions"]["hint"]
        async with served.socket() as client:
            await client.subscribe(query, variables)
            message = await client.receive()
            assert message["payload"][0]["extensions"]["code"] == code


async def test_the_cost_of_a_kept_document_follows_its_variables(database_url: str) -> None:
    async with serving(database_url, limits=Limits(cost=500)) as served:
        query = "query ($n: Int) { tasks(first: $n) { nodes { id kind status priority } } }"
        assert "errors" not in await served.ask(query, {"n": 10})
        error = await served.error(query, {"n": 100})
        assert error["extensions"]["code"] == "QUERY_TOO_COSTLY"
        assert "errors" not in await served.ask(query, {"n": 10})


async def test_the_standard_introspection_keeps_every_limit(database_url: str) -> None:

    async with serving(database_url) as served:
        assert "errors" not in await served.ask(
            get_introspection_query(input_value_deprecation=True)
        )


async def test_an_operation_that_takes_too_long_is_ended(database_url: str) -> None:
    async with serving(database_url, limits=Limits(operation_seconds=0.3)) as served:
        task = await served.insert()
        async with served.connection.transaction():
            await served.connection.execute("lock rowbell.tasks in access exclusive mode")
            error = await served.error(f"{{ task(id: {task}) {{ id }} }}")
        assert error["extensions"]["code"] == "OPERATION_TIMEOUT"
        assert (await served.data(f"{{ task(id: {task}) {{ id }} }}"))["task"]


async def test_what_execute_task_waits_is_no_part_of_the_time_of_an_operation(
    database_url: str,
) -> None:
    async with serving(database_url, limits=Limits(operation_seconds=0.3)) as served:
        query = "mutation { executeTask(input: {}, waitSeconds: 0.6) { status } }"
        assert (await served.data(query))["executeTask"] == {"status": "PENDING"}


async def test_operations_are_counted_and_what_is_left_is_told(database_url: str) -> None:
    async with serving(database_url, limits=Limits(rate=2)) as served:
        asked = {"json": {"query": "{ __typename }"}, "headers": {"Accept": GRAPHQL}}
        first = await served.http.post("/graphql", **asked)  # type: ignore[arg-type]
        assert first.headers["ratelimit-policy"] == '"operations";q=2;w=60'
        assert first.headers["ratelimit"] == '"operations";r=1;t=30'
        await served.http.post("/graphql", **asked)  # type: ignore[arg-type]
        third = await served.http.post("/graphql", **asked)  # type: ignore[arg-type]
        assert third.status_code == 429
        assert 0 < int(third.headers["retry-after"]) <= 30
        assert third.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        async with served.socket() as client:
            await client.subscribe("{ __typename }")
            message = await client.receive()
            assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_a_socket_too_many_is_sent_away_to_come_back_later(database_url: str) -> None:
    async with serving(database_url, limits=Limits(sockets=1)) as served:
        async with served.socket(), served.socket() as second:
            assert (await second.closed())[0] == 1013
        await until(lambda: not served.lobby)
        async with served.socket() as third:
            await third.subscribe("{ __typename }")
            await third.data()


async def test_a_body_that_comes_too_slowly_is_408(database_url: str) -> None:
    async with serving(database_url, limits=Limits(body_seconds=0.3)) as served:
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        answer = await raw(served, head + b'Content-Length: 100\r\n\r\n{"query"')
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"BODY_TOO_SLOW" in answer


async def test_headers_without_end_are_431(database_url: str) -> None:
    async with serving(database_url) as served:
        answer = await raw(served, b"GET /graphql HTTP/1.1\r\nX: " + b"x" * 66_000)
        assert answer.startswith(b"HTTP/1.1 431")


async def raw(served: Served, data: bytes) -> bytes:
    """All that is answered, until the server closes."""
    place = urlsplit(served.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    async with asyncio.timeout(DEADLINE_SECONDS):
        writer.write(data)
        try:
            return await reader.read()
        finally:
            writer.close()


async def test_a_frame_too_large_is_1009(database_url: str) -> None:
    limits = Limits(frame_bytes=2_000)
    async with serving(database_url, limits=limits) as served, served.socket() as client:
        await client.subscribe("{ __typename }" + " " * 3_000)
        assert (await client.closed())[0] == 1009


async def test_pings_of_a_client_that_reads_nothing_pile_up_nowhere(database_url: str) -> None:
    async with serving(database_url) as served:
        place = urlsplit(served.address)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, (place.hostname, place.port))
            await loop.sock_sendall(
                deaf,
                b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
            )
            ping = b"\x89\xfd" + bytes(4) + b"x" * 125
            async with asyncio.timeout(DEADLINE_SECONDS):
                with pytest.raises((ConnectionResetError, BrokenPipeError)):
                    while True:
                        await loop.sock_sendall(deaf, ping * 1_000)


# ----------------------------------------------------------------------- other sites


async def test_a_page_on_the_list_may_read_and_connect(database_url: str) -> None:
    page = "https://app.example"
    async with serving(database_url, origins=(page,)) as served:
        asks = {"Origin": page, "Access-Control-Request-Method": "POST"}
        preflight = await served.http.options("/graphql", headers=asks)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == page
        assert "content-type" in preflight.headers["access-control-allow-headers"]
        answer = await served.http.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"Origin": page}
        )
        assert answer.headers["access-control-allow-origin"] == page
        async with served.socket(origin=page) as client:
            await client.subscribe("{ __typename }")
            await client.data()


async def test_no_page_of_another_site_may_read_anything(database_url: str) -> None:
    async with serving(database_url, origins=("https://app.example",)) as served:
        foreign = {"Origin": "https://evil.example"}
        asks = {**foreign, "Access-Control-Request-Method": "POST"}
        preflight = await served.http.options("/graphql", headers=asks)
        assert preflight.status_code == 405
        answer = await served.http.post(
            "/graphql", json={"query": "{ __typename }"}, headers=foreign
        )
        for each in (preflight, answer):
            assert not [name for name in each.headers if name.startswith("access-control")]


async def test_graphiql_is_not_there_if_it_is_off(database_url: str) -> None:
    async with serving(database_url, graphiql=False) as served:
        page = await served.http.get("/graphql", headers={"Accept": "text/html"})
        assert page.status_code == 406
        assert (await served.http.get("/graphiql/index.html")).status_code == 404


async def test_a_file_is_refused_with_what_to_do(database_url: str) -> None:
    async with serving(database_url) as served:
        answer = await served.http.post("/graphql", files={"0": b"x"}, headers={"Accept": JSON})
        assert answer.status_code == 415
        assert "key" in orjson.loads(answer.content)["errors"][0]["extensions"]["hint"]


async def test_a_statement_that_nobody_waits_for_any_more_ends_by_itself(
    database_url: str,
) -> None:
    async with serving(database_url) as served:
        async with served.database.pooled() as connection:
            assert await connection.fetchval("show statement_timeout") == "35s"
        async with served.database.for_handler() as connection:
            assert await connection.fetchval("show statement_timeout") == "0"
        async with served.database.pooled() as connection:
            assert await connection.fetchval("show statement_timeout") == "35s"
