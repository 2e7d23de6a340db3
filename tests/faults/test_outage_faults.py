"""Outages: PostgreSQL restarts, the network goes dark, a standby takes over."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator

import asyncpg
import httpx
import pytest

from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from e2e.service import Service
from integration.conftest import connected
from line import Line
from postgres import Server, available

StartService = Callable[..., Service]

DARK_SECONDS = float(os.environ.get("FAULTS_DARK_SECONDS", "11"))
Figure = Callable[[str, float, float], None]


async def noop() -> None:
    """Nothing to do."""


async def healthy_in(service: Service, url: str) -> float:
    """Seconds until the service says that it is ready, and runs what is inserted."""
    began = time.monotonic()
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient() as client,
        connected(url) as tasks,
    ):
        while (await client.get(f"{service.address}/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
        await tasks.until_status(await tasks.insert("echo"), "COMPLETED")
    return time.monotonic() - began


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_service_is_healthy_soon_after_a_restart_of_postgresql(
    lonely: Server, start_service: StartService, figure: Figure, mode: str
) -> None:
    """Pitfall 3, 37: the process needs no restart of its own."""
    service = start_service("serve", lonely.url())
    await asyncio.to_thread(service.wait_for, "service.ready")
    since = len(service.events)
    await asyncio.to_thread(lonely.stop, mode)
    await asyncio.to_thread(service.wait_for, "listener.lost", since=since)
    await asyncio.sleep(2)  # an outage in which pauses grow
    await asyncio.to_thread(lonely.start)
    figure(f"healthy after a restart ({mode})", await healthy_in(service, lonely.url()), 2)
    await asyncio.to_thread(service.wait_for, "listener.ready", since=since)


@pytest.mark.timeout(300 + DARK_SECONDS)
@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_dark_network_is_noticed_and_left_behind_soon_after_it_is_lit(
    line: Line, database_url: str, start_service: StartService, figure: Figure
) -> None:
    """Pitfall 1: all connections of a service at once. FAULTS_DARK_SECONDS=60: a long night."""
    service = start_service("serve", line.url(database_url))
    await asyncio.to_thread(service.wait_for, "service.ready")
    since = len(service.events)
    line.dark()
    began = time.monotonic()
    await asyncio.to_thread(service.wait_for, "listener.lost", since=since)
    noticed = time.monotonic() - began
    figure("a dark network is noticed", noticed, 10)
    await asyncio.sleep(DARK_SECONDS - noticed)
    line.lit()
    seconds = await healthy_in(service, database_url)
    figure(f"healthy after {DARK_SECONDS:g} s of dark", seconds, 2)
    await asyncio.to_thread(service.wait_for, "listener.ready", since=since)
    said = [event for event in service.events[since:] if event["event"] == "listener.lost"]
    assert len(said) <= 3 + DARK_SECONDS / 4


# ---------------------------------------------------------------- 37: failover


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary with the schema, and its streaming standby."""
    primary = Server("packaged", available()["packaged"])
    asyncio.run(migrate(primary.url()))
    standby = primary.standby()
    yield primary, standby
    primary.remove()
    standby.remove()


def test_service_follows_a_failover_to_the_standby(
    pair: tuple[Server, Server], start_service: StartService, figure: Figure
) -> None:
    """Pitfall 37: the primary is killed; a URL with both hosts leads to the promoted standby."""
    primary, standby = pair
    hosts = f"{primary.folder},{standby.folder}"
    url = f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"
    service = start_service("serve", url)
    service.wait_for("service.ready")
    since = len(service.events)
    primary.kill()
    service.wait_for("listener.lost", since=since)
    standby.promote()
    figure("healthy after a promotion", asyncio.run(healthy_in(service, standby.url())), 2)
    service.wait_for("listener.ready", since=since)


def test_service_leaves_a_primary_that_became_read_only(
    pair: tuple[Server, Server], start_service: StartService, figure: Figure
) -> None:
    """Pitfall 37: "cannot execute UPDATE in a read-only transaction" ends the connection."""
    primary, standby = pair
    seconds = asyncio.run(follow_the_address(primary, standby, start_service))
    figure("healthy after a demotion that ends no connection", seconds, 10)  # a probe, a sweep


async def follow_the_address(
    primary: Server, standby: Server, start_service: StartService
) -> float:
    async with Line(primary).open() as line:
        service = start_service("serve", line.url(primary.url()))
        await asyncio.to_thread(service.wait_for, "service.ready")
        since = len(service.events)
        demoted = await asyncpg.connect(primary.url())
        await demoted.execute("alter system set default_transaction_read_only = on")
        await demoted.execute("select pg_reload_conf()")
        line.server = standby
        await asyncio.to_thread(standby.promote)
        seconds = await healthy_in(service, standby.url())
        await asyncio.to_thread(service.wait_for, "listener.ready", since=since)
        left = "select count(*) from pg_stat_activity where application_name like 'rowbell%'"
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await demoted.fetchval(left):
                await asyncio.sleep(0.05)
        await demoted.close()
    await asyncio.to_thread(service.stop)
    return seconds
