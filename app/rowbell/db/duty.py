"""Who answers the bell, and who need not be rung: advisory locks on the listening connection.

Of the workers with the same queues and kinds one is on duty: it holds their chair, hears bells,
and waits for rows that are due later. While bells come fast it is awake: it looks by itself, says
so by locks, and inserters ring no more. The locks end with the connection, so nobody inherits them
from the dead. The reasons, and a proof: docs/bell.md.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from math import inf
from typing import Any

from rowbell.db.session import Session
from rowbell.errors import RowbellError

CHAIR_SECONDS = 0.9
"""How long one statement waits for the chair. It holds a snapshot meanwhile; and from a second on
(deadlock_timeout) the server looks for a deadlock."""

GATE_SECONDS = 0.01
"""How long one statement waits at the gate: no notification arrives on its connection meanwhile."""

LEAST_GATE_PAUSE_SECONDS = 0.01
MOST_GATE_PAUSE_SECONDS = 0.25
"""Between two tries at the gate, while a long transaction keeps it."""

Ring = Callable[[], None]


class Duty:
    """Of one worker. Its listener connects it; its dispatchers ask it."""

    def __init__(self, queues: Iterable[str], kinds: Iterable[str]) -> None:
        group = " ".join((*sorted(queues), "|", *sorted(kinds)))
        self.chair = zlib.crc32(group.encode()) - 2**31
        self.is_on = False
        """True while this worker holds the chair."""
        self.is_blind = True
        """True while there is no connection for it: then every worker looks for itself."""
        self.is_wanted = True
        """False: every slot is taken, or this worker drains; the chair is for others."""
        self.changed: Ring = lambda: None
        """Called when `is_wanted` has changed."""
        self._session: Session | None = None
        self._deciding = asyncio.Lock()
        """Who is on duty, and awake, is decided by one caller at a time, answer included."""
        self._awake: set[int] = set()
        self._at_gate: dict[object, Ring] = {}
        """By a key of each wait: a gate that was passed before a wait began does not end it."""
        self._gate_pause = LEAST_GATE_PAUSE_SECONDS
        self._gate_at = 0.0

    @property
    def answers(self) -> bool:
        """Whether this worker has to look when rows become due, or nobody else may."""
        return self.is_on or self.is_blind

    @property
    def nearest(self) -> Session | None:
        """Where a bell has just been heard: its process is awake. None: it is taken, or gone."""
        session = self._session
        return session if session and self.is_on and session.is_free else None

    @property
    def session(self) -> int | None:
        """What PostgreSQL calls the connection; whoever finds this worker lost may end it."""
        return self._session.process if self._session else None

    @property
    def gate_seconds(self) -> float:
        """Until `pass_gate` should be called: 0 is now, infinity is that nobody waits for it."""
        if not self._at_gate:
            return inf
        return max(0.0, self._gate_at - asyncio.get_running_loop().time())

    def connect(self, session: Session) -> None:
        self._session = session
        self.is_blind = False

    def disconnect(self) -> None:
        """The connection is gone, and with it every lock."""
        self._session = None
        self.is_on, self.is_blind = False, True
        self._awake.clear()
        self._at_gate.clear()

    def want(self, wanted: bool) -> None:
        """Whether this worker can do anything about a bell."""
        if wanted != self.is_wanted:
            self.is_wanted = wanted
            self.changed()

    # ---------------------------------------------------- for the listener; these raise Unavailable

    async def take(self, *, waiting: bool) -> bool:
        """Take the chair; `waiting`: in the queue for it, for a moment."""
        seconds = CHAIR_SECONDS if waiting else 0.0
        statement = "select rowbell.take_chair($1, $2)"
        patience = timedelta(seconds=seconds)
        async with self._deciding:
            self.is_on = bool(await self._ask(statement, self.chair, patience, patience=seconds))
        return self.is_on

    async def leave(self) -> None:
        """Give the chair up, whether or not anybody waits for it."""
        async with self._deciding:
            self.is_on = False
            awake, self._awake = list(self._awake), set()
            await self._ask("select rowbell.leave_chair($1, $2)", self.chair, awake)

    async def pass_gate(self, after: Ring | None = None) -> None:
        """Call `after`, and who waited before, until all have ended who saw somebody awake."""
        if after:
            self._wait_at_gate(after)
        await self._pass_gate([])

    # ---------------------------------------------------- for the dispatchers; these raise nothing

    async def stay_awake(self, queue: str, kinds: list[str]) -> list[int]:
        """Say that this worker looks at a queue by itself. Returns the locks, for `stand_down`."""
        async with self._deciding:
            if not self.is_on:
                return []
            statement = "select rowbell.stay_awake($1, $2)"
            keys = list(await self._ask_safely(statement, queue, kinds) or ())
            self._awake.update(keys)
            return keys

    async def stand_down(self, keys: list[int], last_look: Ring) -> None:
        """Give up these locks. Until nothing can have been missed, `last_look` is called: once, or
        again and again while a long transaction keeps the gate."""
        async with self._deciding:
            held = [key for key in keys if key in self._awake]
            self._awake.difference_update(held)
            self._wait_at_gate(last_look)
            with suppress(RowbellError):
                await self._pass_gate(held)

    async def hand_on(self) -> None:
        """Let another one answer, if anybody waits for that: here every slot is taken."""
        if not self.is_on:  # nor wait for the listener, which may stand in line for the chair
            return
        async with self._deciding:
            if not self.is_on:
                return
            statement = "select rowbell.hand_on_chair($1, $2)"
            kept = await self._ask_safely(statement, self.chair, list(self._awake))
            self.is_on = kept is not None
            self._awake = set(kept or ())
        if not self.is_on:
            self.changed()

    def _wait_at_gate(self, after: Ring) -> None:
        self._at_gate = {key: ring for key, ring in self._at_gate.items() if ring != after}
        self._at_gate[object()] = after

    async def _pass_gate(self, keys: list[int]) -> None:
        patience = timedelta(seconds=GATE_SECONDS)
        waiting = dict(self._at_gate)  # those who come during the statement wait for the next one
        if await self._ask("select rowbell.stand_down($1, $2)", keys, patience):
            self._gate_pause = LEAST_GATE_PAUSE_SECONDS
            for each in waiting:
                self._at_gate.pop(each, None)
        else:
            self._gate_at = asyncio.get_running_loop().time() + self._gate_pause
            self._gate_pause = min(MOST_GATE_PAUSE_SECONDS, self._gate_pause * 2)
            self.changed()
        for ring in waiting.values():
            ring()  # also while the gate is closed: of those who were silent some have committed

    async def _ask_safely(self, statement: str, *arguments: object) -> Any:
        with suppress(RowbellError):
            return await self._ask(statement, *arguments)

    async def _ask(self, statement: str, *arguments: object, patience: float = 0) -> Any:
        if self._session is None:
            return None
        return await self._session.ask(statement, *arguments, patience=patience)
