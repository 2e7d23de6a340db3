"""The kinds that need no Python of the user's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from rowbell.backoff import exponential
from rowbell.config import Settings
from rowbell.decorator import describe
from rowbell.engine.kinds import send_email
from rowbell.engine.kinds.call_function import call_function
from rowbell.engine.kinds.echo import echo
from rowbell.engine.kinds.http_request import HttpCaller
from rowbell.engine.kinds.sleep import sleep
from rowbell.errors import FunctionRefused
from rowbell.handlers import Handlers


@asynccontextmanager
async def built_in(settings: Settings) -> AsyncIterator[Handlers]:
    """The built-in handlers; on leaving, their HTTP connections are closed."""
    caller = HttpCaller(settings.http_allow, settings.secrets_for_webhooks())
    sender = send_email.MailSender(settings.smtp_server(), settings.smtp_sender)
    try:
        yield Handlers(
            describe(echo),
            describe(sleep),
            describe(call_function, give_up_on=(FunctionRefused,)),
            describe(caller.run, kind="http_request"),
            describe(
                sender.run,
                kind="send_email",
                max_attempts=send_email.MAX_ATTEMPTS,
                backoff=partial(exponential, first=send_email.FIRST_SECONDS),
            ),
        )
    finally:
        await caller.close()
