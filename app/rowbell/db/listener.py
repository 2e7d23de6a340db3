"""The ear: one connection that LISTENs, proves that it hears, and comes back when it was lost.

Rules: LISTEN first, then look at every queue; never stay inside a transaction (the claim of what
was heard, made here too, is one statement); trust no silence.
A dead socket fires no callback, and a pooler answers LISTEN and delivers nothing, so silence is
broken by a NOTIFY that has to come back within a deadline. It is our own; behind a pooler it comes
from another session, for there our own may be heard although no other would be.

Every NOTIFY wakes every session that LISTENs, to whatever: a worker that is not on duty does not.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from time import perf_counter

import asyncpg

from rowbell.db import ears as channels
from rowbell.db.duty import Duty
from rowbell.db.ears import Ears
from rowbell.db.pool import CONNECT_SECONDS, UNPREPARED, Connection
from rowbell.db.refusals import translated
from rowbell.db.session import Session
from rowbell.db.watching import Watching
from rowbell.errors import RowbellError, Unavailable
from rowbell.logs import log
from rowbell.tally import tally

PAUSE_SECONDS = 0.1
MOST_PAUSE_SECONDS = 1.0
UNHEARD_PAUSE_SECONDS = 30.0
"""A pooler that delivers nothing will not do so in a second: a person has to change it."""

CHAIR_SECONDS = 0.5
"""Until the chair is asked for again, where other notifications must not wait for that."""

OF_RUNNING = frozenset({channels.CANCEL, channels.STACKS})
OF_DUTY = OF_RUNNING | {channels.BELL, channels.SCHEDULES}
EVERYTHING = OF_DUTY | {channels.CHANGES, channels.TOKENS}

# A server that was demoted without a restart takes a NOTIFY, but no claim.
_READ_ONLY = "select current_setting('transaction_read_only') = 'on'"
_RING = f"""
select pg_notify('{channels.PROBE}', '') where current_setting('transaction_read_only') = 'off'
"""


class Deaf(Unavailable):
    """PostgreSQL answers, but sends no notification: a replica, a full queue; `hint` mends it."""


class Unheard(Deaf):
    """LISTEN was answered, but a NOTIFY did not arrive: a pooler."""


@dataclass(slots=True)
class Listener:
    """A service: `run()` until cancelled; `ready` is set while notifications would arrive."""

    url: str
    probe_seconds: float
    ears: Ears = field(default_factory=Ears)
    name: str = "rowbell listener"
    duty: Duty | None = None
    """Of the worker of this process. None: it hears every channel."""
    hears: frozenset[str] = frozenset()
    """Channels beside those of the duty."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    wants_cancels: bool = False
    """While True, cancels are heard although this worker is not on duty."""
    is_deaf: bool = False
    """True while PostgreSQL answers but delivers no notification."""
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _heard_at: float = 0.0
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _watching: Watching = field(init=False)
    _is_pooled: bool = False

    def __post_init__(self) -> None:
        self._watching = Watching(self.ears, self._stirred.set)

    def watch(self, wanted: bool) -> None:
        """Tell (or do not tell) the ears whenever something may have changed."""
        self._watching.wanted = wanted
        self._stirred.set()

    def mind_cancels(self, wanted: bool) -> None:
        """Something runs here for long, or no more."""
        if wanted != self.wants_cancels:
            self.wants_cancels = wanted
            self._stirred.set()

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
            self._stirred.set()
            self._heard.set()

        connection.add_termination_listener(hang_up)
        session = Session(connection, self.probe_seconds)
        try:
            with translated():
                await self._listen(session, gone)
        finally:
            self._watching.disconnect()
            if self.duty:
                self.duty.disconnect()
            await session.close()

    async def _listen(self, session: Session, gone: asyncio.Event) -> None:
        try:
            await session.begin()
            self._is_pooled = session.is_pooled
            await _refuse_replica(session)  # before LISTEN, which it would refuse, and log
            await session.tune({channels.PROBE}, self._hear)
            await self._prove(session)
            if self.duty:
                self.duty.connect(session)
                self.duty.changed = self._stirred.set
            await self._attend(session, waiting=False)
            await self._tune(session)
            log.info("listener.ready")
            tally.listens()
            self.is_deaf = False
            self.ready.set()
            self.ears.ready()
            await self._keep(session, gone)
        except TimeoutError:
            session.terminate()  # there is nobody to say goodbye to
            raise

    async def _keep(self, session: Session, gone: asyncio.Event) -> None:
        while not gone.is_set():
            self._stirred.clear()
            pause = min(await self._attend(session, waiting=True), await self._tune(session))
            pause = min(pause, await self._watching.keep(session))
            silence = asyncio.get_running_loop().time() - self._heard_at
            if silence >= self.probe_seconds:
                await self._prove(session)
            else:
                await self._stir(min(pause, self.probe_seconds - silence))
        raise Unavailable("the listening connection was closed by the server.")

    async def _stir(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return

    # ------------------------------------------------------------------------------ duty

    async def _attend(self, session: Session, *, waiting: bool) -> float:
        """Take, keep or leave the chair; returns the seconds until that has to be done again."""
        duty = self.duty
        if duty is None:
            return inf
        if duty.gate_seconds == 0:
            await duty.pass_gate()
        if duty.is_on:
            if not duty.is_wanted:
                await duty.leave()
            return duty.gate_seconds
        if not duty.is_wanted:
            return inf
        waiting = waiting and not self._channels()  # while it waits, nothing is heard
        if not await duty.take(waiting=waiting):
            return 0.0 if waiting else CHAIR_SECONDS
        await self._tune(session)
        await duty.pass_gate(self.ears.on_duty)
        return duty.gate_seconds

    def _channels(self) -> frozenset[str]:
        if self.duty is None:
            return EVERYTHING
        wanted = self.hears
        if self.duty.is_on:
            wanted |= OF_DUTY
        if self.wants_cancels:
            wanted |= OF_RUNNING
        if self._watching.wanted:
            wanted |= {channels.CHANGES}
        return wanted

    async def _tune(self, session: Session) -> float:
        """LISTEN to what is wanted now."""
        wanted = self._channels()
        new = await session.tune({*wanted, channels.PROBE} if wanted else set(), self._hear)
        if channels.CANCEL in new:
            self.ears.cancels()
        return inf

    # ------------------------------------------------------------------------------ proof

    async def _prove(self, session: Session) -> None:
        """One NOTIFY round trip. Whoever listens hears it too, and needs no probe of its own."""
        self._heard.clear()
        if not session.listens:
            await _refuse_replica(session)
            self._heard_at = asyncio.get_running_loop().time()
            return
        began = perf_counter()  # uvloop's clock stands still within one turn
        if session.is_pooled:
            await self._ring_from_elsewhere()
        else:
            await _ring(session)
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
        another = Session(await self._connect(), self.probe_seconds)
        try:
            await _ring(another)
        finally:
            await another.close()

    def _hear(self, _: Connection, __: int, channel: str, payload: object) -> None:
        self._heard.set()
        self._heard_at = asyncio.get_running_loop().time()
        if channel == channels.CHANGES:
            self._watching.hear(str(payload))
        else:
            self.ears.tell(channel, str(payload))
        if channel == channels.BELL:
            tally.bells_heard += 1
            log.debug("bell.heard", queue=payload)

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


async def _refuse_replica(session: Session) -> None:
    if await session.ask(_READ_ONLY):
        raise _read_only()


async def _ring(session: Session) -> None:
    """In one statement: idle, a worker makes two a second at the most."""
    try:
        if await session.execute(_RING) == "SELECT 0":
            raise _read_only()
    except asyncpg.ProgramLimitExceededError as error:
        raise Deaf(
            "the queue of notifications is full.", hint="select rowbell.bell_problem() says more"
        ) from error


def _read_only() -> Deaf:
    return Deaf(
        "this server is a replica, or read-only: it takes no claims.",
        hint="connect to the primary",
    )
