"""Tasks as they are inserted, by whatever way."""

from collections.abc import Iterator
from contextlib import contextmanager

from rowbell.api.mailbox import Mailbox
from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.viewer import Viewer

WINDOW = 2_000
"""How many of the newest ids are remembered as seen."""

ROOM = 1_000
"""How many tasks may wait for one subscriber."""

BATCH = 500


class Arrivals:
    """Finds tasks that were not there at the look before, and hands them to all subscribers.

    An id is given at the INSERT but shows at the COMMIT, so a lower id may come after a higher
    one. Hence not "ids above the last one" but "unseen ids above a floor that lies a window
    below". A transaction that commits more than a window late is missed; the journal, which
    knows the order of commits, will take the place of this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mailboxes: set[Mailbox] = set()
        self._seen: set[int] | None = None
        """Ids above the floor that need no delivery; None: nobody has looked yet."""
        self._floor = 0

    @contextmanager
    def subscribed(self, viewer: Viewer) -> Iterator[Mailbox]:
        mailbox = Mailbox(viewer, room=ROOM)
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            if not self._mailboxes:
                self._seen = None

    async def look(self) -> bool:
        """Deliver what is new. True if there may be more. Raises Unavailable."""
        if not self._mailboxes:
            return False
        if self._seen is None:
            self._remember(set(await overview.newest_ids(self._database, most=WINDOW)))
            return False
        tasks = await overview.tasks_above(
            self._database, self._floor, besides=list(self._seen), most=BATCH
        )
        for task in tasks:
            for mailbox in self._mailboxes:
                if mailbox.is_for(task):
                    mailbox.put(task)
        if tasks and self._seen is not None:
            self._remember(self._seen | {task.id for task in tasks})
        return len(tasks) == BATCH

    def _remember(self, seen: set[int]) -> None:
        newest = sorted(seen)[-WINDOW:]
        self._seen = set(newest)
        # An empty window leaves the floor at 0: whatever comes is new.
        self._floor = newest[0] - 1 if len(newest) == WINDOW else 0
