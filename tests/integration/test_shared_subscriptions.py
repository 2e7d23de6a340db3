"""Equal subscriptions are executed once; who may see what is decided for each group of viewers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from rowbell.api.execution import Execution, Payload
from rowbell.db import tokens
from rowbell.viewer import Role, Viewer

from deadline import DEADLINE_SECONDS
from graphql_server import Client, Served, serving, until

CHANGES = "subscription ($after: Cursor) { taskChanges(after: $after) { event { taskId } } }"
CHANGES_WITH = """
subscription ($kind: Boolean!) { taskChanges { event { taskId kind @include(if: $kind) } } }
"""
TASK = "subscription ($id: ID!) { task(id: $id) { status } }"
LARGE = "subscription { taskChanges { event { task { id payload again: payload } } } }"
MANY = 20


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Each event that was executed, whoever was told of it."""
    events: list[Any] = []
    payload = Execution.payload

    async def noted(self: Execution, event: Any) -> Payload:
        events.append(event)
        return await payload(self, event)

    monkeypatch.setattr(Execution, "payload", noted)
    return events


async def subscribed(
    stack: AsyncExitStack, served: Served, query: str, *, id: str = "1", **variables: Any
) -> Client:
    """On a socket of its own; returns once it has been told its first checkpoint."""
    client = await stack.enter_async_context(served.socket())
    await client.subscribe(query, variables, id=id)
    assert (await client.data())["taskChanges"] == {"event": None}
    return client


async def test_one_execution_serves_all_who_ask_the_same(
    served: Served, executed: list[Any]
) -> None:
    async with AsyncExitStack() as stack:
        ids = [f'{number} "\\é\u2028' for number in range(MANY)]
        clients = [await subscribed(stack, served, CHANGES, id=id) for id in ids]
        executed.clear()
        task = await served.insert()
        for client, id in zip(clients, ids, strict=True):
            assert await client.receive() == {
                "type": "next",
                "id": id,
                "payload": {"data": {"taskChanges": {"event": {"taskId": str(task)}}}},
            }
    assert len(executed) == 1


async def test_who_comes_back_with_a_cursor_shares_what_follows_its_past(
    served: Served, executed: list[Any]
) -> None:
    cursor = (await served.data("{ tasks { streamCursor } }"))["tasks"]["streamCursor"]
    missed = str(await served.insert())
    async with AsyncExitStack() as stack:
        present = await subscribed(stack, served, CHANGES)
        resumed = await stack.enter_async_context(served.socket())
        await resumed.subscribe(CHANGES, {"after": cursor})
        assert (await resumed.data())["taskChanges"]["event"] == {"taskId": missed}
        assert (await resumed.data())["taskChanges"]["event"] is None
        executed.clear()
        task = str(await served.insert())
        for client in (present, resumed):
            assert (await client.data())["taskChanges"]["event"] == {"taskId": task}
    assert len(executed) == 1


async def test_variables_that_select_fields_make_answers_of_their_own(served: Served) -> None:
    async with AsyncExitStack() as stack:
        with_kind = await subscribed(stack, served, CHANGES_WITH, kind=True)
        without = await subscribed(stack, served, CHANGES_WITH, kind=False)
        task = str(await served.insert())
        event = (await with_kind.data())["taskChanges"]["event"]
        assert event == {"taskId": task, "kind": "CREATED"}
        assert (await without.data())["taskChanges"]["event"] == {"taskId": task}


async def test_frames_of_any_size_arrive_whole(served: Served) -> None:
    async with AsyncExitStack() as stack:
        clients = [await subscribed(stack, served, LARGE) for _ in range(3)]
        for size in (0, 10, 100, 32_000, 65_000):
            await served.insert(payload=f'"{"x" * size}"')
            for client in clients:
                told = (await client.data())["taskChanges"]["event"]["task"]
                assert told["payload"] == told["again"] == "x" * size


async def test_who_comes_later_is_told_the_present_state_and_the_others_are_not(
    served: Served,
) -> None:
    task = await served.insert()
    async with served.socket() as first, served.socket() as second:
        await first.subscribe(TASK, {"id": str(task)})
        assert await first.data() == {"task": {"status": "PENDING"}}
        await second.subscribe(TASK, {"id": str(task)})
        assert await second.data() == {"task": {"status": "PENDING"}}
        await served.connection.execute("select rowbell.cancel($1)", task)
        for client in (first, second):
            assert await client.data() == {"task": {"status": "CANCELLED"}}
            assert (await client.receive())["type"] == "complete"
        await second.subscribe(TASK, {"id": str(task)})
        assert await second.data() == {"task": {"status": "CANCELLED"}}
        assert (await second.receive())["type"] == "complete"
    await until(lambda: served.watch.subscribers == 0)


async def test_an_id_that_was_completed_hears_no_more_of_what_it_stood_for(served: Served) -> None:
    async with AsyncExitStack() as stack:
        client = await subscribed(stack, served, CHANGES)
        stays = await subscribed(stack, served, CHANGES)
        await client.send({"type": "complete", "id": "1"})
        await client.subscribe("{ __typename }")
        assert await client.data() == {"__typename": "Query"}
        assert (await client.receive())["type"] == "complete"
        await served.insert()
        await stays.data()
        await client.subscribe("{ __typename }")
        assert await client.data() == {"__typename": "Query"}


async def test_producers_share_with_their_like_and_see_nothing_of_others(
    served: Served, executed: list[Any]
) -> None:
    secrets = []
    for subject, audiences in (("shop", ()), ("shop", ()), ("mail", ()), ("desk", ("ops",))):
        viewer = Viewer(role=Role.PRODUCER, subject=subject, audiences=frozenset(audiences))
        made = await tokens.create(served.database, subject, viewer, lifetime=None)
        secrets.append(made.secret)
    admin = Viewer(role=Role.ADMIN, subject="admin")
    secrets.append((await tokens.create(served.database, "a", admin, lifetime=None)).secret)
    async with AsyncExitStack() as stack:
        clients = []
        while (await served.ask("{ __typename }")).get("data"):  # open, until it knows of tokens
            await asyncio.sleep(0.01)
        for secret in secrets:
            client = await stack.enter_async_context(served.socket(initialised=False))
            await client.send(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {secret}"}}
            )
            assert (await client.receive())["type"] == "connection_ack"
            await client.subscribe(CHANGES)
            await client.data()
            clients.append(client)
        executed.clear()
        own = str(await served.insert(created_by="shop"))
        shared = str(await served.insert(created_by="else", audience=["ops", "x"]))
        hidden = str(await served.insert(created_by="else", audience=["x"]))
        last = {
            name: str(await served.insert(created_by=name)) for name in ("shop", "mail", "desk")
        }
        expected = [
            [own, last["shop"]],
            [own, last["shop"]],
            [last["mail"]],
            [shared, last["desk"]],
            [own, shared, hidden, *last.values()],
        ]
        for client, wanted in zip(clients, expected, strict=True):
            told = [(await client.data())["taskChanges"]["event"]["taskId"] for _ in wanted]
            assert told == wanted
    assert len(executed) == 2 + 1 + 2 + 6


async def test_a_group_that_leaves_is_forgotten(served: Served) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await subscribed(stack, served, CHANGES)
        assert served.watch.subscribers == 1
    async with asyncio.timeout(DEADLINE_SECONDS):
        await served.unwatched.wait()
    assert served.watch.subscribers == 0
