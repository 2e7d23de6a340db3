"""The fields of the bell: the listener of each process, the triggers, the server's queue."""

import os
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period
from rowbell.api.resolvers import Values, query, subscription
from rowbell.db import bell, roster
from rowbell.db.bell import BellRings
from rowbell.db.pool import Database
from rowbell.db.roster import WorkerLine
from rowbell.tally import tally

bell_type = ObjectType("Bell")


@dataclass(frozen=True, slots=True)
class BellFound:
    rings: BellRings
    workers: list[WorkerLine]


@query.field("bell")
async def read_bell(_: object, info: Info) -> BellFound:
    return await _bell(context_of(info).database)


@subscription.source("bell")
def watch_bell(_: object, info: Info, *, every: timedelta) -> AsyncGenerator[BellFound, None]:
    context = context_of(info)
    read = partial(_bell, context.database)
    return context.readings.watched("bell", read, check_period(every))


@subscription.field("bell")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


@bell_type.field("processes")
def processes_of(found: BellFound, _: Info) -> list[Values]:
    """This process knows its own tally of this moment."""
    here = (socket.gethostname(), os.getpid())
    told = [
        _state(w.id, w.host, w.pid, datetime.now(UTC), tally.as_json())
        if (w.host, w.pid) == here
        else state_of_worker(w)
        for w in found.workers
    ]
    if all((w.host, w.pid) != here for w in found.workers):
        told.insert(0, _state(None, *here, datetime.now(UTC), tally.as_json()))
    return [each for each in told if each]


@bell_type.field("problem")
def problem_of(found: BellFound, _: Info) -> str | None:
    return found.rings.problem


@bell_type.field("triggers")
def triggers_of(found: BellFound, _: Info) -> object:
    return found.rings.triggers


@bell_type.field("queueUsage")
def usage_of(found: BellFound, _: Info) -> float:
    return found.rings.queue_usage


@bell_type.field("holders")
def holders_of(found: BellFound, _: Info) -> object:
    return found.rings.holders


def state_of_worker(worker: WorkerLine) -> Values | None:
    """As of its last beat; None if it has told nothing."""
    if worker.tally is None:
        return None
    return _state(worker.id, worker.host, worker.pid, worker.last_seen_at, worker.tally)


async def _bell(database: Database) -> BellFound:
    """Raises Unavailable."""
    return BellFound(await bell.bell(database), await roster.workers(database))


def _state(
    worker: int | None, host: str, pid: int, at: datetime, counted: dict[str, Any]
) -> Values:
    """A worker of another version may count other things: nothing may be missing here."""
    probed_at = counted.get("probed_at")
    return {
        "worker_id": None if worker is None else str(worker),
        "host": host,
        "pid": pid,
        "at": at,
        "listening": bool(counted.get("is_listening")),
        "deaf": bool(counted.get("is_deaf")),
        "probed_at": datetime.fromisoformat(probed_at) if probed_at else None,
        "probe_seconds": counted.get("probe_seconds"),
        "probes": counted.get("probes", 0),
        "reconnects": max(0, counted.get("listener_connects", 0) - 1),
        "gaps": counted.get("listener_losses", 0),
        "heard": counted.get("bells_heard", 0),
        "looks": counted.get("looks", 0),
        "empty_looks": counted.get("empty_looks", 0),
        "failed_looks": counted.get("failed_looks", 0),
        "answered": counted.get("tasks_answered", 0),
        "swept_tasks": counted.get("tasks_swept", 0),
        "sweeps": counted.get("sweeps", 0),
        "rescued": counted.get("tasks_rescued", 0),
        "tally": counted,
    }
