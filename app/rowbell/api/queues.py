"""The fields of queues and kinds, and the mutations of their limits."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial
from typing import Any

from rowbell.api import arguments
from rowbell.api.context import Info, context_of
from rowbell.api.mutations import mutation
from rowbell.api.periods import check_period
from rowbell.api.resolvers import Values, query, queue_type, subscription
from rowbell.db import queues
from rowbell.db.queues import KindLine, QueueLine
from rowbell.errors import Forbidden, InvalidArgument
from rowbell.logs import log

Given = dict[str, Any]


@query.field("queues")
async def read_queues(_: object, info: Info) -> list[QueueLine]:
    return await queues.queues(context_of(info).database)


@subscription.source("queues")
def watch_queues(
    _: object, info: Info, *, every: timedelta
) -> AsyncGenerator[list[QueueLine], None]:
    context = context_of(info)
    read = partial(queues.queues, context.database)
    return context.readings.watched("queues", read, check_period(every))


@subscription.field("queues")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


@query.field("kinds")
async def read_kinds(_: object, info: Info) -> list[KindLine]:
    return await queues.kinds(context_of(info).database)


@query.field("keyLimits")
async def read_key_limits(_: object, info: Info) -> list[Values]:
    found = await queues.key_limits(context_of(info).database)
    return [{"key": key, "max_running": most} for key, most in found]


@mutation.field("setQueueLimits")
async def set_queue_limits(_: object, info: Info, *, name: str, limits: Given) -> Values:
    context = context_of(info)
    arguments.queue_name(name)
    if "max_running_per_key" in limits:
        raise InvalidArgument(
            "a queue has no limit for each key.",
            hint="Set it for a kind, or setKeyLimit for one key.",
            field="max_running_per_key",
        )
    await queues.limit_queue(context.database, name, _some(limits), subject=context.subject)
    log.info("queue.limited", queue=name, by=context.subject or "api", **limits)
    return {"name": name}


@mutation.field("setKindLimits")
async def set_kind_limits(_: object, info: Info, *, name: str, limits: Given) -> KindLine:
    context = context_of(info)
    await queues.limit_kind(context.database, name, _some(limits), subject=context.subject)
    log.info("kind.limited", kind=name, by=context.subject or "api", **limits)
    return (await queues.kinds(context.database, name))[0]


@mutation.field("setKeyLimit")
async def set_key_limit(
    _: object, info: Info, *, key: str, max_running: int | None = None
) -> Values:
    context = context_of(info)
    arguments.check_key(key)
    await queues.limit_key(context.database, key, max_running, subject=context.subject)
    log.info("key.limited", key=key, by=context.subject or "api", max_running=max_running)
    return {"key": key, "max_running": max_running}


def _some(limits: Given) -> Given:
    if not limits:
        raise InvalidArgument("no limit is given.", hint="Give one; null takes it away.")
    return limits


async def _line(queue: Values | QueueLine, info: Info) -> QueueLine:
    """All that is known of a queue, read once for all fields of all queues of a request."""
    if isinstance(queue, QueueLine):
        return queue
    context = context_of(info)
    if not context.viewer.sees_everything:
        raise Forbidden(
            f"Queue.{info.field_name} needs the role operator; yours is {context.viewer.role}.",
            hint="Ask an operator, or for a token with that role.",
        )
    return await context.queue_line(queue["name"])


async def _of_line(queue: Values | QueueLine, info: Info) -> Any:
    return getattr(await _line(queue, info), _ATTRIBUTES[info.field_name])


_ATTRIBUTES = {
    "pausedAt": "paused_at",
    "pausedBy": "paused_by",
    "isCapped": "is_capped",
    "oldestDueSeconds": "oldest_due_seconds",
    "maxRunning": "max_running",
} | {
    name: name
    for name in (
        "pending", "due", "scheduled", "held", "processing", "rate", "burst", "throughput",
        "kinds", "workers",
    )
}  # fmt: skip

for _name in _ATTRIBUTES:
    queue_type.set_field(_name, _of_line)
