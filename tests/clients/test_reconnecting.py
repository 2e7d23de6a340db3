"""graphql-ws comes back by itself after a loss, and does not after a fault of its own."""

import json
import signal

import pytest

from clients.conftest import StartProgram
from clients.documents import TASK, TASK_ADDED
from clients.node_program import Program, eventually
from clients.services import Services

FOR_EVER = 1_000_000
"""Attempts; the client knows no infinity in JSON."""


def told(client: Program, name: str, services: Services) -> None:
    """Insert rows, until the subscription tells of one that was inserted after this call."""
    before = len(client.data_of(name))
    eventually(
        lambda: services.insert() and len(client.data_of(name)) > before, "no row is told of"
    )


@pytest.mark.parametrize("end", ["killed", "drained"])
def test_another_process_serves_when_the_first_one_ends(
    services: Services, start: StartProgram, end: str
) -> None:
    client = start("graphql_ws", services.start("api", "serve"), retryAttempts=FOR_EVER)
    queue = services.hold()
    task = services.insert(queue=queue)
    added, watched = client.subscribe(TASK_ADDED), client.subscribe(TASK, {"id": task})
    client.first(watched)
    told(client, added, services)
    first, since = services.at(client.event("connected")["url"]), len(client.seen)
    if end == "killed":
        first.kill()
    else:
        first.stop(signal.SIGTERM)
    code = client.event("closed", since=since)["code"]
    assert code == (1006 if end == "killed" else 1012)
    assert services.at(client.event("connected", since=since)["url"]) is not first
    told(client, added, services)
    services.release(queue)
    client.wait_for(lambda each: each.get("name") == watched and each.get("complete"))
    assert client.data_of(watched)[-1]["task"]["status"] == "COMPLETED"


def test_an_address_without_a_process_is_passed_over(
    standing: Services, start: StartProgram
) -> None:
    nowhere = "http://127.0.0.1:1"
    client = start("graphql_ws", [nowhere, *standing.addresses], retryAttempts=FOR_EVER)
    task = standing.insert(queue=standing.hold())
    told = client.first(client.subscribe(TASK, {"id": task}))
    assert told["data"]["task"]["status"] == "PENDING"


def test_retries_end_when_no_process_is_left(services: Services, start: StartProgram) -> None:
    client = start("graphql_ws", services.start("api", "api"), retryAttempts=3)
    added = client.subscribe(TASK_ADDED)
    client.event("connected")
    eventually(services.watching, "nobody watches")
    for each in services.running:
        each.kill()
    assert client.wait_for(lambda each: each.get("name") == added and "failed" in each)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "nonsense"}', 4400),
        ("no json", 4400),
        ('{"type": "connection_init"}', 4429),
        ('{"type": "subscribe", "id": "1", "payload": {}}', 4400),
    ],
)
def test_a_client_that_breaks_the_protocol_is_told_to_stay_away(
    standing: Services, start: StartProgram, text: str, code: int
) -> None:
    client = start("graphql_ws", standing.addresses, retryAttempts=FOR_EVER)
    added = client.subscribe(TASK_ADDED)
    client.event("connected")
    eventually(standing.watching, "nobody watches")
    client.tell("send", text=text)
    failed = client.wait_for(lambda each: each.get("name") == added and "failed" in each)
    assert failed["code"] == code
    # The failure is the client's last word on it: it has given up, and connects no more.
    assert sum(each.get("event") == "connected" for each in client.seen) == 1
    eventually(lambda: not standing.watching(), "the subscription stays on the server")


def test_an_operation_id_in_use_is_4409(standing: Services, start: StartProgram) -> None:
    client = start("graphql_ws", standing.addresses, retryAttempts=FOR_EVER)
    added = client.subscribe(TASK_ADDED)
    client.event("connected")
    twice = json.dumps({"type": "subscribe", "id": "x", "payload": {"query": TASK_ADDED}})
    client.tell("send", text=twice)
    client.tell("send", text=twice)
    failed = client.wait_for(lambda each: each.get("name") == added and "failed" in each)
    assert failed["code"] == 4409


def test_a_client_without_the_subprotocol_is_told_4406(
    standing: Services, start: StartProgram
) -> None:
    client = start("graphql_ws", standing.addresses, retryAttempts=FOR_EVER, subprotocol="")
    added = client.subscribe(TASK_ADDED)
    failed = client.wait_for(lambda each: each.get("name") == added and "failed" in each)
    assert failed["code"] == 4406


def test_disposing_closes_the_socket_normally(standing: Services, start: StartProgram) -> None:
    client = start("graphql_ws", standing.addresses)
    client.subscribe(TASK_ADDED)
    eventually(standing.watching, "nobody watches")
    client.tell("dispose")
    assert client.event("closed")["code"] == 1000
    eventually(lambda: not standing.watching(), "the subscription stays on the server")


def test_pings_of_the_client_are_answered(standing: Services, start: StartProgram) -> None:
    client = start("graphql_ws", standing.addresses, keepAlive=50)
    client.subscribe(TASK_ADDED)
    for _ in range(3):
        client.event("pong", since=len(client.seen))
