"""API tokens: looked up, remembered for a few seconds, and looked at again while sockets live."""

import time
from collections import OrderedDict

from rowbell.api.admission import Admission
from rowbell.db import tokens
from rowbell.db.pool import Database

REMEMBER_SECONDS = 5.0
"""How long a token that was taken back may still be taken where its NOTIFY does not arrive."""

MOST_REMEMBERED = 1_000


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: OrderedDict[bytes, tuple[float, Admission]] = OrderedDict()
        self._forgotten = 0
        """How often all was forgotten: an answer that was on its way meanwhile is not kept."""

    async def read(self, secret: str) -> Admission | None:
        """None if there is no such token, or it is not taken any more. Raises Unavailable."""
        digest = tokens.digest(secret)
        until, admission = self._remembered.get(digest, (0.0, None))
        if admission is not None and time.monotonic() < until and not has_expired(admission):
            return admission
        generation = self._forgotten
        known = await tokens.use(self._database, digest)
        if known is None:
            self._remembered.pop(digest, None)
            return None
        left = known.seconds_left
        admission = Admission(
            known.viewer, expires_at=None if left is None else time.time() + left, token=known.id
        )
        if generation == self._forgotten:
            self._remember(digest, admission)
        return admission

    async def gone(self, ids: list[int]) -> set[int]:
        """Those that are not taken any more. Raises Unavailable."""
        return set(ids) - await tokens.valid(self._database, ids)

    def forget(self) -> None:
        """Some token was changed: ask anew."""
        self._remembered.clear()
        self._forgotten += 1

    def _remember(self, digest: bytes, admission: Admission) -> None:
        self._remembered[digest] = (time.monotonic() + REMEMBER_SECONDS, admission)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)


def has_expired(admission: Admission) -> bool:
    return admission.expires_at is not None and time.time() >= admission.expires_at
