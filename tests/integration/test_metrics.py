"""What a scrape tells, and who may have it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Route

from rowbell.api.auth import Gate
from rowbell.api.metrics import MetricsPage, check_access
from rowbell.config import Settings
from rowbell.db import gauges, tokens
from rowbell.db.pool import Database
from rowbell.engine.watchdog import watching
from rowbell.errors import ConfigurationError
from rowbell.measures import BOUNDS, measures
from rowbell.metrics import Metrics, Sources
from rowbell.metrics.catalogue import METRICS
from rowbell.viewer import Role, Viewer

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks

SECRET = "nobody-guesses-this"


@pytest.fixture(autouse=True)
def from_zero() -> None:
    measures.pairs.clear()


async def until_ended(kind: str, count: int) -> dict[str, int]:
    """The outcomes by now: they are counted just after they can be seen in the table."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            pair = measures.pairs.get(("default", kind))
            if pair and sum(pair.ended.values()) == count:
                return pair.ended
            await asyncio.sleep(0.01)


@dataclass
class Scraped:
    """Values by name and labels."""

    text: str

    def value(self, name: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    def names(self) -> set[str]:
        families = text_string_to_metric_families(self.text)
        return {f"{each.name}_total" if each.type == "counter" else each.name for each in families}


async def scrape(database: Database, sources: Sources | None = None) -> Scraped:
    body, media = await Metrics(database, sources or Sources()).text("")
    assert media.startswith("text/plain")
    return Scraped(body.decode())


async def test_every_metric_of_the_catalogue_can_be_scraped(
    start_engine: StartEngine, tasks: Tasks, database: Database
) -> None:
    async def measured() -> None:
        """Do nothing."""

    await start_engine(measured)
    await tasks.insert("measured")
    await until_ended("measured", 1)
    await tasks.insert("unknown_kind", queue="elsewhere")
    await tasks.connection.execute("select rowbell.fold_journal()")
    measures.operations["query"] += 1
    measures.refusals["NOT_FOUND"] += 1
    sources = Sources(slots=lambda: (10, 1), subscribers=lambda: 2, sockets=lambda: 3)
    scraped = await scrape(database, sources)
    assert set(METRICS) - {"rowbell_build_info"} <= scraped.names()
    assert scraped.value("rowbell_build_info", version="0.1.0") == 1
    pair = {"queue": "default", "kind": "measured"}
    assert scraped.value("rowbell_attempts_total", outcome="completed", **pair) == 1
    assert scraped.value("rowbell_wait_seconds_count", **pair) == 1
    assert scraped.value("rowbell_run_seconds_bucket", le="+Inf", **pair) == 1
    assert scraped.value("rowbell_tasks", queue="elsewhere", status="pending") == 1
    assert scraped.value("rowbell_workers") == 1
    assert scraped.value("rowbell_slots_busy") == 1
    oldest = scraped.value("rowbell_oldest_due_seconds", queue="elsewhere")
    assert oldest is not None
    assert 0 < oldest < 60


async def test_a_failed_attempt_counts_as_retried_and_the_last_one_as_failed(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    async def breaks() -> None:
        raise RuntimeError("broken")

    await start_engine(breaks, max_attempts=2, backoff=lambda _: 0)
    await tasks.insert("breaks")
    ended = await until_ended("breaks", 2)
    assert (ended["retried"], ended["failed"]) == (1, 1)


async def test_the_database_is_asked_once_in_five_seconds(
    database: Database, connection: asyncpg.Connection
) -> None:
    metrics = Metrics(database, Sources())
    await metrics.text("")
    await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
    body, _ = await metrics.text("")
    assert Scraped(body.decode()).value("rowbell_oldest_due_seconds") is None


async def test_a_scrape_without_a_database_says_so_and_keeps_its_counters(
    database: Database,
) -> None:
    database.hang_up()
    scraped = await scrape(database)
    assert scraped.value("rowbell_database_up") == 0
    assert scraped.value("rowbell_tasks") is None
    assert scraped.value("rowbell_looks_total") is not None


async def test_the_bounds_are_those_of_the_database(connection: asyncpg.Connection) -> None:
    assert await connection.fetchval("select rowbell.histogram_bounds()") == list(BOUNDS)


def test_queues_beyond_the_largest_are_added_up() -> None:
    many = {(f"queue_{number}", "pending"): number + 1 for number in range(60)}
    told = gauges.bounded(many)
    assert len(told) == gauges.MOST_QUEUES + 1
    assert told["other", "pending"] == sum(range(1, 11))
    assert sum(told.values()) == sum(many.values())
    waits = gauges.longest({f"queue_{number}": float(number) for number in range(60)})
    assert (len(waits), waits["other"]) == (gauges.MOST_QUEUES + 1, 9.0)


@pytest.fixture
async def gate(database: Database) -> Gate:
    gate = Gate(database, Settings.load({}))
    await gate.prepare()
    return gate


@pytest.fixture
async def page(database: Database, gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    """/metrics behind a gate, and /own with a token of its own besides."""
    metrics = Metrics(database, Sources())
    app = Starlette(
        routes=[
            Route("/metrics", MetricsPage(metrics, None, gate).serve),
            Route("/own", MetricsPage(metrics, SECRET, gate).serve),
            Route("/worker", MetricsPage(metrics, SECRET).serve),
        ]
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rowbell") as client:
        yield client


async def make_token(database: Database, gate: Gate, role: Role) -> dict[str, str]:
    viewer = Viewer(role=role, subject=f"{role}")
    made = await tokens.create(database, f"{role}", viewer, lifetime=None)
    gate.changed()
    await gate._look()
    return {"Authorization": f"Bearer {made.secret}"}


async def test_metrics_are_open_while_the_api_is(page: httpx.AsyncClient) -> None:
    answer = await page.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "rowbell_build_info" in answer.text


async def test_openmetrics_is_served_to_whoever_accepts_it(page: httpx.AsyncClient) -> None:
    answer = await page.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_with_credentials_they_need_the_role_operator(
    page: httpx.AsyncClient, database: Database, gate: Gate
) -> None:
    reader = await make_token(database, gate, Role.READER)
    operator = await make_token(database, gate, Role.OPERATOR)
    anybody = await page.get("/metrics")
    assert (anybody.status_code, "WWW-Authenticate" in anybody.headers) == (401, True)
    refused = await page.get("/metrics", headers=reader)
    assert refused.status_code == 403
    assert "needs the role operator" in refused.json()["errors"][0]["message"]
    assert (await page.get("/metrics", headers=operator)).status_code == 200


@pytest.mark.parametrize("path", ["/own", "/worker"])
async def test_a_token_of_their_own_lets_in_and_is_asked_for_in_any_case(
    page: httpx.AsyncClient, path: str
) -> None:
    assert (await page.get(path)).status_code == 401
    wrong = await page.get(path, headers={"Authorization": "Bearer another"})
    assert wrong.status_code == 401
    right = await page.get(path, headers={"Authorization": f"Bearer {SECRET}"})
    assert right.status_code == 200


def test_a_worker_does_not_show_its_metrics_to_strangers() -> None:
    there = {"ROWBELL_HOST": "0.0.0.0", "ROWBELL_METRICS_PORT": "9100"}  # noqa: S104
    with pytest.raises(ConfigurationError, match="could read the metrics"):
        check_access(Settings.load(there))
    check_access(Settings.load({**there, "ROWBELL_METRICS_TOKEN": SECRET}))
    check_access(Settings.load({"ROWBELL_METRICS_PORT": "9100"}))


async def test_the_lag_of_the_loop_is_measured_all_the_time(database: Database) -> None:
    before = sum(measures.loop_lags.counts)
    with watching(0.04):
        async with asyncio.timeout(DEADLINE_SECONDS):
            while sum(measures.loop_lags.counts) < before + 2:
                await asyncio.sleep(0.01)
