"""The gate: who is let in, with what, and until when."""

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from rowbell.api.admission import OPEN, Admission
from rowbell.api.credentials import bearer
from rowbell.api.frames import Closing
from rowbell.api.tokens import Tokens, has_expired
from rowbell.api.web_tokens import WebTokens
from rowbell.config import Settings
from rowbell.db import tokens
from rowbell.db.pool import Database
from rowbell.errors import ConfigurationError, Unauthenticated, Unavailable
from rowbell.logs import log
from rowbell.viewer import Viewer

LOOK_SECONDS = 5.0
"""How long a socket may outlive its token where the NOTIFY does not arrive."""

LONGEST_TIMER_SECONDS = 3_600.0

_KEY = "rowbell.admission"

Reason = tuple[int, str]
"""Close code and words of a WebSocket."""

EXPIRED = (4403, "Forbidden: the credentials have expired")
"""Clients of graphql-ws come back after it, and bring new credentials."""

REVOKED = (4401, "Unauthorized: the token was revoked")
"""They do not come back: it would be in vain."""

NEEDED = (4403, "Forbidden: credentials are needed from now on")


@dataclass(eq=False, slots=True)
class _Guest:
    """A connection that lasts."""

    admission: Admission
    ended: asyncio.Future[Reason] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def end(self, reason: Reason) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)


class Gate:
    """A service: `run()` looks at those who are in, every few seconds and after `changed()`."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Raises ConfigurationError if the keys of JWTs cannot be used."""
        self._database = database
        self._settings = settings
        self._tokens = Tokens(database)
        self._web_tokens = WebTokens(settings) if settings.takes_jwts() else None
        self._may_be_open = settings.open or settings.listens_on_loopback()
        self._has_tokens = True
        self._guests: set[_Guest] = set()
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """True while no credentials are configured, and anybody who gets here is let in."""
        return self._may_be_open and not self._has_tokens and self._web_tokens is None

    async def prepare(self) -> None:
        """Raises ConfigurationError if strangers could come in without credentials."""
        self._has_tokens = await tokens.exist(self._database)
        if not self._may_be_open and not self._has_tokens and self._web_tokens is None:
            host = self._settings.host
            raise ConfigurationError(
                f"the API would listen on {host} without credentials: anybody could run tasks.",
                hint="Make a token with `rowbell token create NAME --role admin`, or set"
                " ROWBELL_JWT_SECRET or ROWBELL_JWT_KEYS; ROWBELL_HOST=127.0.0.1 keeps it to this"
                " machine, ROWBELL_OPEN=true lets anybody in.",
            )
        if self.is_open:
            log.warning(
                "api.open",
                host=self._settings.host,
                remedy="rowbell token create NAME --role admin",
            )

    async def admit(
        self, connection: HTTPConnection, payload: Mapping[str, Any] | None = None
    ) -> Admission:
        """Let a caller in; `viewer_of(connection)` says from then on who it is.

        Raises Unauthenticated, Forbidden (no role here), Unavailable.
        """
        admission = OPEN if self.is_open else await self._read(bearer(connection, payload))
        connection.scope[_KEY] = admission
        return admission

    async def stay(self, admission: Admission) -> None:
        """For a connection that lasts: raises the Closing that says why it may no longer."""
        with self._guest(admission) as guest:
            try:
                async with asyncio.timeout(_seconds_left(admission)):
                    raise Closing(*await guest.ended)
            except TimeoutError:
                raise Closing(*EXPIRED) from None

    def changed(self) -> None:
        """Some token was made, changed or taken back."""
        self._tokens.forget()
        self._changed.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                await self._look()
            except Unavailable as error:
                log.debug("database.lost", by="gate", error=str(error))

    async def _look(self) -> None:
        self._has_tokens = await tokens.exist(self._database)
        ids = {guest.admission.token for guest in self._guests} - {None}
        gone = await self._tokens.gone([each for each in ids if each is not None]) if ids else set()
        for guest in list(self._guests):
            if guest.admission is OPEN and not self.is_open:
                guest.end(NEEDED)
            elif has_expired(guest.admission):
                guest.end(EXPIRED)
            elif guest.admission.token in gone:
                guest.end(REVOKED)

    async def _read(self, token: str) -> Admission:
        if token.startswith(tokens.PREFIX):
            admission = await self._tokens.read(token)
            if admission is None:
                raise Unauthenticated(
                    "this token is not known, has expired or was revoked.",
                    hint="rowbell token create makes another.",
                )
            return admission
        if self._web_tokens is None:
            raise Unauthenticated("this is no token of ours, and no JWT is taken here.")
        return await self._web_tokens.read(token)

    @contextmanager
    def _guest(self, admission: Admission) -> Iterator[_Guest]:
        guest = _Guest(admission)
        self._guests.add(guest)
        try:
            yield guest
        finally:
            self._guests.discard(guest)


def _seconds_left(admission: Admission) -> float | None:
    """None: never, or so far ahead that `run` will see it in time, whatever the clock does."""
    left = (admission.expires_at or math.inf) - time.time()
    return left if left < LONGEST_TIMER_SECONDS else None


def admission_of(connection: HTTPConnection) -> Admission:
    """What a caller was let in with. Raises Unauthenticated for whoever was not let in."""
    admission: Admission | None = connection.scope.get(_KEY)
    if admission is None:
        raise Unauthenticated("this connection has not been let in.")
    return admission


def viewer_of(connection: HTTPConnection) -> Viewer:
    """Who calls. Raises Unauthenticated for whoever was not let in."""
    return admission_of(connection).viewer
