"""One scrape: what the process counted, and the state of the database, a few seconds old."""

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

from rowbell import __version__
from rowbell.db import gauges
from rowbell.db.gauges import Gauges, bounded, longest
from rowbell.db.pool import Database
from rowbell.errors import RowbellError
from rowbell.measures import Measures, measures
from rowbell.metrics.families import Families
from rowbell.tally import Tally, tally

FRESH_SECONDS = 5.0
"""However many scrape, and however often: the database is asked so seldom."""
ANSWER_SECONDS = 2.0


@dataclass(slots=True, kw_only=True)
class Sources:
    """What belongs to one process; None: it has no such thing."""

    slots: Callable[[], tuple[int, int]] | None = None
    """(all, busy) of the worker."""
    subscribers: Callable[[], int] | None = None
    sockets: Callable[[], int] | None = None
    tally: Tally = field(default_factory=lambda: tally)
    measures: Measures = field(default_factory=lambda: measures)


class Metrics:
    """One for each process: `text` is the answer to a scrape."""

    def __init__(self, database: Database, sources: Sources) -> None:
        self.sources = sources
        self.database = database
        self._gauges: Gauges | None = None
        self._asked_at = -FRESH_SECONDS
        self._asking = asyncio.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(self)

    async def text(self, accept: str) -> tuple[bytes, str]:
        """The answer and its media type: OpenMetrics for who accepts it, else the older text."""
        await self._ask()
        encode, media = choose_encoder(accept)
        return encode(self._registry), media

    async def _ask(self) -> None:
        """Read the state of the database, unless it was read a moment ago."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now < self._asked_at + FRESH_SECONDS:
                return
            self._asked_at = now
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    self._gauges = await gauges.gauges(self.database)
            except (RowbellError, TimeoutError):
                self._gauges = None

    def collect(self) -> Families:
        """For prometheus_client: every family of metrics."""
        found = Families()
        found.info("rowbell_build_info", version=__version__, python=platform.python_version())
        self._add_attempts(found)
        self._add_counters(found)
        self._add_process(found)
        self._add_database(found)
        return found

    def _add_attempts(self, found: Families) -> None:
        for pair, cell in self.sources.measures.pairs.items():
            for outcome, count in cell.ended.items():
                found.add("rowbell_attempts_total", count, *pair, outcome)
            found.add_distribution("rowbell_wait_seconds", cell.waits, *pair)
            found.add_distribution("rowbell_run_seconds", cell.runs, *pair)

    def _add_counters(self, found: Families) -> None:
        counted = self.sources.tally
        found.add_tallied(counted)
        found.add("rowbell_listening", counted.is_listening)
        found.add("rowbell_deaf", counted.is_deaf)
        if counted.probe_seconds is not None and counted.probed_at is not None:
            found.add("rowbell_probe_seconds", counted.probe_seconds)
            found.add("rowbell_probed_timestamp_seconds", counted.probed_at.timestamp())
        measured = self.sources.measures
        found.add("rowbell_http_requests_total", measured.requests)
        for kind, count in measured.operations.items():
            found.add("rowbell_operations_total", count, kind)
        for code, count in measured.refusals.items():
            found.add("rowbell_refusals_total", count, code)
        found.add_distribution("rowbell_loop_lag_seconds", measured.loop_lags)
        found.add_distribution("rowbell_connection_wait_seconds", measured.connection_waits)

    def _add_process(self, found: Families) -> None:
        for pool, used, idle in self.database.load():
            found.add("rowbell_connections", used, pool, "used")
            found.add("rowbell_connections", idle, pool, "idle")
        if self.sources.slots:
            total, busy = self.sources.slots()
            found.add("rowbell_slots", total)
            found.add("rowbell_slots_busy", busy)
        if self.sources.subscribers:
            found.add("rowbell_subscribers", self.sources.subscribers())
        if self.sources.sockets:
            found.add("rowbell_sockets", self.sources.sockets())

    def _add_database(self, found: Families) -> None:
        state = self._gauges
        found.add("rowbell_database_up", state is not None)
        if state is None:
            return
        for (queue, status), count in bounded(state.tasks).items():
            found.add("rowbell_tasks", count, queue, status)
        for queue, seconds in longest(state.oldest).items():
            found.add("rowbell_oldest_due_seconds", seconds, queue)
        found.add("rowbell_workers", state.workers)
        found.add("rowbell_notify_queue_ratio", state.notify_usage)
