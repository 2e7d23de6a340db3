"""The stream of changes as clients see it: from now on, from a cursor, from a list."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from rowbell.api import backlog, changes, feeds, reader

from deadline import DEADLINE_SECONDS
from graphql_server import Client, Served, serving
from integration.conftest import both_servers

pytestmark = both_servers

CHANGES = """
subscription ($filter: TaskFilter, $after: Cursor) {
  taskChanges(filter: $filter, after: $after) {
    cursor event { kind taskId status previousStatus attempt by detail task { id status } }
  }
}
"""
LIST = "{ tasks { nodes { id } streamCursor } }"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def start(client: Client, *, id: str = "1", **variables: Any) -> str:
    """Subscribe; returns the cursor of the first checkpoint, if no `after` was given."""
    await client.subscribe(CHANGES, variables, id=id)
    if "after" in variables:
        return ""
    item = (await client.data())["taskChanges"]
    assert item["event"] is None
    return str(item["cursor"])


async def told(client: Client) -> dict[str, Any]:
    """The next item that is no checkpoint."""
    while True:
        item: dict[str, Any] = (await client.data())["taskChanges"]
        if item["event"] is not None:
            return item


async def kinds(client: Client, count: int) -> list[tuple[str, str]]:
    events = [(await told(client))["event"] for _ in range(count)]
    return [(event["taskId"], event["kind"]) for event in events]


async def stream_cursor(served: Served) -> str:
    return str((await served.data(LIST))["tasks"]["streamCursor"])


async def test_every_change_is_told_with_who_did_it(served: Served) -> None:
    async with served.socket() as client:
        await start(client)
        task = str(await served.insert())
        assert (await told(client))["event"] == {
            "kind": "CREATED",
            "taskId": task,
            "status": "PENDING",
            "previousStatus": None,
            "attempt": 0,
            "by": "postgres",
            "detail": None,
            "task": {"id": task, "status": "PENDING"},
        }
        number, attempt = await served.claim()
        await served.complete(number, attempt)
        assert await kinds(client, 2) == [(task, "STARTED"), (task, "COMPLETED")]
        await served.connection.execute("delete from rowbell.tasks")
        gone = (await told(client))["event"]
        assert (gone["kind"], gone["status"], gone["task"]) == ("DELETED", None, None)


async def test_a_cursor_of_any_item_resumes_after_it(served: Served) -> None:
    async with served.socket() as client:
        await start(client)
        ids = [str(await served.insert()) for _ in range(6)]
        items = [await told(client) for _ in ids]
    for number, item in enumerate(items[:-1]):
        async with served.socket() as client:
            await start(client, after=item["cursor"])
            rest = await kinds(client, len(ids) - number - 1)
            assert [task for task, _ in rest] == ids[number + 1 :]
            live = str(await served.insert())
            ids.append(live)
            assert await kinds(client, 1) == [(live, "CREATED")]


async def test_a_list_and_its_stream_have_no_gap_and_no_overlap(served: Served) -> None:
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            await served.insert()

    writing = asyncio.create_task(write())
    try:
        page = (await served.data("{ tasks(first: 100) { nodes { id } streamCursor } }"))["tasks"]
        while len(page["nodes"]) < 30:
            page = (await served.data(LIST.replace("tasks ", "tasks(first: 100) ")))["tasks"]
        listed = {node["id"] for node in page["nodes"]}
        async with served.socket() as client:
            await start(client, after=page["streamCursor"])
            followed = [task for task, _ in await kinds(client, 50)]
    finally:
        stop.set()
        await writing
    assert not listed & set(followed)
    newest = max(int(task) for task in listed)
    if len(listed) < 100:
        assert [int(task) for task in followed] == list(range(newest + 1, newest + 51))


async def test_a_long_past_is_told_page_by_page(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 7)
    monkeypatch.setattr(reader, "PAGE", 7)
    cursor = await stream_cursor(served)
    await served.connection.execute(
        "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 50)"
    )
    async with served.socket() as client:
        await start(client, after=cursor)
        past = [int(task) for task, _ in await kinds(client, 50)]
        await served.connection.execute(
            "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 50)"
        )
        present = [int(task) for task, _ in await kinds(client, 50)]
    assert past + present == sorted(set(past + present))


async def test_a_filter_leaves_the_others_out(served: Served) -> None:
    async with served.socket() as client:
        await start(client, filter={"queue": ["mail"], "status": ["PENDING"]})
        await served.insert()
        mail = str(await served.insert(queue="mail"))
        assert await kinds(client, 1) == [(mail, "CREATED")]


async def test_what_commits_late_is_told_after_what_committed_before(served: Served) -> None:
    async with served.socket() as client:
        cursor = await start(client)
        late = served.connection.transaction()
        await late.start()
        lower = str(await served.insert())
        created = await served.data('mutation { createTask(input: {description: "x"}) { id } }')
        higher = created["createTask"]["id"]
        assert await kinds(client, 1) == [(higher, "CREATED")]
        await late.commit()
        assert await kinds(client, 1) == [(lower, "CREATED")]
    async with served.socket() as client:
        await start(client, after=cursor)
        assert sorted(await kinds(client, 2)) == sorted([(lower, "CREATED"), (higher, "CREATED")])


async def test_silence_is_broken_by_checkpoints(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "CHECKPOINT_SECONDS", 0.05)
    async with served.socket() as client:
        await start(client)
        item = (await client.data())["taskChanges"]
        assert item["event"] is None
    async with served.socket() as client:
        await start(client, after=item["cursor"])
        task = str(await served.insert())
        assert await kinds(client, 1) == [(task, "CREATED")]


async def test_a_slow_subscriber_ends_with_the_cursor_to_resume_from(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "ROOM", 5)
    async with served.socket() as client:
        await start(client)
        first = str(await served.insert())
        assert await kinds(client, 1) == [(first, "CREATED")]
        await served.connection.execute(
            "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 50)"
        )
        message = await client.receive()
        while message["type"] == "next":
            message = await client.receive()
        extensions = message["payload"][0]["extensions"]
        assert extensions["code"] == "CLIENT_TOO_SLOW"
        await start(client, after=extensions["cursor"], id="2")
        rest = [int(task) for task, _ in await kinds(client, 50)]
        assert rest == list(range(int(first) + 1, int(first) + 51))


@pytest.mark.parametrize("cursor", ["", "AAAA", "no cursor", "\u20ac" * 9, "A" * 70_000])
async def test_an_invented_cursor_is_refused(served: Served, cursor: str) -> None:
    async with served.socket() as client:
        await start(client, after=cursor)
        message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "BAD_CURSOR"


async def test_a_cursor_of_a_list_is_refused(served: Served) -> None:
    await served.insert()
    page = await served.data("{ tasks { pageInfo { endCursor } } }")
    async with served.socket() as client:
        await start(client, after=page["tasks"]["pageInfo"]["endCursor"])
        message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "BAD_CURSOR"


async def test_a_cursor_from_before_the_retention_has_expired(served: Served) -> None:
    cursor = await stream_cursor(served)
    await served.insert()
    await served.connection.execute(
        "select rowbell.drop_journal('7 days', now() + interval '8 days')"
    )
    async with served.socket() as client:
        await start(client, after=cursor)
        message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
        assert "Read the list" in message["payload"][0]["extensions"]["hint"]


async def test_a_cursor_of_another_history_has_expired(served: Served) -> None:
    cursor = await stream_cursor(served)
    await served.connection.execute(
        "create or replace function rowbell.journal_place() returns text language sql"
        " as $$ select 'restored' $$"
    )
    async with served.socket() as client:
        await start(client, after=cursor)
        message = await client.receive()
        assert message["payload"][0]["extensions"]["code"] == "CURSOR_EXPIRED"


async def test_the_stream_goes_on_after_the_connections_were_lost(served: Served) -> None:
    async with served.socket() as client:
        await start(client)
        for _ in range(3):
            await served.connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'rowbell tests'"
            )
            task = str(await served.insert())
            assert await kinds(client, 1) == [(task, "CREATED")]


async def test_a_subscriber_that_leaves_is_forgotten(served: Served) -> None:
    async with served.socket() as client:
        await start(client)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await served.unwatched.wait()
    assert served.watch.subscribers == 0


# ----------------------------------------------------------------------------- stats

STATS = "pending processing created completed throughput runSeconds { p50 p99 } waitSeconds { p50 }"


async def test_stats_are_what_was_counted(served: Served) -> None:
    for _ in range(3):
        await served.insert()
    task, attempt = await served.claim()
    await served.complete(task, attempt)
    await served.connection.execute("select rowbell.fold_journal()")
    stats = (await served.data(f"{{ stats {{ {STATS} }} }}"))["stats"]
    assert (stats["pending"], stats["processing"], stats["created"]) == (2, 0, 3)
    assert stats["throughput"] == pytest.approx(1 / timedelta(hours=1).total_seconds())
    assert 0 <= stats["runSeconds"]["p50"] <= stats["runSeconds"]["p99"] < DEADLINE_SECONDS
    other = (await served.data(f'{{ stats(queue: "mail") {{ {STATS} }} }}'))["stats"]
    assert (other["created"], other["runSeconds"]) == (0, None)


async def test_stats_are_told_when_they_change(served: Served) -> None:
    async with served.socket() as client:
        await client.subscribe('subscription { stats(every: "PT1S") { created } }')
        assert (await client.data())["stats"]["created"] == 0
        await served.insert()
        await served.connection.execute("select rowbell.fold_journal()")
        assert (await client.data())["stats"]["created"] == 1


@pytest.mark.parametrize("argument", ['window: "PT1S"', 'window: "P800D"'])
async def test_a_window_out_of_reach_is_refused(served: Served, argument: str) -> None:
    error = await served.error(f"{{ stats({argument}) {{ created }} }}")
    assert error["extensions"]["code"] == "INVALID_ARGUMENT"
    assert error["extensions"]["field"] == "window"


async def test_changes_are_chosen_by_what_the_journal_knows(served: Served) -> None:
    async with served.socket() as client:
        await start(client, filter={"createdBy": ["ann"]})
        await served.insert()
        task = str(await served.insert(created_by="ann"))
        assert await kinds(client, 1) == [(task, "CREATED")]
    async with served.socket() as client:
        await client.subscribe(CHANGES, {"filter": {"text": "x"}}, id="1")
        refused = await client.receive()
        assert refused["payload"][0]["extensions"]["field"] == "text"
