"""GraphQL over WebSocket: subscriptions as real clients see them."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from rowbell.api import backlog
from rowbell.api.limits import Limits
from rowbell.viewer import ANYBODY

from deadline import DEADLINE_SECONDS
from deaf import FLOOD, deaf_socket
from graphql_server import Client, Served, serving, until

TASK = "subscription ($id: ID!) { task(id: $id) { status progress result } }"
TASK_ADDED = "subscription { taskAdded { id description audience } }"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    limits = Limits(init_seconds=0.5, send_seconds=0.5, operations=3)
    async with serving(database_url, limits=limits) as served:
        yield served


async def added(client: Client, served: Served) -> None:
    """Subscribe to taskAdded, and return once it is in force."""
    await client.subscribe(TASK_ADDED, id="added")
    while True:
        await served.insert(description="marker")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.websocket.recv()
                return


async def added_besides_markers(client: Client) -> dict[str, Any]:
    while True:
        task: dict[str, Any] = (await client.data())["taskAdded"]
        if task["description"] != "marker":
            return task


# ------------------------------------------------------------------ subscription task


async def test_a_task_is_told_as_it_stands_then_as_it_changes_then_the_end(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        assert await client.data() == {
            "task": {"status": "PENDING", "progress": None, "result": None}
        }
        _, attempt = await served.claim()
        assert (await client.data())["task"]["status"] == "PROCESSING"
        await served.connection.execute(
            "select rowbell.report_progress($1, $2, $3)", [task], [attempt], [0.3]
        )
        assert (await client.data())["task"]["progress"] == 0.3
        await served.complete(task, attempt, '{"rows": 7}')
        assert await client.data() == {
            "task": {"status": "COMPLETED", "progress": 0.3, "result": {"rows": 7}}
        }
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_a_final_task_is_told_once_and_the_subscription_ends(served: Served) -> None:
    task = await served.insert()
    await served.connection.execute("select rowbell.cancel($1)", task)
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        assert (await client.data())["task"]["status"] == "CANCELLED"
        assert (await client.receive())["type"] == "complete"


@pytest.mark.parametrize("unknown", ["999999", "abc", "", "9" * 40, "-1", "\u0663"])
async def test_a_task_that_is_not_there_ends_with_not_found(served: Served, unknown: str) -> None:
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": unknown})
        message = await client.receive()
        assert message["type"] == "error"
        assert [error["extensions"]["code"] for error in message["payload"]] == ["NOT_FOUND"]


async def test_a_task_that_is_deleted_ends_with_not_found(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        await client.data()
        await served.connection.execute("delete from rowbell.tasks")
        message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_missed_notification_is_made_good_by_the_next_look(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        await client.data()
        await served.connection.execute(
            "create or replace function rowbell.tell_watchers() returns void language sql as ''"
        )
        await served.connection.execute("select rowbell.cancel($1)", task)
        assert (await client.data())["task"]["status"] == "CANCELLED"


async def test_a_subscription_goes_on_after_the_connections_were_lost(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        await client.data()
        await served.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'rowbell tests'"
        )
        await served.connection.execute("select rowbell.cancel($1)", task)
        assert (await client.data())["task"]["status"] == "CANCELLED"


async def test_a_look_that_fails_for_our_own_fault_is_logged_and_done_again(
    served: Served, events: list[Any]
) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        await client.data()
        await served.connection.execute(
            "alter table rowbell.tasks rename column created_at to made_at"
        )
        await served.connection.execute("update rowbell.tasks set status = 'CANCELLED'")
        await until(lambda: any(event["event"] == "api.failed" for event in events))
        await served.connection.execute(
            "alter table rowbell.tasks rename column made_at to created_at"
        )
        assert (await client.data())["task"]["status"] == "CANCELLED"


# ------------------------------------------------------------- subscription taskAdded


async def test_tasks_are_told_as_they_are_inserted_by_sql_and_by_the_api(served: Served) -> None:
    async with served.socket() as client:
        await added(client, served)
        task = await served.insert(description="by SQL", audience=["ops"])
        assert await added_besides_markers(client) == {
            "id": str(task),
            "description": "by SQL",
            "audience": ["ops"],
        }
        created = await served.data(
            'mutation { createTask(input: { description: "by the API" }) { id } }'
        )
        assert (await added_besides_markers(client))["id"] == created["createTask"]["id"]


async def test_each_of_many_inserted_tasks_is_told_once(served: Served) -> None:
    async with served.socket() as client:
        await added(client, served)
        await served.connection.execute(
            "insert into rowbell.tasks (kind, description)"
            " select 'echo', 'many' from generate_series(1, 900)"
        )
        ids = [int((await added_besides_markers(client))["id"]) for _ in range(900)]
        assert len(set(ids)) == 900
        assert ids == sorted(ids)


async def test_a_task_with_a_lower_id_that_commits_later_is_told(served: Served) -> None:
    async with served.socket() as client:
        await added(client, served)
        late = served.connection.transaction()
        await late.start()
        lower = await served.insert(description="late")
        higher = (await served.data('mutation { createTask(input: {description: "x"}) { id } }'))[
            "createTask"
        ]["id"]
        assert (await added_besides_markers(client))["id"] == higher
        await late.commit()
        assert (await added_besides_markers(client))["id"] == str(lower)


async def test_a_change_of_a_task_is_no_new_task(served: Served) -> None:
    task = await served.insert(description="old")
    async with served.socket() as client:
        await added(client, served)
        await served.connection.execute("select rowbell.cancel($1)", task)
        fresh = await served.insert(description="fresh")
        assert (await added_besides_markers(client))["id"] == str(fresh)


async def test_a_subscriber_that_falls_far_behind_is_told_so(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "ROOM", 5)
    async with served.socket() as client:
        await added(client, served)
        await served.connection.execute(
            "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 50)"
        )
        message = await client.receive()
        while message["type"] == "next":
            message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "CLIENT_TOO_SLOW"
        assert "subscribe again" in message["payload"][0]["extensions"]["hint"]


async def test_a_slow_subscriber_gets_the_newest_state_and_the_end(served: Served) -> None:
    task = await served.insert()
    states = served.watch.task(task, ANYBODY)
    assert (await anext(states)).status == "PENDING"
    _, attempt = await served.claim()
    await served.connection.execute(
        "select rowbell.report_progress($1, $2, $3)", [task], [attempt], [0.5]
    )
    await served.complete(task, attempt)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (last := await anext(states)).status.is_final:
            pass
    assert last.status == "COMPLETED"
    with pytest.raises(StopAsyncIteration):
        await anext(states)
    assert served.watch.subscribers == 0


# ------------------------------------------------------------ queries, mutations, errors


async def test_queries_and_mutations_are_served_as_well(served: Served) -> None:
    async with served.socket() as client:
        await client.subscribe('mutation { createTask(input: {description: "x"}) { status } }')
        assert await client.data() == {"createTask": {"status": "PENDING"}}
        assert await client.receive() == {"id": "1", "type": "complete"}
        await client.subscribe('{ queue(name: "default") { paused } }')
        assert await client.data() == {"queue": {"paused": False}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($id: ID!) { task(id: $id) { id } }", "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ],
)
async def test_a_refused_operation_is_an_error_and_the_socket_goes_on(
    served: Served, query: str, code: str
) -> None:
    async with served.socket() as client:
        await client.subscribe(query)
        message = await client.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == code
        await client.subscribe("{ __typename }")
        assert await client.data() == {"__typename": "Query"}


# ------------------------------------------------------------------------ the protocol


async def test_a_ping_is_answered_with_its_payload_even_before_the_init(served: Served) -> None:
    async with served.socket(initialised=False) as client:
        await client.send({"type": "ping", "payload": {"at": 1}})
        assert await client.receive() == {"type": "pong", "payload": {"at": 1}}
        await client.send({"type": "pong"})
        await client.initialise()
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}


async def test_silence_instead_of_an_init_is_4408(served: Served) -> None:
    async with served.socket(initialised=False) as client:
        assert (await client.closed())[0] == 4408


async def test_a_second_init_is_4429(served: Served) -> None:
    async with served.socket() as client:
        await client.send({"type": "connection_init"})
        assert (await client.closed())[0] == 4429


async def test_a_subscribe_before_the_init_is_4401(served: Served) -> None:
    async with served.socket(initialised=False) as client:
        await client.subscribe(TASK_ADDED)
        assert (await client.closed())[0] == 4401


async def test_an_id_that_is_in_use_is_4409(served: Served) -> None:
    async with served.socket() as client:
        await client.subscribe(TASK_ADDED, id="twice")
        await client.subscribe(TASK_ADDED, id="twice")
        assert await client.closed() == (4409, "Subscriber for twice already exists")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "17",
        "null",
        '{"type": 1}',
        '{"type": "next", "id": "1"}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": [{"query": "{ __typename }"}]}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": {"x": NaN}}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "\\ud800"}}',
        '{"type": "complete"}',
        '{"type": "ping", "payload": 1}',
        '{"type": "ping", "payload": {"x": ' + "[" * 400 + "]" * 400 + "}}",
        "[" * 100_000,
        "\u20ac" * 200,
        b"{}",
    ],
)
async def test_a_malformed_message_is_4400_with_a_reason(served: Served, text: str | bytes) -> None:
    async with served.socket() as client:
        await client.websocket.send(text)
        code, reason = await client.closed()
        assert code == 4400
        assert reason


async def test_another_subprotocol_is_4406(served: Served) -> None:
    async with served.socket(initialised=False, subprotocols=None) as client:
        assert (await client.closed())[0] == 4406


async def test_a_page_of_another_site_may_not_connect(served: Served) -> None:
    for origin in ("https://evil.example", "null", "http://[", "file://"):
        with pytest.raises(InvalidStatus) as refused:
            async with served.socket(origin=origin):
                pass
        assert refused.value.response.status_code == 403
        assert b"another site" in (refused.value.response.body or b"")
    async with served.socket(origin=served.address) as client:
        await client.subscribe("{ __typename }")
        await client.data()


async def test_too_many_operations_at_once_are_refused_one_by_one(served: Served) -> None:
    async with served.socket() as client:
        for number in range(4):
            await client.subscribe(TASK_ADDED, id=str(number))
        message = await client.receive()
        assert (message["type"], message["id"]) == ("error", "3")
        assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        await client.send({"type": "complete", "id": "0"})
        await client.subscribe("{ __typename }", id="3")
        await client.data()


async def test_complete_ends_a_subscription_and_frees_its_id(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)})
        await client.data()
        await client.send({"type": "complete", "id": "1"})
        await client.subscribe("{ __typename }")
        assert await client.data() == {"__typename": "Query"}
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.unwatched.wait()
    assert served.watch.subscribers == 0


async def test_complete_of_an_unknown_id_is_ignored(served: Served) -> None:
    async with served.socket() as client:
        await client.send({"type": "complete", "id": "unknown"})
        await client.subscribe("{ __typename }")
        await client.data()


# ---------------------------------------------------------------- clients that vanish


async def test_a_client_that_leaves_ends_its_subscriptions(served: Served) -> None:
    task = await served.insert()
    async with served.socket() as client:
        await client.subscribe(TASK, {"id": str(task)}, id="1")
        await client.data()
        await client.subscribe(TASK_ADDED, id="2")
    async with asyncio.timeout(DEADLINE_SECONDS):
        await served.unwatched.wait()
    assert served.watch.subscribers == 0


async def test_a_client_that_is_cut_off_in_the_middle_of_a_send_leaves_nothing(
    database_url: str,
) -> None:
    # Sends may take a minute here, so only the end of the connection can end the subscription.
    async with serving(database_url, limits=Limits(send_seconds=60)) as served:
        before = len(asyncio.all_tasks())
        raw = await deaf_socket(served.address)
        await served.watched.wait()
        await flood_until_heard(served)
        # RST instead of FIN: as when a phone loses its network.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.unwatched.wait()
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert served.watch.subscribers == 0


async def test_a_client_that_reads_nothing_is_cut_off(served: Served) -> None:
    with await deaf_socket(served.address):
        await served.watched.wait()
        await flood(served)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.unwatched.wait()
    assert served.watch.subscribers == 0


async def test_a_client_that_reads_nothing_holds_up_nobody(served: Served) -> None:
    with await deaf_socket(served.address):
        await flood_until_heard(served)


async def flood_until_heard(served: Served) -> None:
    """Flood, until another client has got all of it."""
    async with served.socket() as client:
        await added(client, served)
        await flood(served)
        last = await served.insert(description="last")
        while (await added_besides_markers(client))["id"] != str(last):
            pass


async def flood(served: Served) -> None:
    """One batch after the other."""
    for _ in range(20):
        await served.connection.execute(FLOOD.format(queue="default", rows=10))
