"""The fields of the database below."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial

from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period
from rowbell.api.resolvers import query, subscription
from rowbell.db import condition
from rowbell.db.condition import Condition


@query.field("database")
async def read_database(_: object, info: Info) -> Condition:
    return await condition.condition(context_of(info).database)


@subscription.source("database")
def watch_database(_: object, info: Info, *, every: timedelta) -> AsyncGenerator[Condition, None]:
    context = context_of(info)
    read = partial(condition.condition, context.database)
    return context.readings.watched("database", read, check_period(every))


@subscription.field("database")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found
