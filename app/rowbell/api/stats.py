"""The fields of statistics."""

from datetime import timedelta

from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period, check_window
from rowbell.api.resolvers import Values, query, subscription
from rowbell.api.stats_source import StatsSource
from rowbell.db import stats
from rowbell.db.stats import Histogram, Stats

stats_type = ObjectType("Stats")

STATS = [stats_type]


@query.field("stats")
async def read_stats(
    _: object, info: Info, *, window: timedelta, queue: str | None = None, kind: str | None = None
) -> Stats:
    check_window(window)
    return await stats.stats(context_of(info).database, window=window, queue=queue, kind=kind)


@subscription.shared("stats")
def watch_stats(
    _: object,
    info: Info,
    *,
    window: timedelta,
    every: timedelta,
    queue: str | None = None,
    kind: str | None = None,
) -> StatsSource:
    check_window(window)
    check_period(every)
    return StatsSource(context_of(info).database, window, every, queue, kind)


@subscription.field("stats")
def pass_on(found: Stats, _: Info, **__: object) -> Stats:
    return found


@stats_type.field("throughput")
def throughput_of(found: Stats, _: Info) -> float:
    return found.completed / found.window.total_seconds()


@stats_type.field("waitSeconds")
def waits_of(found: Stats, _: Info) -> Values | None:
    return percentiles_of(found.waits)


@stats_type.field("runSeconds")
def runs_of(found: Stats, _: Info) -> Values | None:
    return percentiles_of(found.runs)


def percentiles_of(histogram: Histogram) -> Values | None:
    """None: it is empty."""
    if not any(histogram.counts):
        return None
    # The schema converts the case of names, and takes a digit for the beginning of a word.
    shares = {"p_50": 0.5, "p_95": 0.95, "p_99": 0.99}
    return {name: round(histogram.percentile(share), 6) for name, share in shares.items()}
