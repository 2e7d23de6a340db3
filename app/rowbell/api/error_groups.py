"""The fields of errors, grouped."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from rowbell.api import arguments
from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period, check_window
from rowbell.api.resolvers import query, subscription
from rowbell.db.error_groups import ErrorFilter, ErrorGroup, error_groups


@query.field("errors")
async def read_errors(
    _: object, info: Info, *, filter: dict[str, Any] | None = None, first: int | None = None
) -> list[ErrorGroup]:
    wanted, most = _wanted(filter), arguments.page_size(first)
    return await error_groups(context_of(info).database, wanted, most=most)


@subscription.source("errors")
def watch_errors(
    _: object,
    info: Info,
    *,
    every: timedelta,
    filter: dict[str, Any] | None = None,
    first: int | None = None,
) -> AsyncGenerator[list[ErrorGroup], None]:
    context = context_of(info)
    wanted, most = _wanted(filter), arguments.page_size(first)
    read = partial(error_groups, context.database, wanted, most=most)
    return context.readings.watched(("errors", repr(wanted), most), read, check_period(every))


@subscription.field("errors")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


def _wanted(given: dict[str, Any] | None) -> ErrorFilter:
    """Raises InvalidArgument."""
    conditions = {name: value for name, value in (given or {}).items() if value is not None}
    for name in ("fingerprint", "kind", "queue"):
        arguments.check_texts(name, conditions.get(name) or [])
    wanted = ErrorFilter(**conditions)
    return replace(wanted, window=check_window(wanted.window))
