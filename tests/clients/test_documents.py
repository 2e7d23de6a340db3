"""The four documents of the contract, and what else every client does, with each of the clients."""

import pytest

from clients.conftest import StartProgram
from clients.documents import CREATE_TASK, GET_TASK_STATUS, TASK, TASK_ADDED
from clients.node_program import Program, eventually, plain
from clients.services import Services

CLIENTS = ["graphql_ws", "apollo", "urql"]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, standing: Services, start: StartProgram) -> Program:
    """A client of two processes on one database, of which one works."""
    return start(request.param, standing.addresses)


def created(client: Program, **task: object) -> str:
    """Create a task by the document of the contract; returns its id."""
    answer = client.ask(CREATE_TASK, {"input": {"description": "x", **task}})
    return str(answer["data"]["createTask"]["id"])


def test_create_task_answers_with_a_pending_task(client: Program) -> None:
    answer = client.ask(CREATE_TASK, {"input": {"description": "x"}})
    task = plain(answer["data"])["createTask"]
    assert task == {"id": task["id"], "status": "PENDING"}
    assert task["id"].isdecimal()


def test_get_task_status_answers_with_the_status(client: Program, standing: Services) -> None:
    queue = standing.hold()
    task = standing.insert(queue=queue)
    answer = client.ask(GET_TASK_STATUS, {"id": task})
    assert plain(answer["data"]) == {"task": {"id": task, "status": "PENDING"}}


def test_a_task_that_does_not_exist_is_null_without_an_error(client: Program) -> None:
    answer = client.ask(GET_TASK_STATUS, {"id": "999999"})
    assert (answer["data"], answer.get("errors")) == ({"task": None}, None)


def test_task_added_tells_rows_of_psql_and_of_mutations(
    client: Program, standing: Services
) -> None:
    added = client.subscribe(TASK_ADDED)
    # A subscription has no answer of its own: rows are inserted until the first one is told.
    eventually(lambda: standing.insert("marker") and client.data_of(added), "no row is told")
    by_psql = standing.insert("by psql")
    by_mutation = created(client, description="by mutation", audience=["a", "b"])
    for task, description, audience in (
        (by_psql, "by psql", ["ops"]),
        (by_mutation, "by mutation", ["a", "b"]),
    ):
        row = {"id": task, "description": description, "audience": audience}
        client.wait_for(lambda _, row=row: {"taskAdded": row} in client.data_of(added))
        assert client.data_of(added).count({"taskAdded": row}) == 1


def test_task_tells_the_present_state_first_then_changes_then_ends(
    client: Program, standing: Services
) -> None:
    queue = standing.hold()
    task = created(client, queue=queue, payload={"a": 1})
    watched = client.subscribe(TASK, {"id": task})
    assert plain(client.first(watched)["data"]) == {
        "task": {"status": "PENDING", "progress": None, "result": None}
    }
    standing.release(queue)
    done = {"task": {"status": "COMPLETED", "progress": None, "result": {"a": 1}}}
    client.wait_for(lambda _: client.data_of(watched)[-1] == done)
    client.wait_for(lambda each: each.get("name") == watched and each.get("complete"))
    statuses = [each["task"]["status"] for each in client.data_of(watched)]
    assert statuses[-1] == "COMPLETED"
    assert statuses == sorted(set(statuses), key=["PENDING", "PROCESSING", "COMPLETED"].index)


def test_a_subscription_to_a_final_task_tells_its_state_and_ends(
    client: Program, standing: Services
) -> None:
    task = standing.insert(queue=standing.hold())
    standing.psql(f"select rowbell.cancel({task})")
    watched = client.subscribe(TASK, {"id": task})
    assert client.first(watched)["data"]["task"]["status"] == "CANCELLED"
    client.wait_for(lambda each: each.get("name") == watched and each.get("complete"))
    assert len(client.data_of(watched)) == 1


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


def test_fifty_subscriptions_share_one_socket(client: Program, standing: Services) -> None:
    queue = standing.hold()
    ids = standing.psql(
        "insert into rowbell.tasks (kind, queue, payload)"
        f" select 'echo', '{queue}', to_jsonb(i) from generate_series(1, 50) i returning id"
    ).split()
    names = {client.subscribe(TASK, {"id": task}): number for number, task in enumerate(ids, 1)}
    for name in names:
        assert client.first(name)["data"]["task"]["status"] == "PENDING"
    standing.release(queue)
    for name, number in names.items():
        client.wait_for(lambda each, name=name: each.get("name") == name and each.get("complete"))
        last = client.data_of(name)[-1]["task"]
        assert (last["status"], last["result"]) == ("COMPLETED", number)
    assert sum(each.get("event") == "connected" for each in client.seen) == 1
    eventually(lambda: not standing.watching(), "a subscription stays on the server")
