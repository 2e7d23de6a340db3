"""GraphQL for producers and operators: wait, insert many, on conflict, change many."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from rowbell.api.arguments import LONGEST_WAIT

from deadline import DEADLINE_SECONDS
from graphql_server import Served, serving, until

EXECUTE = """mutation ($input: TaskInput!, $wait: Float! = 5) {
  executeTask(input: $input, waitSeconds: $wait) { id status result conflict } }"""
CREATE = "mutation ($input: TaskInput!) { createTask(input: $input) { id conflict status } }"
CREATE_ALL = """mutation ($inputs: [TaskInput!]!) {
  createTasks(inputs: $inputs) { id payload conflict } }"""
RESULT = "{ matched changed keyTaken hasMore sample }"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


def execute(
    served: Served, wait: float = LONGEST_WAIT, **given: Any
) -> asyncio.Task[dict[str, Any]]:
    return asyncio.create_task(served.data(EXECUTE, {"input": given, "wait": wait}))


# ------------------------------------------------------------------------------- waiting


async def test_a_task_that_ends_in_time_is_returned_with_its_result(served: Served) -> None:
    answer = execute(served)
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    number, attempt = await served.claim()
    await served.complete(number, attempt, '{"done": true}')
    assert await answer == {
        "executeTask": {
            "id": str(number), "status": "COMPLETED", "result": {"done": True}, "conflict": None
        }
    }  # fmt: skip
    await until(lambda: served.watch.subscribers == 0)


async def test_a_task_that_does_not_end_in_time_is_returned_as_it_stands(served: Served) -> None:
    answer = await execute(served, wait=0)
    assert answer["executeTask"]["status"] == "PENDING"
    answer = await execute(served, wait=0.05)
    assert answer["executeTask"]["status"] == "PENDING"
    assert served.watch.subscribers == 0


async def test_the_state_at_the_end_of_the_wait_is_the_one_that_was_seen_last(
    served: Served,
) -> None:
    answer = execute(served, wait=1.5)
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    await served.claim()
    assert (await answer)["executeTask"]["status"] == "PROCESSING"


@pytest.mark.parametrize("wait", [-1, 60.5, 1e300])
async def test_a_wait_beyond_reason_is_refused_and_inserts_nothing(
    served: Served, wait: float
) -> None:
    error = await served.error(EXECUTE, {"input": {}, "wait": wait})
    assert error["extensions"]["code"] == "INVALID_ARGUMENT"
    assert error["extensions"]["field"] == "waitSeconds"
    assert await served.connection.fetchval("select count(*) from rowbell.tasks") == 0


async def test_an_open_task_with_the_key_is_waited_for(served: Served) -> None:
    task = await served.insert(unique_key="k")
    answer = execute(served, uniqueKey="k", onConflict="KEEP")
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    await served.complete(*await served.claim())
    told = (await answer)["executeTask"]
    assert (told["id"], told["status"], told["conflict"]) == (str(task), "COMPLETED", "KEPT")


async def test_a_client_that_hangs_up_leaves_no_waiter_and_its_task(served: Served) -> None:
    request = {"query": EXECUTE, "variables": {"input": {}, "wait": 60}}
    async with httpx.AsyncClient(base_url=served.address) as client:
        with pytest.raises(httpx.ReadTimeout):
            asking = client.post("/graphql", json=request, timeout=httpx.Timeout(5, read=0.5))
            await asking
    await until(lambda: served.watch.subscribers == 0)
    assert await served.connection.fetchval("select status::text from rowbell.tasks") == "PENDING"


async def test_a_socket_that_closes_leaves_no_waiter(served: Served) -> None:
    async with served.socket() as client:
        await client.subscribe(EXECUTE, {"input": {}, "wait": 60})
        await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    await until(lambda: served.watch.subscribers == 0)


async def test_a_drain_answers_those_who_wait(served: Served) -> None:
    answer = execute(served, wait=60)
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    served.watch.closing.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await answer)["executeTask"]["status"] == "PENDING"


async def test_a_deleted_task_ends_the_wait_with_not_found(served: Served) -> None:
    answer = asyncio.create_task(served.error(EXECUTE, {"input": {}, "wait": LONGEST_WAIT}))
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    await served.connection.execute("delete from rowbell.tasks")
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await answer)["extensions"]["code"] == "NOT_FOUND"


async def test_a_lost_database_ends_no_wait_early_and_none_late(
    served: Served, database_url: str
) -> None:
    answer = execute(served)
    await asyncio.wait_for(served.watched.wait(), DEADLINE_SECONDS)
    number, attempt = await served.claim()
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.execute("select rowbell.complete($1, $2, '{null}')", [number], [attempt])
    await admin.close()
    async with asyncio.timeout(
        DEADLINE_SECONDS
    ):  # nobody tells of changes any more: it looks all the same
        assert (await answer)["executeTask"]["status"] == "COMPLETED"


# ----------------------------------------------------------------------------- many at once


async def test_many_are_created_in_the_order_of_their_inputs(served: Served) -> None:
    inputs = [{"payload": n, "batch": "b", "uniqueKey": f"k{9 - n}"} for n in range(9)]
    data = await served.data(CREATE_ALL, {"inputs": inputs})
    assert [task["payload"] for task in data["createTasks"]] == list(range(9))


async def test_all_are_refused_with_one(served: Served) -> None:
    error = await served.error(CREATE_ALL, {"inputs": [{}, {"priority": 1000}]})
    assert error["extensions"]["field"] == "priority"
    error = await served.error(CREATE_ALL, {"inputs": [{}, {"kind": "unheard_of"}]})
    assert error["extensions"]["field"] == "kind"
    error = await served.error(CREATE_ALL, {"inputs": []})
    assert error["extensions"]["field"] == "inputs"
    assert await served.connection.fetchval("select count(*) from rowbell.tasks") == 0


# ------------------------------------------------------------------- conflicts, new columns


async def test_what_happens_on_a_conflict_is_the_clients_choice(served: Served) -> None:
    first = (await served.data(CREATE, {"input": {"uniqueKey": "k"}}))["createTask"]
    error = await served.error(CREATE, {"input": {"uniqueKey": "k"}})
    assert error["extensions"]["code"] == "UNIQUE_KEY_CONFLICT"
    for policy, outcome in (
        ("KEEP", "KEPT"),
        ("REPLACE", "REPLACED"),
        ("RESCHEDULE", "RESCHEDULED"),
    ):
        given = {"uniqueKey": "k", "onConflict": policy}
        told = (await served.data(CREATE, {"input": given}))["createTask"]
        assert told == {**first, "conflict": outcome}
    error = await served.error(CREATE, {"input": {"onConflict": "KEEP"}})
    assert error["extensions"]["field"] == "onConflict"


async def test_the_columns_of_the_engine_are_taken_and_shown(served: Served) -> None:
    given = {
        "concurrencyKey": "customer 7",
        "after": ["1", "2"],
        "afterFailure": "WAIT",
        "afterBatch": "one",
        "batch": "two",
    }
    query = f"mutation ($input: TaskInput!) {{ createTask(input: $input) {{ {' '.join(given)} }} }}"
    assert await served.data(query, {"input": given}) == {"createTask": given}
    error = await served.error(CREATE, {"input": {"after": ["x"]}})
    assert error["extensions"]["field"] == "after"


# ------------------------------------------------------------------------- retry and cancel


async def test_tasks_are_cancelled_and_retried_by_a_filter(
    served: Served, events: list[dict[str, Any]]
) -> None:
    ids = [str(await served.insert(queue="mail")) for _ in range(3)]
    await served.insert()
    everything = '(filter: {queue: ["mail"], kind: ["echo"]}, dryRun: true)'
    cancel = f"mutation {{ cancelTasks{everything} {RESULT} }}"
    answer = {"matched": 3, "changed": 0, "keyTaken": 0, "hasMore": False, "sample": ids}
    assert await served.data(cancel) == {"cancelTasks": answer}
    cancel = f'mutation {{ cancelTasks(filter: {{queue: ["mail"]}}, limit: 2) {RESULT} }}'
    assert (await served.data(cancel))["cancelTasks"]["hasMore"] is True
    assert (await served.data(cancel))["cancelTasks"]["changed"] == 1
    retry = f"mutation {{ retryTasks(filter: {{ids: {ids[:2]}, status: [CANCELLED]}}) {RESULT} }}"
    told = (await served.data(retry.replace("'", '"')))["retryTasks"]
    assert (told["matched"], told["changed"], sorted(told["sample"])) == (2, 2, ids[:2])
    logged = [(each["event"], each["tasks"]) for each in events if "tasks" in each]
    assert logged == [("tasks.cancelled", 2), ("tasks.cancelled", 1), ("tasks.retried", 2)]


@pytest.mark.parametrize("mutation", ["retryTasks", "cancelTasks"])
async def test_a_filter_that_says_nothing_is_refused(served: Served, mutation: str) -> None:
    error = await served.error(f"mutation {{ {mutation}(filter: {{}}) {RESULT} }}")
    assert error["extensions"]["code"] == "INVALID_ARGUMENT"
    said = f"mutation {{ {mutation}(filter: {{everything: true}}, limit: 0) {RESULT} }}"
    assert (await served.error(said))["extensions"]["field"] == "limit"
    said = f"mutation {{ {mutation}(filter: {{everything: true}}) {RESULT} }}"
    assert (await served.data(said))[mutation]["matched"] == 0


async def test_a_task_belongs_to_the_trace_of_its_input_or_else_of_the_request(
    served: Served,
) -> None:
    create = "mutation ($input: TaskInput!) { createTask(input: $input) { id } }"
    header, given = (f"00-{digit * 32}-{digit * 16}-01" for digit in "ab")
    for inputs, sent, kept in (
        ({}, header, header),
        ({"traceparent": given}, header, given),
        ({}, "what is this", None),
    ):
        answer = await served.http.post(
            "/graphql",
            json={"query": create, "variables": {"input": {"description": "x", **inputs}}},
            headers={"traceparent": sent},
        )
        task = int(answer.json()["data"]["createTask"]["id"])
        row = await served.connection.fetchrow("select * from rowbell.tasks where id = $1", task)
        assert row["traceparent"] == kept
