"""What a refusal looks like to a program: its code, its path, and what is there beside it."""

import pytest

from clients.conftest import StartProgram
from clients.documents import CREATE_TASK, TASK
from clients.node_program import Program, plain
from clients.services import Services

CLIENTS = ["graphql_ws", "apollo", "urql"]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, standing: Services, start: StartProgram) -> Program:
    return start(request.param, standing.addresses)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("mutation { cancelTask(id: 999999) { id } }", {}, "NOT_FOUND"),
        (CREATE_TASK, {"input": {"description": "x", "priority": 1000}}, "INVALID_ARGUMENT"),
        (CREATE_TASK, {"input": {"description": 7}}, "BAD_USER_INPUT"),
        ('{ tasks(after: "x") { nodes { id } } }', {}, "BAD_CURSOR"),
        ("{ colour }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_refusal_has_its_code(
    client: Program, query: str, variables: dict[str, object], code: str
) -> None:
    answer = client.ask(query, variables)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


def test_a_refusal_has_its_path_field_and_hint(client: Program) -> None:
    (error,) = client.ask(CREATE_TASK, {"input": {"priority": 1000}})["errors"]
    assert error["path"] == ["createTask"]
    assert error["extensions"]["field"] == "priority"
    assert error["extensions"]["hint"]


def test_a_subscription_to_no_task_is_refused_with_its_code(client: Program) -> None:
    name = client.subscribe(TASK, {"id": "999999"})
    (error,) = client.first(name)["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_a_null_where_none_may_be_bubbles_up_to_the_data(client: Program) -> None:
    answer = client.ask(
        "mutation { a: createTask(input: {}) { id } b: cancelTask(id: 999999) { id } }"
    )
    assert answer.get("data") is None
    assert [error["path"] for error in answer["errors"]] == [["b"]]


def test_what_can_be_answered_is_there_beside_the_error(
    client: Program, standing: Services
) -> None:
    task = standing.psql(
        "insert into rowbell.tasks (kind, run_at, description, payload)"
        " values ('echo', now() + interval '1 day', 'deep',"
        " (repeat('[', 400) || repeat(']', 400))::jsonb)"
        " returning id"
    )
    answer = client.ask(
        "query ($id: ID!) { task(id: $id) { id description payload } }", {"id": task}
    )
    assert plain(answer["data"]) == {"task": {"id": task, "description": "deep", "payload": None}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["VALUE_TOO_DEEP"]
    assert answer["errors"][0]["path"] == ["task", "payload"]
