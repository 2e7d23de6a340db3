"""Tells ROWBELL_ALERT_URL what a person should know, once, and when it is over.

What can be seen in the database is told by one process of all (rowbell.look_for_alerts). A listener
that is lost is told by its own process, directly: with PostgreSQL gone there is nobody to ask.
Nothing of it goes through a queue, which may be what is stuck.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from rowbell.config import Settings
from rowbell.db import alerts
from rowbell.db.alerts import Alert
from rowbell.db.pool import Database
from rowbell.engine.alert_posts import AlertPosts
from rowbell.errors import RowbellError
from rowbell.logs import log
from rowbell.tally import Tally, tally

LOOK_SECONDS = 10.0


class Alerts:
    """A service: `run()` until cancelled. It holds up nothing, and nothing that fails ends it."""

    def __init__(self, database: Database, settings: Settings, counted: Tally = tally) -> None:
        self._database = database
        self._settings = settings
        self._posts = AlertPosts(settings)
        self._every = timedelta(minutes=settings.alert_minutes)
        self._tally = counted
        self._silent_since: datetime | None = None
        self._told_at: datetime | None = None
        """When it was told last that no bell is heard; None: it was not, or it is over."""
        self._look_seconds = min(LOOK_SECONDS, settings.sweep_seconds * 2)

    async def run(self) -> None:
        while True:
            await self._look_at_listener(datetime.now(UTC))
            try:
                await self._look_at_database()
            except RowbellError as error:
                log.debug("alert.failed", reason=error.message)  # others say that it is gone
            await asyncio.sleep(self._look_seconds * random.uniform(0.8, 1.2))  # noqa: S311

    async def _look_at_database(self) -> None:
        """Raises RowbellError."""
        found = await alerts.look(
            self._database,
            dead_tasks=self._settings.alert_dead_tasks,
            backlog_seconds=self._settings.alert_backlog_seconds,
            every=self._every,
        )
        for alert in found:
            if await self._posts.send(alert):
                await alerts.told(self._database, alert)

    async def _look_at_listener(self, now: datetime) -> None:
        if self._tally.is_listening:
            if self._told_at and await self._posts.send(Alert("listener", False, now)):
                self._told_at = None
            self._silent_since = None
            return
        since = self._silent_since = self._silent_since or now
        seconds = (now - since).total_seconds()
        limit = self._settings.alert_listener_seconds
        is_due = self._told_at is None or now - self._told_at >= self._every
        if limit and seconds >= limit and is_due:
            alert = Alert("listener", True, since, detail={"seconds": round(seconds)})
            if await self._posts.send(alert):
                self._told_at = now
