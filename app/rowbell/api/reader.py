"""The one reader of the journal that a process has: it reads once, for all subscribers."""

from collections.abc import Iterator
from contextlib import contextmanager

from rowbell.api.backlog import Backlog, Change, Wanted
from rowbell.db import journal, overview
from rowbell.db.pool import Database
from rowbell.errors import CursorExpired
from rowbell.journal import Cursor, Entry, Page

PAGE = 1_000


class Reader:
    """Goes from cursor to cursor; where a read fails, the next one begins at the same place."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._position: Cursor | None = None
        self._joining: list[Backlog] = []
        """Those that came after the last read had begun."""
        self._backlogs: set[Backlog] = set()

    @contextmanager
    def joined(self, wanted: Wanted) -> Iterator[Backlog]:
        """Starts with a look that begins after this: nothing that was seen before comes again."""
        backlog = Backlog(wanted)
        self._joining.append(backlog)
        try:
            yield backlog
        finally:
            self._backlogs.discard(backlog)
            if backlog in self._joining:
                self._joining.remove(backlog)

    def forget(self) -> None:
        """Nobody is there: whoever comes next need not be told what happens until then."""
        self._position = None

    async def look(self) -> set[int] | None:
        """Deliver what is new; returns the ids of the tasks of the entries. Raises Unavailable.

        None: it is not known which tasks have changed.
        """
        joining = list(self._joining)
        if self._position is None or (joining and not self._backlogs):
            position = await journal.now(self._database)
            self._arrive(position, joining)
            return None
        try:
            page = await journal.read(self._database, self._position, most=PAGE)
        except CursorExpired as expired:
            self._expire(expired)
            return None
        wanted = [e for e in page.entries if any(each.wants(e) for each in self._backlogs)]
        changes = await self.changes(page, wanted)
        for backlog in self._backlogs:
            backlog.put(changes, page.cursor)
        self._arrive(page.cursor, joining if page.is_last else [])
        return {entry.task_id for entry in page.entries}

    @property
    def is_behind(self) -> bool:
        """True if the last page was cut, or there are some who wait for a start."""
        cut = self._position is not None and self._position.upto is not None
        return cut or bool(self._joining)

    async def changes(self, page: Page, entries: list[Entry]) -> list[Change]:
        """Some entries of a page with their tasks, as they stand now. Raises Unavailable."""
        ids = sorted({entry.task_id for entry in entries})
        tasks = await overview.tasks_by_id(self._database, ids) if ids else {}
        return [Change(entry, tasks.get(entry.task_id), page.cursor_at(entry)) for entry in entries]

    def _arrive(self, position: Cursor, joining: list[Backlog]) -> None:
        self._position = position
        for backlog in joining:
            if backlog in self._joining:  # it may have left meanwhile
                self._joining.remove(backlog)
                self._backlogs.add(backlog)
                backlog.start(position)

    def _expire(self, expired: CursorExpired) -> None:
        self._position = None
        for backlog in self._backlogs:
            backlog.fail(expired)
        self._backlogs.clear()
