"""One line an event. The vocabulary is EVENTS; ids are fields; a payload is never logged."""

import logging
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from rowbell.repeats import Repeats

SUPPRESSED = "log.suppressed"

EVENTS = {
    "service.starting": "A process begins to start; says what it runs on.",
    "service.ready": "Everything is up: schema checked, listener ready, workers running.",
    "service.stopping": "A signal or a failure ends the process; the drain begins.",
    "service.stopped": "The last line of a process, with its reason.",
    "embedded.started": "The embedded PostgreSQL was started by this process.",
    "embedded.joined": "The embedded PostgreSQL was already running; this process uses it too.",
    "embedded.stopped": "The last user of the embedded PostgreSQL left, so it was stopped.",
    "schema.migrated": "Migrations or changed functions, views and triggers were applied.",
    "schema.delayed": "A migration gave way to transactions of others; it is tried again.",
    "database.awaited": "PostgreSQL is not there yet at the start; it is waited for.",
    "database.lost": "A statement found PostgreSQL gone; it is tried again with growing pauses.",
    "database.recovered": "PostgreSQL answers again.",
    "listener.ready": "LISTEN is in force, and every queue is looked at once.",
    "listener.lost": "The listening connection failed; bells are missed until it is back.",
    "listener.deaf": "LISTEN works but no NOTIFY arrives (a pooler, a replica): sweeps only.",
    "bell.heard": "A NOTIFY said that a queue has due tasks.",
    "bell.disabled": "A bell trigger is off, or NOTIFY has no room; the line has the SQL for it.",
    "dispatcher.started": "A queue got a dispatcher in this process.",
    "dispatcher.stopped": "A dispatcher ended: drain, or nothing to do for a long time.",
    "worker.started": "The worker registered itself, with its kinds, queues and slots.",
    "worker.draining": "No further task is claimed; running ones may finish.",
    "worker.stopped": "The worker signed off; nothing of it is PROCESSING.",
    "worker.cut_off": "PostgreSQL did not answer the drain: others rescue the worker's tasks.",
    "worker.fenced": "This worker was silent too long, so its tasks were given to others.",
    "heartbeat.failed": "A heartbeat could not be written; it is tried again.",
    "claim.failed": "A claim failed; the queue is looked at again, twice a second at most.",
    "task.claimed": "A task is PROCESSING here.",
    "task.completed": "A task is COMPLETED.",
    "task.failed": "An attempt failed; says whether and when another one follows.",
    "task.exhausted": "No attempt is left: the task is FAILED; says what was enqueued for it.",
    "backoff.failed": "The backoff of a kind raised or gave no number; the usual one was taken.",
    "task.released": "An attempt was ended without a verdict (drain); the task is PENDING again.",
    "task.cancelled": "A task was cancelled, by whom it says.",
    "task.retried": "A finished task was sent back to PENDING by a person or a client.",
    "task.created": "A task was created through the API or the command line.",
    "task.replaced": "The open task with the unique_key was given another input or time instead.",
    "tasks.cancelled": "Many tasks were cancelled by a filter; says how many.",
    "tasks.retried": "Many tasks were sent back to PENDING by a filter; says how many.",
    "stack.lost": "Somebody asked where a handler is, and the answer could not be written.",
    "task.logged": "A line that a handler wrote with context.log().",
    "attempt.refused": "A write of an attempt came too late: the task belongs to another attempt.",
    "completer.failed": "A batch of outcomes could not be written; it is tried again.",
    "sweep.found": "Due tasks that no bell had announced.",
    "sweep.rescued": "Tasks of silent workers are PENDING again.",
    "sweep.pruned": "Finished tasks older than the retention were deleted.",
    "journal.dropped": "Days of the journal that are beyond its retention were dropped.",
    "sweep.met": "Tasks waited for parents that had ended without their knowing; they run now.",
    "sweep.failed": "A sweep failed; the next one follows.",
    "kind.unknown": "Due tasks wait for a kind that no live worker knows.",
    "schedule.ticked": "A schedule was due, and its task was enqueued here.",
    "schedule.missed": "Runs of a schedule were missed; says what its policy made of them.",
    "schedule.skipped": "A schedule was due while a task with its unique_key was open.",
    "schedule.unreadable": "The times of a schedule cannot be read; it waits to be changed.",
    "schedule.kept": "A person changed a schedule that code declares too; the person's holds.",
    "schedule.undeclared": "No live worker has had a schedule in its code for a day: no ticks.",
    "schedule.failed": "A schedule could not be planned or ticked; it is tried again.",
    "schedule.changed": "A schedule was added, paused, resumed or dropped by a person.",
    "api.failed": "A request failed for a reason that is ours; the answer has this line's id.",
    "api.open": "No credentials are configured: whoever reaches the API may do everything.",
    "token.changed": "An API token was made or revoked by a person; says which.",
    "alert.sent": "ROWBELL_ALERT_URL was told of a condition, or that it is over.",
    "alert.failed": "An alert could not be sent; it is tried again at the next look.",
    "keys.failed": "The keys that JWTs are checked with could not be read; the old ones stay.",
    "log.suppressed": "A fault repeated: so many lines of this event were left out in a minute.",
    "library.warned": "A library wrote a warning or an error to Python's own log.",
    "process.started": "A worker process was started: --processes.",
    "process.died": "A worker process, or an idle one for handlers, died; another takes its place.",
    "loop.blocked": "The event loop does not answer; the line has the stack that blocks it.",
    "loop.freed": "The event loop answers again; says for how long it did not.",
    "queue.paused": "A queue was paused.",
    "queue.resumed": "A queue was resumed.",
    "queue.limited": "Limits of a queue were changed by a person or a client.",
    "kind.limited": "Limits of a kind were changed by a person or a client.",
    "key.limited": "The limit of a concurrency_key was changed by a person or a client.",
}


def _check_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if event["event"] not in EVENTS:
        raise ValueError(f"log event {event['event']!r} is not in rowbell.logs.EVENTS")
    return event


class _Limit:
    """Drops the lines of a fault that repeats, and says so with the next line after its minute."""

    def __init__(self, most: int) -> None:
        self._repeats = Repeats(most, time.monotonic)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event["event"] == SUPPRESSED:
            return event
        ends = event["event"] == "service.stopped"
        for left_out in list(self._repeats.all() if ends else self._repeats.ended()):
            log.warning(SUPPRESSED, **left_out)
        if self._repeats.is_too_many(event):
            raise structlog.DropEvent
        return event


def _add_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # `grep task=42` must find a line in either format, so JSON carries the plain text too.
    words = [f"{key}={value}" for key, value in event.items() if key not in _NOT_WORDS]
    return {**event, "message": " ".join([event["event"], *words])}


_NOT_WORDS = {"event", "level", "timestamp", "traceback", "exception", "stack"}


def _to_json(event: EventDict, **_: object) -> bytes:
    return orjson.dumps(event, default=str)


_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
_JSON = structlog.processors.JSONRenderer(serializer=_to_json)


def configure(level: str = "info", form: str = "auto", repeats: int = 0) -> None:
    """Set up logging for this process: `form` is auto, console or json; lines go to stderr.

    `repeats`: lines of one warning or error in a minute; 0: all of them.
    """
    logging.basicConfig(handlers=[_Libraries(logging.WARNING)], level=logging.WARNING, force=True)
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _check_event,
        structlog.processors.add_log_level,
        _Limit(repeats),
        _STAMP,
    ]
    structlog.configure(
        processors=[*shared, structlog.dev.ConsoleRenderer(pad_event_to=20)]
        if console
        else [
            *shared,
            structlog.processors.format_exc_info,
            _add_message,
            _JSON,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr)
        if console
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def each(level: int, event: str, lines: Iterable[Mapping[str, object]]) -> None:
    """`log.log(level, event, **line)` for lines that have the same fields.

    As JSON in one write, under one stamp: what ends by the thousand in a second takes a tenth of
    the time of so many calls.
    """
    if not log.is_enabled_for(level):
        return
    config = structlog.get_config()
    if config["processors"][-1] is not _JSON:  # on a terminal a person reads along
        for line in lines:
            log.log(level, event, **line)
        return
    name = logging.getLevelName(level).lower()
    common = _STAMP(log, name, _check_event(log, name, {"event": event, "level": name}))
    context = structlog.contextvars.get_contextvars()
    if context:
        lines = ({**context, **line} for line in lines)
    written: list[bytes] = []
    words = ""
    for line in lines:
        words = words or " ".join([event, *(f"{key}=%s" for key in line)])
        whole = {**line, **common, "message": words % tuple(line.values())}
        written.append(orjson.dumps(whole, default=str))
    if written:
        config["logger_factory"]().msg(b"\n".join(written))


class _Libraries(logging.Handler):
    """Brings what libraries log into the same stream, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("library.warned", library=record.name, text=record.getMessage())


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
