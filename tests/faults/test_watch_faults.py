"""Streams of changes under faults: they go on by themselves, and miss nothing."""

import asyncpg
import pytest

from graphql_server import Client, serving
from postgres import Server

CHANGES = "subscription { taskChanges { cursor event { kind taskId } } }"
INSERT = "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 20) returning id"


async def created(client: Client, count: int) -> list[int]:
    ids: list[int] = []
    while len(ids) < count:
        event = (await client.data())["taskChanges"]["event"]
        if event is not None:
            ids.append(int(event["taskId"]))
    return ids


async def insert(url: str) -> list[int]:
    session = await asyncpg.connect(url)
    ids = [row[0] for row in await session.fetch(INSERT)]
    await session.close()
    return ids


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_stream_goes_on_after_a_restart_of_postgresql_and_misses_nothing(
    server: Server, database_url: str, mode: str
) -> None:
    """Pitfall 42: a subscription never goes quiet."""
    async with serving(database_url) as served, served.socket() as client:
        await client.subscribe(CHANGES)
        assert (await client.data())["taskChanges"]["event"] is None
        for _ in range(2):
            before = await insert(database_url)
            server.stop(mode)
            server.start()
            after = await insert(database_url)
            assert await created(client, 40) == before + after
