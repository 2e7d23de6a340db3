"""Who is let in over HTTP and WebSocket, what each then sees, and when it has to leave."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rowbell.api import auth
from rowbell.api.auth import Gate
from rowbell.api.limits import Limits
from rowbell.api.lobby import Lobby
from rowbell.api.server import Server, listening
from rowbell.config import Settings
from rowbell.db import tokens
from rowbell.db.pool import Database
from rowbell.errors import ConfigurationError
from rowbell.viewer import Role, Viewer

from deadline import DEADLINE_SECONDS
from graphql_server import Client, Served, serving, until
from postgres import Server as PostgreSQL

SECRET = "s" * 40
JWT = {
    "ROWBELL_JWT_SECRET": SECRET,
    "ROWBELL_JWT_ISSUER": "https://id.example",
    "ROWBELL_JWT_AUDIENCE": "rowbell",
}
WHO = "{ viewer { subject role audiences } }"
TASK = "subscription ($id: ID!) { task(id: $id) { id status } }"
ADDED = "subscription { taskAdded { id description } }"


@pytest.fixture
def server(servers: Any) -> PostgreSQL:
    """One server is enough: what differs between versions is SQL, which has tests of its own."""
    kept: PostgreSQL = servers("packaged")
    return kept


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Takes JWTs, and tokens once there are some."""
    async with serving(database_url, settings=Settings.load(JWT)) as served:
        yield served


def signed(subject: str, role: str = "producer", *audiences: str, seconds: float = 60) -> str:
    claims = {
        "iss": "https://id.example",
        "aud": "rowbell",
        "exp": time.time() + seconds,
        "sub": subject,
        "roles": [role],
        "audiences": list(audiences),
    }
    return jwt.encode(claims, SECRET, "HS256")


async def token(
    served: Served, subject: str, role: str = "producer", *audiences: str, **more: Any
) -> tokens.NewToken:
    viewer = Viewer(role=Role(role), subject=subject, audiences=frozenset(audiences))
    return await tokens.create(served.database, subject, viewer, lifetime=more.get("lifetime"))


def header(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def ask(served: Served, secret: str, query: str, **variables: Any) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    response = await served.http.post("/graphql", json=body, headers=header(secret))
    answer: dict[str, Any] = response.json()
    return answer


def code(answer: dict[str, Any]) -> str:
    (error,) = answer["errors"]
    told: str = error["extensions"]["code"]
    return told


@asynccontextmanager
async def socket(served: Served, secret: str, **more: Any) -> AsyncIterator[Client]:
    async with served.socket(initialised=False) as client:
        await client.send({"type": "connection_init", "payload": header(secret)})
        assert await client.receive() == {"type": "connection_ack"}
        yield client


# ----------------------------------------------------------------------------- the door


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_without_credentials_it_is_a_401_that_says_how(served: Served, accept: str) -> None:
    response = await served.http.post("/graphql", json={"query": WHO}, headers={"Accept": accept})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="rowbell"'
    assert code(response.json()) == "UNAUTHENTICATED"
    assert "rowbell token create" in response.json()["errors"][0]["extensions"]["hint"]


@pytest.mark.parametrize(
    "given",
    [
        "Bearer rbt_unknown",
        "Bearer " + "x" * 9_000,
        "Bearer a.b.c",
        "Bearer",
        "Basic YTpi",
        "rbt_unknown",
        "Bearer a b",
        "Bearer ä",
    ],
)
async def test_bad_credentials_are_a_401_that_repeats_nothing(served: Served, given: str) -> None:
    headers = {"Authorization": given.encode()}
    response = await served.http.post("/graphql", json={"query": WHO}, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith(
        'Bearer realm="rowbell", error="invalid_token", error_description="'
    )
    assert "unknown" not in response.text


async def test_a_refusal_comes_before_the_document_is_read(served: Served) -> None:
    response = await served.http.post("/graphql", json={"query": "{ nothing"})
    assert response.status_code == 401


async def test_health_and_the_page_need_no_credentials(served: Served) -> None:
    for place in ("/healthz", "/readyz", "/"):
        assert (await served.http.get(place)).status_code == 200
    page = await served.http.get("/graphql", headers={"Accept": "text/html"})
    assert page.status_code == 200


async def test_a_token_and_a_jwt_say_who_calls(served: Served) -> None:
    made = await token(served, "shop", "producer", "ops")
    for secret in (made.secret, signed("shop", "producer", "ops")):
        answer = await ask(served, secret, WHO)
        assert answer["data"]["viewer"] == {
            "subject": "shop",
            "role": "PRODUCER",
            "audiences": ["ops"],
        }


async def test_the_scheme_is_written_in_any_case(served: Served) -> None:
    headers = {"authorization": f"bearer  {signed('ann')}"}
    response = await served.http.get("/graphql", params={"query": WHO}, headers=headers)
    assert response.json()["data"]["viewer"]["subject"] == "ann"


async def test_a_jwt_that_has_expired_is_refused(served: Served) -> None:
    assert code(await ask(served, signed("ann", seconds=-60), WHO)) == "UNAUTHENTICATED"


async def test_a_jwt_without_a_role_is_forbidden(served: Served) -> None:
    response = await served.http.post(
        "/graphql", json={"query": WHO}, headers=header(signed("ann", "chef"))
    )
    assert (response.status_code, code(response.json())) == (403, "FORBIDDEN")


async def test_a_token_is_kept_as_a_digest_and_its_use_is_noted(served: Served) -> None:
    made = await token(served, "shop")
    await ask(served, made.secret, WHO)
    row = await served.connection.fetchrow("select * from rowbell.tokens")
    assert row["digest"] == tokens.digest(made.secret)
    assert made.secret not in str(dict(row))
    assert row["last_used_at"] is not None
    (line,) = await tokens.lines(served.database)
    assert (line.state, line.subject) == ("valid", "shop")


async def test_a_use_within_the_minute_writes_nothing(served: Served) -> None:
    made = await token(served, "shop")
    uses = [await tokens.use(served.database, tokens.digest(made.secret)) for _ in range(3)]
    assert all(uses)
    versions = await served.connection.fetchval("select xmin::text from rowbell.tokens")
    await tokens.use(served.database, tokens.digest(made.secret))
    assert await served.connection.fetchval("select xmin::text from rowbell.tokens") == versions


# ---------------------------------------------------------------- open, and no longer open


async def test_without_credentials_loopback_is_open_until_a_token_is_made(
    database_url: str, server: PostgreSQL, events: list[dict[str, Any]]
) -> None:
    async with serving(database_url) as served, served.socket() as client:
        assert any(event["event"] == "api.open" for event in events)
        viewer = (await served.data(WHO))["viewer"]
        assert viewer == {"subject": None, "role": "ADMIN", "audiences": []}
        made = await token(served, "shop")
        assert (await client.closed())[0] == 4403
        assert code(await served.ask(WHO)) == "UNAUTHENTICATED"
        await tokens.revoke(served.database, made.id)
        assert code(await served.ask(WHO)) == "UNAUTHENTICATED"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
async def test_elsewhere_it_does_not_start_without_credentials(
    database: Database, host: str
) -> None:
    with pytest.raises(ConfigurationError, match="rowbell token create") as refused:
        await Gate(database, Settings.load({}, host=host)).prepare()
    assert host in str(refused.value)


async def test_elsewhere_it_starts_with_a_token_a_jwt_or_when_told_to_be_open(
    database: Database,
) -> None:
    host = "0.0.0.0"  # noqa: S104
    for environment, is_open in ((JWT, False), ({"ROWBELL_OPEN": "true"}, True)):
        gate = Gate(database, Settings.load(environment, host=host))
        await gate.prepare()
        assert gate.is_open is is_open
    await tokens.create(database, "a", Viewer(role=Role.ADMIN, subject="a"), lifetime=None)
    for environment in ({}, {"ROWBELL_OPEN": "true"}):
        gate = Gate(database, Settings.load(environment, host=host))
        await gate.prepare()
        assert not gate.is_open


async def test_to_delete_the_last_token_opens_no_address_but_loopback(
    database: Database, connection: asyncpg.Connection
) -> None:
    await tokens.create(database, "a", Viewer(role=Role.ADMIN, subject="a"), lifetime=None)
    gate = Gate(database, Settings.load({}, host="0.0.0.0"))  # noqa: S104
    await gate.prepare()
    running = asyncio.create_task(gate.run())
    await connection.execute("delete from rowbell.tokens")
    gate.changed()
    await until(lambda: not gate._changed.is_set())
    assert not gate.is_open
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# --------------------------------------------------------------------------- what is seen


async def test_each_sees_its_own_and_what_is_shared(served: Served) -> None:
    ann, bob = signed("ann", "producer", "ops"), signed("bob")
    create = "mutation ($i: TaskInput!) { createTask(input: $i) { id createdBy } }"
    own = (await ask(served, ann, create, i={}))["data"]["createTask"]
    foreign = (await ask(served, bob, create, i={"audience": ["dev"]}))["data"]["createTask"]
    shared = (await ask(served, bob, create, i={"audience": ["ops"]}))["data"]["createTask"]
    assert (own["createdBy"], foreign["createdBy"]) == ("ann", "bob")
    listed = (await ask(served, ann, "{ tasks { nodes { id } } }"))["data"]["tasks"]["nodes"]
    assert [task["id"] for task in listed] == [shared["id"], own["id"]]
    one = "query ($id: ID!) { task(id: $id) { id } }"
    assert (await ask(served, ann, one, id=foreign["id"]))["data"]["task"] is None
    assert (await ask(served, ann, one, id=shared["id"]))["data"]["task"]
    every = await ask(served, signed("olga", "operator"), "{ tasks { nodes { id } } }")
    assert len(every["data"]["tasks"]["nodes"]) == 3


def without(task: int, answer: object) -> str:
    return json.dumps(answer).replace(f"task {task}", "task N")


async def test_a_foreign_task_looks_like_none_in_every_field(served: Served) -> None:
    foreign = await served.insert(created_by="bob")
    ann = signed("ann", "producer", "ops")
    for document in (
        "mutation ($id: ID!) { cancelTask(id: $id) { id } }",
        "mutation ($id: ID!) { retryTask(id: $id) { id } }",
        "mutation ($id: ID!) { createTask(input: {after: [$id]}) { id } }",
        "query ($id: ID!) { task(id: $id) { id } }",
        "query ($id: ID!) { tasks(filter: {ids: [$id]}) { nodes { id } } }",
    ):
        answers = [
            without(task, await ask(served, ann, document, id=str(task)))
            for task in (foreign, foreign + 1_000)
        ]
        assert answers[0] == answers[1]
        assert "FORBIDDEN" not in answers[0]
    async with socket(served, ann) as client:
        said = []
        for task in (foreign, foreign + 1_000):
            await client.subscribe(TASK, {"id": str(task)})
            said.append(without(task, await client.receive()))
        assert said[0] == said[1]
        assert "NOT_FOUND" in said[0]


async def test_a_task_that_is_no_longer_shared_ends_its_subscription(served: Served) -> None:
    task = await served.insert(created_by="bob", audience=["ops"])
    async with socket(served, signed("ann", "reader", "ops")) as client:
        await client.subscribe(TASK, {"id": str(task)})
        assert (await client.data())["task"]["id"] == str(task)
        await served.connection.execute("update rowbell.tasks set audience = '{}'")
        message = await client.receive()
        while message["type"] == "next":  # ended by an error that comes in place of a state
            message = (
                {"type": "error", **message["payload"]} if "errors" in message["payload"] else {}
            )
        assert "NOT_FOUND" in json.dumps(message)


async def test_arrivals_are_told_to_those_who_may_see_them(served: Served) -> None:
    async with (
        socket(served, signed("ann", "reader", "ops")) as ann,
        socket(served, signed("olga", "operator")) as olga,
    ):
        await ann.subscribe(ADDED)
        await olga.subscribe(ADDED)
        for client in (ann, olga):
            await in_force(client, served)
        await served.insert(created_by="bob", description="secret")
        await served.insert(created_by="bob", audience=["ops", "dev"], description="shared")
        assert await besides_markers(olga) == "secret"
        assert await besides_markers(ann) == "shared"


async def test_the_stream_of_changes_has_only_what_may_be_seen(served: Served) -> None:
    page = "{ tasks { streamCursor } }"
    ann = signed("ann", "reader", "ops")
    after = (await ask(served, ann, page))["data"]["tasks"]["streamCursor"]
    await served.insert(created_by="bob", description="secret")
    shared = await served.insert(created_by="bob", audience=["ops"])
    changes = (
        "subscription ($c: Cursor) { taskChanges(after: $c) { event { taskId task { id } } } }"
    )
    async with socket(served, ann) as client:
        await client.subscribe(changes, {"c": after})
        event = None
        while event is None:  # a checkpoint has none
            event = (await client.data())["taskChanges"]["event"]
        assert event == {"taskId": str(shared), "task": {"id": str(shared)}}


async def in_force(client: Client, served: Served) -> None:
    """Return once the subscription to taskAdded tells of what is inserted."""
    while True:
        await served.insert(created_by="warm", audience=["ops"], description="marker")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.websocket.recv()
                return


async def besides_markers(client: Client) -> str:
    while True:
        told: str = (await client.data())["taskAdded"]["description"]
        if told != "marker":
            return told


READER_MAY_NOT = [
    "mutation { createTask(input: {}) { id } }",
    "mutation { executeTask(input: {}) { id } }",
    'mutation { cancelTask(id: "1") { id } }',
]
PRODUCER_MAY_NOT = [
    "{ schedules { name } }",
    'mutation { pauseQueue(name: "default") { name } }',
    "mutation { cancelTasks(filter: {everything: true}) { changed } }",
    "mutation { retryTasks(filter: {everything: true}) { changed } }",
    'mutation { runSchedule(name: "a") { id } }',
]


@pytest.mark.parametrize(
    ("role", "document"),
    [("reader", document) for document in READER_MAY_NOT + PRODUCER_MAY_NOT]
    + [("producer", document) for document in PRODUCER_MAY_NOT],
)
async def test_a_field_beyond_the_role_is_forbidden(
    served: Served, role: str, document: str
) -> None:
    await served.insert(created_by="ann")
    answer = await ask(served, signed("ann", role), document)
    assert code(answer) == "FORBIDDEN"
    states = await served.connection.fetchval("select array_agg(status::text) from rowbell.tasks")
    assert states == ["PENDING"]


async def test_an_explanation_names_what_is_of_others_and_is_for_operators(served: Served) -> None:
    await served.insert(created_by="ann")
    asked = "{ tasks { nodes { explanation } } }"
    for role, is_told in (("producer", False), ("operator", True)):
        (task,) = (await ask(served, signed("ann", role), asked))["data"]["tasks"]["nodes"]
        assert bool(task["explanation"]) is is_told


async def test_execute_task_waits_for_the_own_task(served: Served) -> None:
    asking = asyncio.create_task(
        ask(
            served,
            signed("ann"),
            "mutation { executeTask(input: {}, waitSeconds: 10) { status result createdBy } }",
        )
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        await served.watched.wait()
        await served.complete(*await served.claim())
        answer = await asking
    assert answer["data"]["executeTask"] == {
        "status": "COMPLETED",
        "result": "done",
        "createdBy": "ann",
    }


# ------------------------------------------------------------------------------- sockets


async def test_a_socket_is_let_in_by_the_header_of_its_request(served: Served) -> None:
    async with served.socket(additional_headers=header(signed("ann"))) as client:
        await client.subscribe(WHO)
        assert (await client.data())["viewer"]["subject"] == "ann"


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_the_payload_of_a_socket_wins_over_its_header(served: Served, name: str) -> None:
    async with served.socket(initialised=False, additional_headers=header(signed("ann"))) as client:
        payload = {name: f"Bearer {signed('bob')}"}
        await client.send({"type": "connection_init", "payload": payload})
        assert await client.receive() == {"type": "connection_ack"}
        await client.subscribe(WHO)
        assert (await client.data())["viewer"]["subject"] == "bob"


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"Authorization": "Bearer rbt_x"},
        {"Authorization": 7},
        {"Authorization": ["Bearer x"]},
        {"Authorization": f"Bearer {signed('ann', 'chef')}"},
        {"Authorization": "Bearer a", "authorization": "Bearer b"},
    ],
)
async def test_a_socket_without_good_credentials_is_closed_with_4403(
    served: Served, payload: dict[str, Any] | None
) -> None:
    async with served.socket(initialised=False) as client:
        await client.send({"type": "connection_init", "payload": payload})
        assert (await client.closed())[0] == 4403


async def test_nothing_is_answered_before_the_credentials(served: Served) -> None:
    async with served.socket(initialised=False) as client:
        await client.subscribe(WHO)
        assert (await client.closed())[0] == 4401


async def test_to_revoke_a_token_closes_its_sockets_and_no_others(served: Served) -> None:
    gone, stays = await token(served, "shop"), await token(served, "shop")
    async with socket(served, gone.secret) as revoked, socket(served, stays.secret) as other:
        await revoked.subscribe(ADDED)
        await tokens.revoke(served.database, gone.id)
        assert await revoked.closed() == (4401, "Unauthorized: the token was revoked")
        await other.subscribe(WHO)
        assert (await other.data())["viewer"]["subject"] == "shop"
    assert code(await ask(served, gone.secret, WHO)) == "UNAUTHENTICATED"
    await until(lambda: served.watch.subscribers == 0)


async def test_a_stream_needs_credentials(served: Served) -> None:
    response = await served.http.post(
        "/graphql", json={"query": ADDED}, headers={"Accept": "text/event-stream"}
    )
    assert (response.status_code, response.headers["www-authenticate"][:6]) == (401, "Bearer")


async def test_to_revoke_a_token_ends_its_streams(served: Served) -> None:
    made = await token(served, "gone")
    headers = {"Accept": "text/event-stream", **header(made.secret)}
    request = served.http.stream("POST", "/graphql", json={"query": ADDED}, headers=headers)
    async with asyncio.timeout(DEADLINE_SECONDS), request as response:
        assert response.status_code == 200
        await tokens.revoke(served.database, made.id)
        told = [line async for line in response.aiter_lines() if line.strip(": ")]
    assert "the token was revoked" in told[1]
    assert told[2] == "event: complete"


async def test_a_revocation_that_nobody_announced_is_found_by_looking(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "LOOK_SECONDS", 0.05)
    made = await token(served, "shop")
    async with socket(served, made.secret) as client:
        await served.connection.execute("alter table rowbell.tokens disable trigger tell_of_tokens")
        await tokens.revoke(served.database, made.id)
        assert (await client.closed())[0] == 4401


async def test_a_socket_ends_when_its_token_expires(served: Served) -> None:
    made = await token(served, "shop", lifetime=timedelta(seconds=0.5))
    async with socket(served, made.secret) as client:
        assert await client.closed() == (4403, "Forbidden: the credentials have expired")


async def test_a_socket_ends_when_its_jwt_expires(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowbell.api.web_tokens.LEEWAY_SECONDS", 0)
    async with socket(served, signed("ann", seconds=1.5)) as client:
        assert (await client.closed())[0] == 4403


# ----------------------------------------------------------------------- keys behind a URL


class Issuer:
    """Serves a key set, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False
        self.keys: dict[str, rsa.RSAPrivateKey] = {}

    def add(self, kid: str) -> None:
        self.keys[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, kid: str) -> str:
        claims = {"iss": "https://id.example", "aud": "rowbell", "exp": time.time() + 60}
        claims |= {"sub": "ann", "roles": ["reader"]}
        return jwt.encode(claims, self.keys[kid], "RS256", headers={"kid": kid})

    async def answer(self, _: Request) -> Response:
        self.asked += 1
        keys = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}
            for kid, key in self.keys.items()
        ]
        return Response(json.dumps({"keys": keys}), 500 if self.broken else 200)


@pytest.fixture
async def issuer() -> AsyncIterator[tuple[Issuer, str]]:
    issuer = Issuer()
    issuer.add("one")
    with listening(Settings.load({}, port=0)) as bound:
        app = Starlette(routes=[Route("/keys", issuer.answer)])
        app.state.lobby, app.state.limits = Lobby(10), Limits()
        server = Server(app, bound)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run())
            await server.ready.wait()
            yield issuer, f"{server.address}/keys"
            await server.close()


async def test_keys_behind_a_url_are_asked_for_once_and_again_for_a_new_kid(
    database_url: str, issuer: tuple[Issuer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, address = issuer
    environment = {**JWT, "ROWBELL_JWT_SECRET": "", "ROWBELL_JWT_KEYS": address}
    async with serving(database_url, settings=Settings.load(environment)) as served:
        for _ in range(3):
            assert "data" in await ask(served, keys.sign("one"), WHO)
        assert keys.asked == 1
        keys.add("two")  # within the floor nobody is asked again
        assert code(await ask(served, keys.sign("two"), WHO)) == "UNAUTHENTICATED"
        assert keys.asked == 1


async def test_an_issuer_that_does_not_answer_is_not_the_fault_of_the_caller(
    database_url: str, issuer: tuple[Issuer, str], events: list[dict[str, Any]]
) -> None:
    keys, address = issuer
    keys.broken = True
    environment = {**JWT, "ROWBELL_JWT_SECRET": "", "ROWBELL_JWT_KEYS": address}
    async with serving(database_url, settings=Settings.load(environment)) as served:
        response = await served.http.post(
            "/graphql", json={"query": WHO}, headers=header(keys.sign("one"))
        )
        assert (response.status_code, code(response.json())) == (503, "UNAVAILABLE")
    assert any(event["event"] == "keys.failed" for event in events)
