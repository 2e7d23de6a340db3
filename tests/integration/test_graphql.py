"""GraphQL over HTTP: the contract to the letter, refusals, values, and the pages for browsers."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson
import pytest
from graphql import get_introspection_query

from rowbell.api.negotiation import GRAPHQL, JSON

from graphql_server import Served, serving
from integration.conftest import both_servers

CREATE = "mutation CreateTask($input: TaskInput!) { createTask(input: $input) { id status } }"
STATUS = "query GetTaskStatus($id: ID!) { task(id: $id) { id status } }"
EVERYTHING = """
  id kind description queue { name paused } status priority payload result
  error { code message retryable at } progress audience uniqueKey attempt failures crashes
  maxAttempts createdBy createdAt runAt startedAt finishedAt
"""


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def create(served: Served, **given: Any) -> dict[str, Any]:
    data = await served.data(
        f"mutation ($input: TaskInput!) {{ createTask(input: $input) {{ {EVERYTHING} }} }}",
        {"input": given},
    )
    task: dict[str, Any] = data["createTask"]
    return task


def code(error: dict[str, Any]) -> str:
    told: str = error["extensions"]["code"]
    return told


# ------------------------------------------------------------------------ the contract


@both_servers
async def test_a_task_is_created_and_asked_for_as_the_contract_says(served: Served) -> None:
    created = (await served.data(CREATE, {"input": {"description": "x"}}))["createTask"]
    assert created["status"] == "PENDING"
    assert await served.data(STATUS, {"id": created["id"]}) == {"task": created}
    row = await served.connection.fetchrow("select kind, description from rowbell.tasks")
    assert tuple(row) == ("echo", "x")


@both_servers
async def test_every_input_of_a_task_is_kept(served: Served) -> None:
    await served.register_worker("send_email")
    given = {
        "description": "welcome",
        "kind": "send_email",
        "queue": "mail",
        "payload": {"to": ["a@b.example"], "n": 1.5, "nothing": None},
        "priority": 7,
        "audience": ["ops", "ann"],
        "maxAttempts": 3,
        "uniqueKey": "welcome/1",
    }
    task = await create(
        served, **given, timeout="PT1M30S", schedule={"at": "2100-01-01T00:00:00+01:00"}
    )
    assert {name: task[name] for name in given} == {
        **given,
        "queue": {"name": "mail", "paused": False},
    }
    assert task["runAt"] == "2099-12-31T23:00:00.000Z"
    timeout = await served.connection.fetchval("select timeout from rowbell.tasks")
    assert timeout == timedelta(seconds=90)


@both_servers
async def test_a_task_may_be_scheduled_after_a_time(served: Served) -> None:
    task = await create(served, schedule={"in": "PT1H"})
    wait = datetime.fromisoformat(task["runAt"]) - datetime.fromisoformat(task["createdAt"])
    assert wait == timedelta(hours=1)


@both_servers
async def test_a_failure_is_told_in_words(served: Served) -> None:
    task = await create(served)
    number, attempt = await served.claim()
    error = orjson.dumps({"type": "HTTP_TIMEOUT", "message": "late", "retryable": False}).decode()
    await served.connection.execute(
        "select * from rowbell.fail($1, $2, $3, $4)", [number], [attempt], [error], [None]
    )
    told = (await served.data(f"{{ task(id: {task['id']}) {{ {EVERYTHING} }} }}"))["task"]
    assert (told["status"], told["failures"], told["attempt"]) == ("FAILED", 1, 1)
    at = told["error"].pop("at")
    assert told["error"] == {"code": "HTTP_TIMEOUT", "message": "late", "retryable": False}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(at)) < timedelta(minutes=1)


@pytest.mark.parametrize("error", ['"broken"', "{}", "[1]", '{"at": "never", "type": 3}'])
async def test_an_odd_error_written_by_sql_does_not_break_an_answer(
    served: Served, error: str
) -> None:
    task = await served.insert(error=error)
    assert (await served.data(f"{{ task(id: {task}) {{ error {{ code message at }} }} }}"))["task"]


@both_servers
async def test_cancel_and_retry_return_the_task_itself(served: Served) -> None:
    task = str(await served.insert())
    cancel = "mutation ($id: ID!) { cancelTask(id: $id) { id status finishedAt } }"
    cancelled = (await served.data(cancel, {"id": task}))["cancelTask"]
    assert (cancelled["id"], cancelled["status"]) == (task, "CANCELLED")
    assert cancelled["finishedAt"]
    retry = "mutation ($id: ID!) { retryTask(id: $id) { id status } }"
    assert await served.data(retry, {"id": task}) == {
        "retryTask": {"id": task, "status": "PENDING"}
    }


@both_servers
async def test_a_queue_is_paused_and_resumed(served: Served) -> None:
    task = await served.insert()
    paused = await served.data('mutation { pauseQueue(name: "default") { name paused } }')
    assert paused == {"pauseQueue": {"name": "default", "paused": True}}
    data = await served.data(f"{{ task(id: {task}) {{ queue {{ paused }} }} }}")
    assert data == {"task": {"queue": {"paused": True}}}
    await served.data('mutation { resumeQueue(name: "default") { name } }')
    assert await served.data('{ queue(name: "default") { paused } }') == {
        "queue": {"paused": False}
    }
    assert await served.data('{ queue(name: "No Name") { paused } }') == {"queue": None}


# ------------------------------------------------------------------------------- lists


@both_servers
async def test_pages_are_newest_first_and_follow_one_another(served: Served) -> None:
    ids = [str(await served.insert()) for _ in range(5)]
    query = """
      query ($after: Cursor) { tasks(first: 2, after: $after) {
        nodes { id } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
    """
    seen, after, pages = [], None, []
    while not pages or pages[-1]["pageInfo"]["hasNextPage"]:
        page = (await served.data(query, {"after": after}))["tasks"]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        pages.append(page)
    assert seen == ids[::-1]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False, True, True]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 3),
        (None, 3),
        ({"status": ["CANCELLED"]}, 1),
        ({"status": ["PENDING", "CANCELLED"]}, 3),
        ({"kind": ["send_email"]}, 1),
        ({"queue": ["mail"], "kind": ["echo"]}, 1),
        ({"queue": []}, 0),
        ({"ids": ["abc", "9" * 40]}, 0),
        ({"kind": None}, 3),
        ({"createdBy": ["ann"]}, 1),
        ({"createdBy": ["ann"], "kind": ["echo"]}, 0),
        ({"text": "TO zo"}, 1),
        ({"text": "  "}, 3),
        ({"text": "nobody says this"}, 0),
        ({"createdAfter": "2020-01-01T00:00:00Z"}, 3),
        ({"createdBefore": "2020-01-01T00:00:00Z"}, 0),
        ({"finishedAfter": "2020-01-01T00:00:00Z"}, 1),
        ({"finishedBefore": "2020-01-01T00:00:00Z", "errorType": ["Late"]}, 0),
        ({"errorType": ["Late"]}, 1),
    ],
)
@both_servers
async def test_a_list_holds_what_its_filter_says(
    served: Served, wanted: dict[str, Any] | None, count: int
) -> None:
    await served.insert()
    await served.insert(kind="send_email", created_by="ann", description="to zoë")
    now = datetime.now(UTC)
    await served.insert(queue="mail", status="CANCELLED", finished_at=now, error='{"type": "Late"}')
    query = "query ($filter: TaskFilter) { tasks(filter: $filter) { nodes { id } } }"
    data = await served.data(query, {"filter": wanted})
    assert len(data["tasks"]["nodes"]) == count


@both_servers
async def test_a_list_is_filtered_by_ids(served: Served) -> None:
    ids = [str(await served.insert()) for _ in range(3)]
    data = await served.data(
        f'{{ tasks(filter: {{ ids: ["{ids[1]}", "x"] }}) {{ nodes {{ id }} }} }}'
    )
    assert data["tasks"]["nodes"] == [{"id": ids[1]}]


@both_servers
async def test_a_list_tells_how_many_there_are_if_it_is_asked(served: Served) -> None:
    for _ in range(3):
        await served.insert()
    data = await served.data(
        "{ tasks(first: 1) { nodes { id } totalCount totalCountExact searchedAll } }"
    )
    assert (data["tasks"]["totalCount"], data["tasks"]["totalCountExact"]) == (3, True)
    assert data["tasks"]["searchedAll"] is True


@both_servers
async def test_the_last_finished_comes_first_where_finishing_is_asked_for(served: Served) -> None:
    now = datetime.now(UTC)
    ids = [
        str(await served.insert(status="FAILED", finished_at=now - timedelta(minutes=minutes)))
        for minutes in (5, 9, 1)
    ]
    query = """
      query ($after: Cursor) { tasks(
        filter: {finishedAfter: "2020-01-01T00:00:00Z"}, first: 1, after: $after
      ) { nodes { id } pageInfo { endCursor } } }
    """
    seen, after = [], None
    for _ in range(3):
        page = (await served.data(query, {"after": after}))["tasks"]
        seen.append(page["nodes"][0]["id"])
        after = page["pageInfo"]["endCursor"]
    assert seen == [ids[2], ids[0], ids[1]]
    other = await served.ask(
        "query ($after: Cursor) { tasks(after: $after) { nodes { id } } }", {"after": after}
    )
    assert other["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


# ---------------------------------------------------------------------------- refusals


INPUTS = [
    ('kind: "nope"', "INVALID_ARGUMENT", "kind"),
    ('queue: "a b"', "INVALID_ARGUMENT", "queue"),
    ("priority: 101", "INVALID_ARGUMENT", "priority"),
    ("maxAttempts: 0", "INVALID_ARGUMENT", "maxAttempts"),
    ('uniqueKey: ""', "INVALID_ARGUMENT", "uniqueKey"),
    ('timeout: "P8D"', "INVALID_ARGUMENT", "timeout"),
    ('description: "a\\u0000"', "INVALID_ARGUMENT", "description"),
    ('audience: ["\\u0000"]', "INVALID_ARGUMENT", "audience"),
    ('schedule: {at: "1999-01-01T00:00:00Z"}', "INVALID_ARGUMENT", "schedule"),
    ('schedule: {in: "P10400W"}', "INVALID_ARGUMENT", "schedule"),
    ("schedule: {}", "GRAPHQL_VALIDATION_FAILED", None),
    ("payload: 1e999", "BAD_USER_INPUT", None),
    ("payload: 99999999999999999999", "BAD_USER_INPUT", None),
    ('payload: {a: ["\\u0000"]}', "BAD_USER_INPUT", None),
    ('schedule: {at: "tomorrow"}', "BAD_USER_INPUT", None),
]


@pytest.mark.parametrize(
    ("query", "expected", "field"),
    [
        ('mutation { cancelTask(id: "1") { id } }', "NOT_FOUND", None),
        ('mutation { cancelTask(id: "abc") { id } }', "NOT_FOUND", None),
        ('mutation { retryTask(id: "99999999999999999999") { id } }', "NOT_FOUND", None),
        ('{ tasks(after: "nonsense") { nodes { id } } }', "BAD_CURSOR", "after"),
        (
            f'{{ tasks(filter: {{text: "{"x" * 201}"}}) {{ nodes {{ id }} }} }}',
            "INVALID_ARGUMENT",
            "text",
        ),
        ("{ tasks(first: 0) { nodes { id } } }", "INVALID_ARGUMENT", "first"),
        ("{ tasks(first: 101) { nodes { id } } }", "INVALID_ARGUMENT", "first"),
        ('{ tasks(filter: {kind: ["\\u0000"]}) { nodes { id } } }', "INVALID_ARGUMENT", "kind"),
        ('mutation { pauseQueue(name: "No Name") { name } }', "INVALID_ARGUMENT", "name"),
        ("{", "GRAPHQL_PARSE_FAILED", None),
        ("", "GRAPHQL_PARSE_FAILED", None),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", None),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT", None),
        *(
            (f"mutation {{ createTask(input: {{ {given} }}) {{ id }} }}", expected, field)
            for given, expected, field in INPUTS
        ),
    ],
)
async def test_a_refusal_has_its_code_and_names_the_field(
    served: Served, query: str, expected: str, field: str | None
) -> None:
    error = await served.error(query)
    assert code(error) == expected
    assert error["extensions"].get("field") == field
    assert len(error["message"]) > 10


async def test_an_unknown_kind_is_refused_with_the_known_ones_and_the_remedy(
    served: Served,
) -> None:
    await served.register_worker("send_email")
    error = await served.error('mutation { createTask(input: {kind: "sendmail"}) { id } }')
    assert "echo, send_email" in error["message"]
    assert "--handlers" in error["extensions"]["hint"]


@both_servers
async def test_a_kind_is_known_from_its_first_worker_on(served: Served) -> None:
    query = 'mutation { createTask(input: {kind: "render"}) { kind } }'
    assert code(await served.error(query)) == "INVALID_ARGUMENT"
    await served.register_worker("render")
    assert await served.data(query) == {"createTask": {"kind": "render"}}


@pytest.mark.parametrize(
    ("mutation", "status"), [("cancelTask", "COMPLETED"), ("retryTask", "PENDING")]
)
async def test_what_the_state_does_not_allow_is_refused(
    served: Served, mutation: str, status: str
) -> None:
    task = await served.insert(status=status)
    error = await served.error(f"mutation {{ {mutation}(id: {task}) {{ id }} }}")
    assert code(error) == "INVALID_STATE"
    assert error["extensions"]["hint"].startswith("Only")


@both_servers
async def test_a_second_open_task_with_a_unique_key_is_refused(served: Served) -> None:
    await create(served, uniqueKey="once")
    error = await served.error(CREATE, {"input": {"uniqueKey": "once"}})
    assert code(error) == "UNIQUE_KEY_CONFLICT"


@pytest.mark.parametrize("unknown", ["abc", "", "-1", "1.5", "9" * 19, "9" * 5000, "\0", "\u0663"])
async def test_no_id_is_more_than_not_there(served: Served, unknown: str) -> None:
    assert await served.data(STATUS, {"id": unknown}) == {"task": None}


@pytest.mark.parametrize(
    "given",
    [
        {"payload": "a\0"},
        {"payload": {"\0": 1}},
        {"payload": "[" * 10, "priority": 1.5},
        {"payload": orjson.Fragment(b"[" * 205 + b"]" * 205)},
        {"schedule": {"at": "2026-13-01T00:00:00Z"}},
        {"schedule": {"at": "99999-01-01T00:00:00Z"}},
        {"schedule": {"at": "0001-01-01T00:00:00+14:00"}},
        {"schedule": {"at": 17}},
        {"schedule": {"in": "P1Y"}},
        {"schedule": {"in": "PT1H", "at": "2100-01-01T00:00:00Z"}},
        {"schedule": {"in": None}},
        {"timeout": "P99999999W"},
        {"audience": [None]},
        {"unknown": 1},
        {"kind": None},
    ],
)
async def test_values_that_no_task_can_have_are_refused(
    served: Served, given: dict[str, Any]
) -> None:
    body = orjson.dumps({"query": CREATE, "variables": {"input": given}})
    response = await post(served, body)
    assert response.status_code == 400
    assert code(response.json()["errors"][0]) == "BAD_USER_INPUT"


async def test_a_payload_of_more_than_64_kib_is_refused(served: Served) -> None:
    error = await served.error(CREATE, {"input": {"payload": "x" * 70_000}})
    assert code(error) == "INVALID_ARGUMENT"
    assert error["extensions"]["field"] == "payload"


async def test_a_payload_too_deep_for_the_api_costs_its_field_only(served: Served) -> None:
    task = await served.insert(payload="[" * 500 + "]" * 500)
    answer = await served.ask(f"{{ task(id: {task}) {{ status payload }} }}")
    assert answer["data"] == {"task": {"status": "PENDING", "payload": None}}
    assert code(answer["errors"][0]) == "VALUE_TOO_DEEP"


# --------------------------------------------------------------------- faults of our own


async def test_a_fault_of_ours_is_masked_and_logged_under_its_id(
    served: Served, events: list[Any]
) -> None:
    await served.connection.execute("alter table rowbell.tasks rename column crashes to falls")
    error = await served.error("{ task(id: 1) { id } }")
    assert code(error) == "INTERNAL_SERVER_ERROR"
    assert "crashes" not in str(error)
    logged = next(event for event in events if event["event"] == "api.failed")
    assert logged["id"] == error["extensions"]["id"]
    assert "crashes" in str(logged["exc_info"])


async def test_a_database_that_is_gone_is_unavailable(served: Served, events: list[Any]) -> None:
    await served.database.close()
    error = await served.error("{ task(id: 1) { id } }")
    assert code(error) == "UNAVAILABLE"
    assert error["extensions"]["id"] in [event.get("id") for event in events]


# -------------------------------------------------------------------- GraphQL over HTTP


async def post(
    served: Served, content: bytes, kind: str = JSON, accept: str = GRAPHQL
) -> httpx.Response:
    headers = {"Content-Type": kind, "Accept": accept}
    return await served.http.post("/graphql", content=content, headers=headers)


@pytest.mark.parametrize(
    ("accept", "query", "status", "form"),
    [
        (GRAPHQL, "{ __typename }", 200, GRAPHQL),
        (JSON, "{ __typename }", 200, JSON),
        ("*/*", "{ __typename }", 200, JSON),
        (f"{GRAPHQL}, {JSON}", "{ __typename }", 200, GRAPHQL),
        (GRAPHQL, "{", 400, GRAPHQL),
        (JSON, "{", 200, JSON),
        (GRAPHQL, "{ nothing }", 400, GRAPHQL),
        (JSON, "{ nothing }", 200, JSON),
        (GRAPHQL, "query ($id: ID!) { task(id: $id) { id } }", 400, GRAPHQL),
        (JSON, "query ($id: ID!) { task(id: $id) { id } }", 200, JSON),
        (GRAPHQL, "mutation { cancelTask(id: 1) { id } }", 200, GRAPHQL),
        ("text/plain", "{ __typename }", 406, JSON),
        ("text/html", "{ __typename }", 406, JSON),
        (JSON, "subscription { taskAdded { id } }", 400, JSON),
    ],
)
async def test_status_and_form_follow_what_the_client_accepts(
    served: Served, accept: str, query: str, status: int, form: str
) -> None:
    response = await post(served, orjson.dumps({"query": query}), accept=accept)
    assert response.status_code == status
    assert response.headers["content-type"] == f"{form}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


async def test_data_is_null_if_executed_and_left_out_if_refused(served: Served) -> None:
    executed = await served.ask("mutation { cancelTask(id: 1) { id } }")
    assert executed["data"] is None
    assert executed["errors"][0]["path"] == ["cancelTask"]
    assert "data" not in await served.ask("{")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b'{"query": "{ __typename }"',
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": 1}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": 1}',
        b'{"query": "{ __typename }", "variables": {"x": NaN}}',
        b'{"query": "{ __typename }", "variables": {"x": 1e999}}',
        b'{"query": "{ __typename }", "variables": {"x": "\\ud800"}}',
        b'{"query": "{ __typename }", "variables": {"x": '
        + b"[" * 100_000
        + b"]" * 100_000
        + b"}}",
        b'{"query": "\xff"}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
    ],
)
async def test_a_body_that_is_no_request_is_400_with_a_sentence(
    served: Served, body: bytes
) -> None:
    for accept in (GRAPHQL, JSON):
        response = await post(served, body, accept=accept)
        assert response.status_code == 400
        error = response.json()["errors"][0]
        assert code(error) == "BAD_USER_INPUT"
        assert error["message"].endswith(".")


async def test_a_literal_of_a_hundred_thousand_levels_is_refused(served: Served) -> None:
    literal = "[" * 100_000 + "]" * 100_000
    query = f"mutation {{ createTask(input: {{ payload: {literal} }}) {{ id }} }}"
    assert code(await served.error(query)) == "QUERY_TOO_LONG"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ("Application/JSON", 200),
        ("application/json; charset=latin-1", 415),
        ("application/graphql", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_json_in_utf_8_is_read(served: Served, kind: str, status: int) -> None:
    response = await post(served, b'{"query": "{ __typename }"}', kind)
    assert response.status_code == status


async def test_a_body_beyond_1_mib_is_413(served: Served) -> None:
    largest = orjson.dumps({"query": "{ __typename }"}).ljust(1_048_576)
    assert (await post(served, largest)).status_code == 200
    assert (await post(served, largest + b" ")).status_code == 413


async def test_a_body_that_does_not_tell_its_length_is_cut_off_at_1_mib(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    headers = {"Content-Type": JSON}
    response = await served.http.post("/graphql", content=chunks(), headers=headers)
    assert response.status_code == 413


async def test_a_get_serves_queries(served: Served) -> None:
    task = await served.insert()
    parameters = {
        "query": f"query Other {{ __typename }} {STATUS}",
        "variables": orjson.dumps({"id": str(task)}).decode(),
        "operationName": "GetTaskStatus",
    }
    response = await served.http.get("/graphql", params=parameters)
    assert response.json() == {"data": {"task": {"id": str(task), "status": "PENDING"}}}


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"query": "mutation { cancelTask(id: 1) { id } }"}, 405),
        ({"query": "subscription { taskAdded { id } }"}, 400),
        ({}, 400),
        ({"query": "{ __typename }", "variables": "{"}, 400),
        ({"query": "{ __typename }", "variables": "[]"}, 400),
    ],
)
async def test_a_get_serves_nothing_else(
    served: Served, parameters: dict[str, str], status: int
) -> None:
    response = await served.http.get("/graphql", params=parameters)
    assert response.status_code == status
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(served: Served, method: str) -> None:
    response = await served.http.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_the_schema_tells_itself_and_describes_every_part(served: Served) -> None:
    schema = (await served.data(get_introspection_query(descriptions=True)))["__schema"]
    types = [each for each in schema["types"] if not each["name"].startswith("__")]
    for each in types:
        assert each["description"], each["name"]
        for name in ("fields", "inputFields", "enumValues"):
            for part in each[name] or []:
                assert part["description"], (each["name"], part["name"])


async def test_many_requests_at_once_are_all_answered(served: Served) -> None:
    created = await asyncio.gather(*(create(served, description=str(n)) for n in range(50)))
    assert len({task["id"] for task in created}) == 50


# ------------------------------------------------------------------- pages and health


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_a_browser_gets_graphiql_with_all_its_files_from_here(served: Served) -> None:
    response = await served.http.get("/graphql", headers=BROWSER)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    places = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert len([place for place in places if not place.startswith("data:")]) == 7
    for place in places:
        address = urljoin(str(response.url), place)
        if urlsplit(address).scheme == "data":
            continue
        assert urlsplit(address).netloc == urlsplit(served.address).netloc
        file = await served.http.get(address)
        assert file.status_code == 200
        lasting = re.search(r"\d+\.\d+\.\d+", place)
        assert ("immutable" if lasting else "no-cache") in file.headers["cache-control"]


async def test_graphiql_may_run_scripts_of_this_origin_only(served: Served) -> None:
    response = await served.http.get("/graphql", headers=BROWSER)
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|https?://", response.text)
    boot = (await served.http.get("/graphiql/boot.js")).text
    assert "http://" not in boot
    assert "https://" not in boot


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/dashboard/main.js",
        "/graphql",
        "/graphiql/boot.js",
        "/healthz",
        "/readyz",
        "/nothing",
        "/graphiql/x",
    ],
)
async def test_every_answer_keeps_foreign_code_out(served: Served, path: str) -> None:
    headers = (await served.http.get(path, headers=BROWSER)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/nothing", "/graphql/x", "/graphiql/nothing", "/graphiql/../x"])
async def test_an_unknown_address_is_404_with_a_sentence(served: Served, path: str) -> None:
    response = await served.http.get(path)
    assert response.status_code == 404
    assert code(response.json()["errors"][0]) == "NOT_FOUND"


async def test_a_process_lives_and_is_ready(served: Served) -> None:
    assert (await served.http.get("/healthz")).status_code == 200
    response = await served.http.get("/readyz")
    assert (response.status_code, response.text) == (200, "ready\n")


async def test_a_process_that_drains_is_not_ready_but_lives(served: Served) -> None:
    served.unready = "the service is draining"
    response = await served.http.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "reason": "the service is draining"}
    assert (await served.http.get("/healthz")).status_code == 200


async def test_a_process_without_postgresql_is_not_ready(served: Served) -> None:
    await served.database.close()
    response = await served.http.get("/readyz")
    assert response.status_code == 503
    assert "PostgreSQL" in response.json()["reason"]
