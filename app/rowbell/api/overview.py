"""The fields of what an operator sees first: overview, history, what needs attention."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import orjson
from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period, check_window
from rowbell.api.resolvers import Values, query, subscription
from rowbell.api.stats import percentiles_of
from rowbell.db import attention, history, journal, queues, stats, summary
from rowbell.db.attention import Attention
from rowbell.db.history import Step
from rowbell.db.pool import Database
from rowbell.db.queues import QueueLine
from rowbell.db.stats import Stats
from rowbell.errors import RowbellError
from rowbell.task import Status

minute_type = ObjectType("Minute")

MINUTE = timedelta(minutes=1)
FOLD_SECONDS = 1.0
"""What counting what is new may take; a long backlog is the sweeps' to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    at: datetime = field(compare=False)
    counts: dict[str, int]
    stats: Stats
    queues: list[QueueLine]
    attention: list[Attention]
    now: Step | None
    workers: int
    slots: int
    busy: int


@query.field("overview")
async def read_overview(_: object, info: Info, *, window: timedelta) -> Overview:
    return await _overview(context_of(info).database, check_window(window))


@subscription.source("overview")
def watch_overview(
    _: object, info: Info, *, window: timedelta, every: timedelta
) -> AsyncGenerator[Overview, None]:
    context = context_of(info)
    read = partial(_overview, context.database, check_window(window))
    return context.readings.watched(("overview", window), read, check_period(every))


@query.field("history")
async def read_history(
    _: object, info: Info, *, window: timedelta, queue: str | None = None, kind: str | None = None
) -> list[Step]:
    return await history.history(
        context_of(info).database, window=check_window(window), queue=queue, kind=kind
    )


@subscription.source("history")
def watch_history(
    _: object,
    info: Info,
    *,
    window: timedelta,
    every: timedelta,
    queue: str | None = None,
    kind: str | None = None,
) -> AsyncGenerator[list[Step], None]:
    context = context_of(info)
    past = _Past(context.database, check_window(window), queue, kind)
    key = ("history", window, queue, kind)
    return context.readings.watched(key, past.read, check_period(every))


@query.field("attention")
async def read_attention(_: object, info: Info) -> list[Attention]:
    return await attention.attention(context_of(info).database)


@subscription.field("overview")
@subscription.field("history")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


@minute_type.field("waitSeconds")
def waits_of(step: Step, _: Info) -> Values | None:
    return percentiles_of(step.waits)


@minute_type.field("runSeconds")
def runs_of(step: Step, _: Info) -> Values | None:
    return percentiles_of(step.runs)


class _Past:
    """A history that reads again only what may have changed: its last two steps."""

    def __init__(
        self, database: Database, window: timedelta, queue: str | None, kind: str | None
    ) -> None:
        self._database = database
        self._window = window
        self._of = {"queue": queue, "kind": kind}
        self._known: list[Step] = []

    async def read(self) -> list[Step]:
        """Raises Unavailable."""
        step = history.step_of(self._window)
        since = self._known[-1].at - step if self._known else None
        found = await history.history(self._database, window=self._window, since=since, **self._of)
        if since is not None and found:
            first = found[-1].at - self._window
            found = [each for each in self._known if first <= each.at < since] + found
        self._known = found or self._known
        return self._known


async def _overview(database: Database, window: timedelta) -> Overview:
    """Raises Unavailable."""
    await _count(database)
    found = await summary.summary(database)
    counts = orjson.loads(found.counts or "{}")
    steps = await history.history(database, window=MINUTE)
    return Overview(
        at=found.at,
        counts={status.lower(): counts.get(status, 0) for status in Status},
        stats=await stats.stats(database, window=window),
        queues=await queues.queues(database),
        attention=await attention.attention(database),
        now=next((s for s in steps if s.at <= found.at < s.at + MINUTE), None),
        workers=found.workers,
        slots=found.slots,
        busy=found.busy,
    )


async def _count(database: Database) -> None:
    """Sweeps count what is new every few seconds; who watches sees it sooner."""
    try:
        async with asyncio.timeout(FOLD_SECONDS):
            await journal.fold(database)
    except (RowbellError, TimeoutError):
        return
