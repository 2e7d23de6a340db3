"""gql, the client for Python: HTTP by httpx, subscriptions by websockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from gql import Client, GraphQLRequest, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from clients.documents import CREATE_TASK, GET_TASK_STATUS, TASK, TASK_ADDED
from clients.services import Services
from deadline import DEADLINE_SECONDS


@pytest.fixture(params=["http", "websocket"])
async def session(
    request: pytest.FixtureRequest, standing: Services
) -> AsyncIterator[AsyncClientSession]:
    """Queries and mutations go both ways."""
    address = f"{standing.addresses[0]}/graphql"
    transport = (
        HTTPXAsyncTransport(address)
        if request.param == "http"
        else WebsocketsTransport(address.replace("http", "ws", 1))
    )
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        yield session


@pytest.fixture
async def watching(standing: Services) -> AsyncIterator[AsyncClientSession]:
    transport = WebsocketsTransport(standing.addresses[1].replace("http", "ws", 1) + "/graphql")
    async with Client(transport=transport) as session:
        yield session


async def test_create_task_and_its_status(session: AsyncClientSession, standing: Services) -> None:
    values = {"input": {"description": "x", "queue": standing.hold()}}
    task = (await session.execute(GraphQLRequest(CREATE_TASK, variable_values=values)))[
        "createTask"
    ]
    assert task == {"id": task["id"], "status": "PENDING"}
    answer = await session.execute(
        GraphQLRequest(GET_TASK_STATUS, variable_values={"id": task["id"]})
    )
    assert answer == {"task": task}


async def test_a_refusal_has_its_code(session: AsyncClientSession) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(gql("mutation { cancelTask(id: 999999) { id } }"))
    assert refused.value.errors
    assert refused.value.errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_task_tells_the_present_state_then_changes_then_ends(
    watching: AsyncClientSession, standing: Services
) -> None:
    queue = standing.hold()
    task = standing.insert(queue=queue)
    statuses = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for told in watching.subscribe(GraphQLRequest(TASK, variable_values={"id": task})):
            if not statuses:
                await asyncio.to_thread(standing.release, queue)
            statuses.append(told["task"]["status"])
    assert (statuses[0], statuses[-1]) == ("PENDING", "COMPLETED")


async def test_task_added_tells_rows_of_psql(
    watching: AsyncClientSession, standing: Services
) -> None:
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    async def listen() -> None:
        async for each in watching.subscribe(gql(TASK_ADDED)):
            told.put_nowait(each["taskAdded"])

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while told.empty():  # a subscription has no answer of its own
            await asyncio.to_thread(standing.insert, "marker")
        task = await asyncio.to_thread(standing.insert, "by psql")
        while (row := await told.get())["id"] != task:
            pass
    assert row == {"id": task, "description": "by psql", "audience": ["ops"]}
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
