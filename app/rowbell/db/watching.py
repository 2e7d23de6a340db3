"""Whether changes are told to a process that watches, or it looks by itself.

A NOTIFY makes its transaction wait for every other one that notifies, so while many come the
watcher is awake: it looks every 20 ms, and need not be told. The lock says the contrary: whoever
holds it sleeps, and every change is told to all. The reasons: docs/bell.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

from rowbell.db.ears import CHANGES, Ears
from rowbell.db.session import Session

TELLS = 8
HURRY_SECONDS = 0.16
"""So many notifications in that time, 50 a second, and it stays awake."""

LOOK_SECONDS = 0.02
AWAKE_SECONDS = 5.0
UNSURE_SECONDS = 0.25
"""Where a transaction that has told nobody is still open."""

ANOTHER_SECONDS = 1.0
"""Until the lock is asked for again that another watcher holds: it says so when it lets go, unless
its connection dies."""

_MINE, _OPEN = "mine", "open"
# Shared, it is held by transactions that told nobody of their changes: until they end, nobody else
# may take it for granted that they were told.
_SLEEP = f"""
select case when pg_try_advisory_lock(1919907682, 2) then '{_MINE}'
  when pg_try_advisory_lock_shared(1919907682, 2)
    then case when pg_advisory_unlock_shared(1919907682, 2) then '{_OPEN}' end
  else 'of another' end
"""
# Others who sleep have relied on this lock: they hear it, and take it.
_WAKE = f"""
select pg_advisory_unlock(1919907682, 2),
  case when pg_notification_queue_usage() < 0.9 then pg_notify('{CHANGES}', 'untold')::text end
"""


class Watching:
    """Of one listener, which calls `keep` whenever `stir` was called."""

    def __init__(self, ears: Ears, stir: Callable[[], None]) -> None:
        self.wanted = False
        """While True, the ears are told whenever something may have changed."""
        self._ears = ears
        self._stir = stir
        self._told: deque[float] = deque(maxlen=TELLS)
        self._holds = False
        self._awake: asyncio.TimerHandle | None = None
        self._awake_until = 0.0

    def hear(self, payload: str) -> None:
        """Some task has changed; or with a payload, another watcher has let go of the lock."""
        if self._is_hurried():
            self._stay_awake(AWAKE_SECONDS)
            self._stir()
        elif payload and not self._holds:
            self._stir()
        self._ears.changes()

    async def keep(self, session: Session) -> float:
        """Hold the lock, or do without; returns the seconds until that has to be done again."""
        sleeps = self.wanted and self._awake is None
        if self._holds and not sleeps:
            self._holds = False
            await session.execute(_WAKE)
        if self._holds or not sleeps:
            return inf
        found = await session.ask(_SLEEP)
        self._holds = found == _MINE
        if found == _OPEN and self.wanted:
            self._stay_awake(UNSURE_SECONDS)
        self._ears.changes()  # what was told to nobody is committed now, or is looked for again
        return inf if found in (_MINE, _OPEN) else ANOTHER_SECONDS

    def disconnect(self) -> None:
        """The connection is gone, and with it the lock."""
        self._holds = False
        self._told.clear()
        if self._awake:
            self._awake.cancel()
            self._awake = None

    def _is_hurried(self) -> bool:
        self._told.append(asyncio.get_running_loop().time())
        is_fast = self._told[-1] - self._told[0] < HURRY_SECONDS
        return self.wanted and is_fast and len(self._told) == TELLS

    def _stay_awake(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._told.clear()
        self._awake_until = loop.time() + seconds
        self._awake = self._awake or loop.call_later(LOOK_SECONDS, self._look_by_itself)

    def _look_by_itself(self) -> None:
        loop = asyncio.get_running_loop()
        if self.wanted and loop.time() < self._awake_until:
            self._awake = loop.call_later(LOOK_SECONDS, self._look_by_itself)
            self._ears.changes()
        else:
            self._awake = None
            self._stir()
