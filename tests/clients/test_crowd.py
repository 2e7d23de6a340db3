"""Four processes, eight writers, killed listeners, a restart of PostgreSQL, a crowd that watches.

CROWD_SECONDS makes it longer, CROWD_SEED repeats it.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from clients.crowd.disturbances import Disturber
from clients.crowd.subscribers import Follower, Subscriber, Watcher
from clients.crowd.writers import ApiWriter, SqlWriter
from clients.services import Services
from postgres import Server, embedded_binaries

SECONDS = float(os.environ.get("CROWD_SECONDS", "6"))
SEED = int(os.environ.get("CROWD_SEED", "1"))
SETTLED_SECONDS = 60.0
WATCHERS = 60

pytestmark = pytest.mark.timeout(300 + SECONDS)

OPEN = "select count(*) from rowbell.tasks where status in ('PENDING', 'PROCESSING')"


@pytest.fixture
def server() -> Iterator[Server]:
    """One that may be restarted."""
    server = Server("packaged", embedded_binaries())
    yield server
    server.remove()


@pytest.fixture
def addresses(services: Services) -> list[str]:
    return services.start("serve", "serve", "api", "api", slots="20")


@asynccontextmanager
async def writing(services: Services, dice: Random) -> AsyncIterator[None]:
    """Eight writers; when it is left, all that they wrote is final."""
    stopping = asyncio.Event()
    url, addresses = services.database_url, services.addresses
    writers = [SqlWriter(url, Random(dice.random())) for _ in range(4)]
    callers = [ApiWriter(addresses, Random(dice.random())) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for each in (*writers, *callers):
            group.create_task(each.run(stopping))
        yield
        stopping.set()
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(SETTLED_SECONDS):
        while await connection.fetchval(OPEN):
            await asyncio.sleep(0.05)
    await connection.close()


async def all_of(subscribers: list[Subscriber], word: str) -> None:
    async with asyncio.timeout(SETTLED_SECONDS):
        await asyncio.gather(*(getattr(each, word).wait() for each in subscribers))


@pytest.mark.parametrize("restarted", [False, True])
async def test_everybody_who_watches_a_task_sees_its_end(
    services: Services, addresses: list[str], server: Server, restarted: bool
) -> None:
    dice = Random(SEED)
    disturber = Disturber(services.database_url, dice, server if restarted else None)
    connection = await asyncpg.connect(services.database_url)
    watchers: list[Watcher] = []
    async with asyncio.TaskGroup() as watching:
        async with writing(services, dice):
            for _ in range(WATCHERS):
                # One that waits for a while, so that there is something to watch.
                task = await connection.fetchval(
                    "insert into rowbell.tasks (kind, payload, run_at) values"
                    " ('sleep', '{\"seconds\": 0.3}',"
                    " now() + $1 * interval '1 second') returning id",
                    dice.uniform(0, SECONDS),
                )
                watchers.append(Watcher(addresses, Random(task), str(task)))
                watching.create_task(watchers[-1].run())
            await connection.close()
            await disturber.run(SECONDS)
        await all_of([*watchers], "done")
    assert not any(each.refusals for each in watchers)
    assert {each.statuses[-1] for each in watchers} == {"COMPLETED"}
    assert sum(each.sessions for each in watchers) > 2 * WATCHERS


@pytest.mark.parametrize("restarted", [False, True])
async def test_who_follows_all_changes_gets_each_of_them_once(
    services: Services, addresses: list[str], server: Server, restarted: bool
) -> None:
    dice = Random(SEED)
    disturber = Disturber(services.database_url, dice, server if restarted else None)
    followers = [Follower(addresses, Random(number)) for number in range(20)]
    async with asyncio.TaskGroup() as group:
        for each in followers:
            group.create_task(each.run())
        await all_of([*followers], "begun")
        async with writing(services, dice):
            await disturber.run(SECONDS)
        happened = await _journal(services)
        await _caught_up(followers, happened)
        for each in followers:
            each.done.set()
    assert disturber.listeners_ended
    assert not any(each.refusals for each in followers)
    for each in followers:
        assert each.entries - happened == Counter(), "told twice, or of what did not happen"
        assert happened - each.entries == Counter(), "missed"


async def _journal(services: Services) -> Counter[tuple[str, str]]:
    connection = await asyncpg.connect(services.database_url)
    rows = await connection.fetch("select task_id::text, event::text from rowbell.journal")
    await connection.close()
    return Counter((row[0], row[1]) for row in rows)


async def _caught_up(followers: list[Follower], happened: Counter[tuple[str, str]]) -> None:
    """Wait for the last of them, no longer than the deadline: what is missing then was missed."""
    deadline = asyncio.get_running_loop().time() + SETTLED_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if all(each.entries.total() >= happened.total() for each in followers):
            return
        await asyncio.sleep(0.05)
