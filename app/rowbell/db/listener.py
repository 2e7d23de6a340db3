"""The ear: one connection that LISTENs, proves that it hears, and comes back when it was lost.

Rules: LISTEN first, then look at every queue; never be inside a transaction; trust no silence.
A dead socket fires no callback, and a pooler answers LISTEN and delivers nothing, so silence is
broken by a NOTIFY that has to come back within a deadline. It is our own; behind a pooler it comes
from another session, for there our own may be heard although no other would be.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import asyncpg

from rowbell.db.pool import CONNECT_SECONDS, UNPREPARED, Connection, is_pooled, translated
from rowbell.errors import RowbellError, Unavailable
from rowbell.logs import log
from rowbell.tally import tally

BELL, CANCEL, CHANGES, PROBE = "rowbell_bell", "rowbell_cancel", "rowbell_changes", "rowbell_probe"
SCHEDULES = "rowbell_schedules"
TOKENS = "rowbell_tokens"

PAUSE_SECONDS = 0.1
MOST_PAUSE_SECONDS = 1.0
UNHEARD_PAUSE_SECONDS = 30.0
"""A pooler that delivers nothing will not do so in a second: a person has to change it."""

LOCK_SECONDS = 0.01
MOST_LOCK_SECONDS = 1.0
"""Until the watch lock is asked for again: soon at first, for transactions that have told nobody of
their changes hold it for a moment; another process that watches holds it for long."""

# So that the server, too, notices a dead peer within half a minute, and frees what it held. Not
# as start-up parameters: a pooler would refuse those.
_KEEPALIVES = """
set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3
"""


# A server that was demoted without a restart takes a NOTIFY, but no claim.
_READ_ONLY = "select current_setting('transaction_read_only') = 'on'"


class Deaf(Unavailable):
    """PostgreSQL answers, but sends no notification: a replica, a full queue; `hint` mends it."""


class Unheard(Deaf):
    """LISTEN was answered, but a NOTIFY did not arrive: a pooler."""


def _nothing(*_: Any) -> None:
    """Nobody asked to be told."""


@dataclass(slots=True)
class Ears:
    """Whom to tell; all are called on the event loop and must return at once."""

    bell: Callable[[str], None] = _nothing
    """A queue got due tasks."""
    cancel: Callable[[int], None] = _nothing
    """The cancel of a running task was asked for."""
    changes: Callable[[], None] = _nothing
    """Some task changed, while somebody watches."""
    schedules: Callable[[], None] = _nothing
    """A schedule was made or changed."""
    tokens: Callable[[], None] = _nothing
    """An API token was made, changed or taken back."""
    ready: Callable[[], None] = _nothing
    """LISTEN is in force (again): whatever was rung before may have been missed."""
    lost: Callable[[], None] = _nothing
    """The connection is gone; a good moment to see whether the server is."""


@dataclass(slots=True)
class Listener:
    """A service: `run()` until cancelled; `ready` is set while LISTEN is in force."""

    url: str
    probe_seconds: float
    ears: Ears = field(default_factory=Ears)
    name: str = "rowbell listener"
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    wants_changes: bool = False
    """While True, hold the watch lock, so that changes are told to everybody who watches."""
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _holds_watch: bool = False
    _is_pooled: bool = False
    is_deaf: bool = False
    """True while PostgreSQL answers but delivers no notification."""

    async def run(self) -> None:
        """Listen until cancelled; every loss is logged and followed by a jittered reconnect."""
        failures = 0
        while True:
            try:
                await self._listen_once()
            except RowbellError as error:
                failures = 0 if self.ready.is_set() else failures + 1
                most = min(MOST_PAUSE_SECONDS, PAUSE_SECONDS * 2.0 ** min(failures, 10))
                if isinstance(error, Unheard) and self._is_pooled:
                    most = UNHEARD_PAUSE_SECONDS
                self._log_loss(error)
                tally.lost(is_deaf=self.is_deaf)
            self.ready.clear()
            self.ears.lost()
            await asyncio.sleep(random.uniform(most / 2, most))  # noqa: S311 - no secret

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self.url,
            timeout=CONNECT_SECONDS,
            command_timeout=self.probe_seconds,
            server_settings={"application_name": self.name},
            **UNPREPARED,
        )

    async def _listen_once(self) -> None:
        with translated():
            connection = await self._connect()
        gone = asyncio.Event()

        def hang_up(_: Connection) -> None:
            gone.set()
            self._heard.set()

        connection.add_termination_listener(hang_up)
        try:
            with translated():
                await self._listen(connection, gone)
        finally:
            self._holds_watch = False
            await _close(connection)

    async def _listen(self, connection: Connection, gone: asyncio.Event) -> None:
        try:
            self._is_pooled = await is_pooled(connection)
            await _refuse_replica(connection)  # before LISTEN, which it would refuse, and log
            for channel in (BELL, CANCEL, CHANGES, SCHEDULES, TOKENS, PROBE):
                await connection.add_listener(channel, self._hear)
            if not self._is_pooled:
                await connection.execute(_KEEPALIVES)
            await self._prove(connection)
            log.info("listener.ready")
            tally.listens()
            self.is_deaf = False
            self.ready.set()
            self.ears.ready()
            await self._keep(connection, gone)
        except TimeoutError:
            connection.terminate()  # there is nobody to say goodbye to
            raise

    async def _keep(self, connection: Connection, gone: asyncio.Event) -> None:
        pause = LOCK_SECONDS
        while not gone.is_set():
            self._heard.clear()
            await self._watch_or_not(connection)
            waiting = self.wants_changes and not self._holds_watch
            pause = min(MOST_LOCK_SECONDS, pause * 2) if waiting else LOCK_SECONDS
            try:
                async with asyncio.timeout(pause if waiting else self.probe_seconds):
                    await self._heard.wait()
            except TimeoutError:
                if not waiting or pause == MOST_LOCK_SECONDS:
                    await self._prove(connection)
        raise Unavailable("the listening connection was closed by the server.")

    async def _prove(self, connection: Connection) -> None:
        """One NOTIFY round trip. Whoever listens hears it too, and needs no probe of its own."""
        await _refuse_replica(connection)
        self._heard.clear()
        began = perf_counter()
        if self._is_pooled:
            await self._ring_from_elsewhere()
        else:
            await _ring(connection)
        try:
            async with asyncio.timeout(self.probe_seconds):
                await self._heard.wait()
        except TimeoutError:
            raise Unheard(
                f"no NOTIFY came back within {self.probe_seconds:g} s.",
                hint="connect to PostgreSQL itself, or to a pooler in session mode",
            ) from None
        tally.probed(perf_counter() - began, datetime.now(UTC))

    async def _ring_from_elsewhere(self) -> None:
        another = await self._connect()
        try:
            await _ring(another)
        finally:
            await _close(another)

    async def _watch_or_not(self, connection: Connection) -> None:
        if self.wants_changes and not self._holds_watch:
            self._holds_watch = await connection.fetchval(
                "select pg_try_advisory_lock(1919907682, 2)"
            )
            self.ears.changes()  # what happened while nobody held the lock was told to nobody
        elif self._holds_watch and not self.wants_changes:
            await connection.execute("select pg_advisory_unlock(1919907682, 2)")
            self._holds_watch = False

    def watch(self, wanted: bool) -> None:
        """Ask for (or do without) notifications of changes."""
        self.wants_changes = wanted
        self._heard.set()

    def _hear(self, _: Connection, __: int, channel: str, payload: object) -> None:
        self._heard.set()
        if channel == BELL:
            log.debug("bell.heard", queue=payload)
            tally.bells_heard += 1
            self.ears.bell(str(payload))
        elif channel == CANCEL:
            self.ears.cancel(int(str(payload)))
        elif channel == CHANGES:
            self.ears.changes()
        elif channel == SCHEDULES:
            self.ears.schedules()
        elif channel == TOKENS:
            self.ears.tokens()

    def _log_loss(self, error: RowbellError) -> None:
        if not isinstance(error, Deaf):
            self.is_deaf = False
            log.warning("listener.lost", reason=error.message)
        elif not self.is_deaf:  # said once: it stays so until somebody changes the set-up
            self.is_deaf = True
            log.warning(
                "listener.deaf",
                reason=error.message,
                effect="tasks wait for the next sweep",
                remedy=error.hint,
            )


async def _refuse_replica(connection: Connection) -> None:
    if await connection.fetchval(_READ_ONLY):
        raise Deaf(
            "this server is a replica, or read-only: it takes no claims.",
            hint="connect to the primary",
        )


async def _ring(connection: Connection) -> None:
    try:
        await connection.execute(f"select pg_notify('{PROBE}', '')")
    except asyncpg.ProgramLimitExceededError as error:
        raise Deaf(
            "the queue of notifications is full.", hint="select rowbell.bell_problem() says more"
        ) from error


async def _close(connection: Connection) -> None:
    """Say goodbye if the server still answers; hang up if not."""
    try:
        async with asyncio.timeout(1):
            await connection.execute("unlisten *")  # a pooler gives this session to others
            await connection.close()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
