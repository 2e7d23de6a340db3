"""The kinds that need no Python of the user's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rowbell.db.functions import FunctionRefused
from rowbell.decorator import describe
from rowbell.engine.kinds.call_function import call_function
from rowbell.engine.kinds.echo import echo
from rowbell.engine.kinds.http_request import HttpCaller
from rowbell.engine.kinds.sleep import sleep
from rowbell.handlers import Handlers


@asynccontextmanager
async def built_in(http_allow: tuple[str, ...]) -> AsyncIterator[Handlers]:
    """The built-in handlers; on leaving, their HTTP connections are closed."""
    caller = HttpCaller(http_allow)
    try:
        yield Handlers(
            describe(echo),
            describe(sleep),
            describe(call_function, give_up_on=(FunctionRefused,)),
            describe(caller.run, kind="http_request"),
        )
    finally:
        await caller.close()
