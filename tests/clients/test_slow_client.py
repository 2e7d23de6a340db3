"""A client that stops reading is ended; it hears why, and others notice nothing."""

import time

from clients.conftest import StartProgram
from clients.node_program import eventually
from clients.services import Services

ADDED_WITH_PAYLOAD = "subscription { taskAdded { id description payload } }"
FLOOD = """
insert into rowbell.tasks (kind, queue, description, payload)
select 'echo', '{queue}', 'flood', to_jsonb(
    array(select md5(i::text || '.' || j::text) from generate_series(1, 1500) j)
)
from generate_series(1, 800) i
"""
"""40 MB, which compression makes half of."""
ENDED_SECONDS = 30.0


def test_a_client_that_reads_nothing_is_ended_and_comes_back(
    services: Services, start: StartProgram
) -> None:
    client = start("graphql_ws", services.start("api"), retryAttempts=1_000_000)
    added = client.subscribe(ADDED_WITH_PAYLOAD)
    eventually(lambda: services.insert() and client.data_of(added), "no row is told of")
    client.tell("pause")
    # More than the buffers of a connection hold.
    services.psql(FLOOD.format(queue=services.hold()))
    began = time.monotonic()
    eventually(lambda: not services.watching(), "the subscription stays on the server")
    assert time.monotonic() - began < ENDED_SECONDS
    since = len(client.seen)
    client.tell("resume")
    client.event("connected", since=since)
    before = len(client.data_of(added))
    eventually(
        lambda: services.insert() and len(client.data_of(added)) > before, "it does not go on"
    )


def test_a_client_that_reads_nothing_holds_up_nobody(
    services: Services, start: StartProgram
) -> None:
    addresses = services.start("api")
    slow, quick = start("graphql_ws", addresses), start("graphql_ws", addresses)
    for client in (slow, quick):
        added = client.subscribe(ADDED_WITH_PAYLOAD)
        eventually(
            lambda c=client, a=added: services.insert() and c.data_of(a), "no row is told of"
        )
    slow.tell("pause")
    queue = services.hold()
    services.psql(FLOOD.format(queue=queue))
    last = services.insert("last", queue=queue)
    quick.wait_for(
        lambda each: each.get("data") and each["data"]["taskAdded"]["id"] == last,
    )
    assert not any(each.get("event") == "closed" for each in quick.seen)
