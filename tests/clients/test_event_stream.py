"""graphql-sse, a request for each operation."""

import pytest

from clients.conftest import StartProgram
from clients.documents import CREATE_TASK, GET_TASK_STATUS, TASK, TASK_ADDED
from clients.node_program import Program, eventually
from clients.services import Services, has_event_stream


@pytest.fixture
def client(standing: Services, start: StartProgram) -> Program:
    if not has_event_stream(standing.addresses[0]):
        pytest.skip("the service answers that it has no event stream")
    return start("sse", standing.addresses)


def test_queries_and_mutations_are_answered_over_an_event_stream(
    client: Program, standing: Services
) -> None:
    answer = client.ask(CREATE_TASK, {"input": {"description": "x", "queue": standing.hold()}})
    task = answer["data"]["createTask"]
    assert task["status"] == "PENDING"
    assert client.ask(GET_TASK_STATUS, {"id": task["id"]})["data"] == {"task": task}


def test_a_refusal_has_its_code(client: Program) -> None:
    (error,) = client.ask("mutation { cancelTask(id: 999999) { id } }")["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_task_tells_the_present_state_then_changes_then_ends(
    client: Program, standing: Services
) -> None:
    queue = standing.hold()
    task = standing.insert(queue=queue)
    watched = client.subscribe(TASK, {"id": task})
    assert client.first(watched)["data"]["task"]["status"] == "PENDING"
    standing.release(queue)
    client.wait_for(lambda each: each.get("name") == watched and each.get("complete"))
    assert client.data_of(watched)[-1]["task"]["status"] == "COMPLETED"


def test_task_added_tells_rows_of_psql(client: Program, standing: Services) -> None:
    added = client.subscribe(TASK_ADDED)
    eventually(lambda: standing.insert("marker") and client.data_of(added), "no row is told of")
    row = {"id": standing.insert("by psql"), "description": "by psql", "audience": ["ops"]}
    client.wait_for(lambda _: {"taskAdded": row} in client.data_of(added))


def test_unsubscribing_ends_the_subscription_on_the_server(
    client: Program, standing: Services
) -> None:
    added = client.subscribe(TASK_ADDED)
    eventually(standing.watching, "nobody watches")
    client.tell("unsubscribe", added)
    eventually(lambda: not standing.watching(), "the subscription stays on the server")


def test_a_client_that_is_killed_leaves_no_subscription(
    client: Program, standing: Services
) -> None:
    client.subscribe(TASK_ADDED)
    eventually(standing.watching, "nobody watches")
    client.kill()
    eventually(lambda: not standing.watching(), "the subscription stays on the server")
