"""The caches of clients work with our ids and type names."""

from clients.conftest import StartProgram
from clients.documents import CREATE_TASK, TASK
from clients.node_program import eventually, plain
from clients.services import Services

WITH_ID = "query ($id: ID!) { task(id: $id) { id status description } }"
WATCHED = "subscription ($id: ID!) { task(id: $id) { id status } }"
LIST = "{ tasks(first: 5) { nodes { id status } } }"


def test_apollo_keeps_a_task_once_under_its_type_and_id(
    standing: Services, start: StartProgram
) -> None:
    client = start("apollo", standing.addresses)
    task = standing.insert("kept", queue=standing.hold())
    client.ask(WITH_ID, {"id": task})
    client.ask(LIST)
    cache = client.first(client.tell("cache"))["data"]
    assert cache[f"Task:{task}"]["description"] == "kept"
    asked, reference = cache["ROOT_QUERY"], {"__ref": f"Task:{task}"}
    assert asked[f'task({{"id":"{task}"}})'] == reference
    assert reference in asked['tasks({"first":5})']["nodes"]


def test_a_subscription_updates_what_apollo_shows_of_the_task(
    standing: Services, start: StartProgram
) -> None:
    client = start("apollo", standing.addresses)
    queue = standing.hold()
    task = standing.insert(queue=queue)
    client.ask(WITH_ID, {"id": task})
    shown = client.tell("watch", query=WITH_ID, variables={"id": task})
    assert client.first(shown)["data"]["task"]["status"] == "PENDING"
    client.first(client.subscribe(WATCHED, {"id": task}))
    standing.release(queue)
    eventually(
        lambda: client.data_of(shown)[-1]["task"]["status"] == "COMPLETED", "the cache is stale"
    )


def test_apollo_answers_a_second_query_from_its_cache(
    standing: Services, start: StartProgram
) -> None:
    client = start("apollo", standing.addresses)
    task = standing.insert("before", queue=standing.hold())
    client.ask(WITH_ID, {"id": task})
    standing.psql(f"update rowbell.tasks set description = 'after' where id = {task}")
    again = client.ask(WITH_ID, {"id": task})
    assert again["data"]["task"]["description"] == "before"
    anew = client.ask(WITH_ID, {"id": task}, fetchPolicy="network-only")
    assert anew["data"]["task"]["description"] == "after"


def test_urql_answers_a_second_query_from_its_cache(
    standing: Services, start: StartProgram
) -> None:
    client = start("urql", standing.addresses)
    task = standing.insert(queue=standing.hold())
    first, second = (client.ask(WITH_ID, {"id": task}) for _ in range(2))
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert first["data"] == second["data"]


def test_a_mutation_makes_urql_ask_again_for_what_it_shows(
    standing: Services, start: StartProgram
) -> None:
    client = start("urql", standing.addresses)
    standing.insert()
    shown = client.tell("watch", query=LIST)
    before = plain(client.first(shown)["data"])["tasks"]["nodes"]
    created = client.ask(CREATE_TASK, {"input": {"queue": standing.hold()}})
    task = plain(created["data"])["createTask"]
    assert task not in before
    eventually(lambda: task in client.data_of(shown)[-1]["tasks"]["nodes"], "the list is stale")


def test_urql_asks_by_get_if_told_to(standing: Services, start: StartProgram) -> None:
    client = start("urql", standing.addresses, preferGetMethod="force")
    task = standing.insert(queue=standing.hold())
    answer = client.ask(WITH_ID, {"id": task})
    assert plain(answer["data"])["task"]["status"] == "PENDING"


def test_apollo_watches_a_task_without_an_id_in_the_document(
    standing: Services, start: StartProgram
) -> None:
    client = start("apollo", standing.addresses)
    queue = standing.hold()
    watched = client.subscribe(TASK, {"id": standing.insert(queue=queue)})
    client.first(watched)
    standing.release(queue)
    eventually(
        lambda: client.data_of(watched)[-1]["task"]["status"] == "COMPLETED", "no final state"
    )
