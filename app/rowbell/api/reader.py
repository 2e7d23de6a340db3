"""The one reader of the journal that a process has: it reads once, for all subscribers."""

import asyncio
from collections.abc import Collection

from rowbell.api.backlog import Backlog, Change
from rowbell.api.outbox import Outbox
from rowbell.db import journal, overview
from rowbell.db.pool import Database
from rowbell.errors import CursorExpired
from rowbell.journal import Cursor, Entry, Page, Scope

PAGE = 1_000
MOST_SCOPES = 200
"""Filters and tasks that are asked for by name; of more, everything is read."""
CHECKS = 10_000
"""Of entries against what is wanted, then others get their turn on the event loop."""


class Reader:
    """Goes from cursor to cursor; where a read fails, the next one begins at the same place."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._position: Cursor | None = None
        self._joining: dict[tuple[Backlog, Outbox], None] = {}
        """Those that came after the last read had begun."""
        self._backlogs: set[Backlog] = set()

    def join(self, backlog: Backlog, outbox: Outbox) -> None:
        """Admitted with a look that begins after this: nothing that was seen before comes again."""
        self._joining[backlog, outbox] = None

    def leave(self, backlog: Backlog) -> None:
        """With all who have joined it."""
        self._backlogs.discard(backlog)
        self._joining = {pair: None for pair in self._joining if pair[0] is not backlog}

    def forget(self) -> None:
        """Nobody is there: whoever comes next need not be told what happens until then."""
        self._position = None

    async def look(self, tasks: Collection[int]) -> set[int] | None:
        """Deliver what is new; returns which of these tasks, and maybe others, have changed.

        None: it is not known which. Raises Unavailable.
        """
        joining = list(self._joining)
        if self._position is None or (joining and not self._backlogs):
            position = await journal.now(self._database)
            self._arrive(position, joining)
            return None
        try:
            page = await journal.read(
                self._database, self._position, most=PAGE, within=self._scope(tasks)
            )
        except CursorExpired as expired:
            self._expire(expired)
            return None
        await self._deliver(page)
        self._arrive(page.cursor, joining if page.is_last else [])
        return {entry.task_id for entry in page.entries}

    def _scope(self, tasks: Collection[int]) -> Scope | None:
        if len(self._backlogs) + len(tasks) > MOST_SCOPES:
            return None
        return Scope.of((backlog.wanted.selected for backlog in self._backlogs), tasks)

    @property
    def is_behind(self) -> bool:
        """True if the last page was cut, or there are some who wait to be admitted."""
        cut = self._position is not None and self._position.upto is not None
        return cut or bool(self._joining)

    async def changes(self, page: Page, entries: list[Entry]) -> list[Change]:
        """Some entries of a page with their tasks, as they stand now. Raises Unavailable."""
        ids = sorted({entry.task_id for entry in entries})
        tasks = await overview.tasks_by_id(self._database, ids) if ids else {}
        return [Change(entry, tasks.get(entry.task_id), page.cursor_at(entry)) for entry in entries]

    async def _deliver(self, page: Page) -> None:
        """All or nothing: what may fail comes before the first change is put."""
        wanted = await self._wanted(page.entries)
        some = {entry.id for entries in wanted.values() for entry in entries}
        changes = await self.changes(page, [entry for entry in page.entries if entry.id in some])
        by_id = {change.entry.id: change for change in changes}
        for backlog in self._backlogs:
            entries = wanted.get(backlog, [])
            backlog.put([by_id[entry.id] for entry in entries], page.cursor)

    async def _wanted(self, entries: list[Entry]) -> dict[Backlog, list[Entry]]:
        wanted: dict[Backlog, list[Entry]] = {}
        checks = 0
        for backlog in list(self._backlogs) if entries else ():
            wanted[backlog] = [entry for entry in entries if backlog.wanted.has(entry)]
            checks += len(entries)
            if checks > CHECKS:
                checks = 0
                await asyncio.sleep(0)
        return wanted

    def _arrive(self, position: Cursor, joining: list[tuple[Backlog, Outbox]]) -> None:
        self._position = position
        for pair in joining:
            if pair in self._joining:  # its backlog may have left meanwhile
                del self._joining[pair]
                backlog, outbox = pair
                self._backlogs.add(backlog)
                backlog.admit(outbox, position)

    def _expire(self, expired: CursorExpired) -> None:
        self._position = None
        for backlog in self._backlogs:
            backlog.fail(expired)
        self._backlogs.clear()
