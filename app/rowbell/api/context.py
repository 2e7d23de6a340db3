"""What a resolver may ask: the database, the watch, and in whose name it acts."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLResolveInfo
from starlette.requests import HTTPConnection, Request

from rowbell.api.auth import viewer_of
from rowbell.api.kinds import Kinds
from rowbell.api.readings import Readings
from rowbell.api.reads import Reads
from rowbell.api.stacks import Stacks
from rowbell.api.subscriptions import Watch
from rowbell.db import overview, queues
from rowbell.db.pool import Database
from rowbell.db.queues import QueueLine
from rowbell.task import TRACEPARENT
from rowbell.viewer import Viewer

Info = GraphQLResolveInfo[Any]


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One for each HTTP request, each operation on a WebSocket, and each channel."""

    database: Database
    watch: Watch
    kinds: Kinds
    reads: Reads
    readings: Readings
    stacks: Stacks
    viewer: Viewer
    connection: HTTPConnection | None
    """None: what is executed is sent to many."""
    deadline: asyncio.Timeout | None = None
    """Of a query or a mutation; a subscription has none."""
    _pauses: asyncio.Future[frozenset[str]] | None = field(default=None, init=False)
    _lines: dict[str, asyncio.Future[list[QueueLine]]] = field(default_factory=dict, init=False)

    @property
    def subject(self) -> str | None:
        """In whose name tasks are created; None: of the SQL role."""
        return self.viewer.subject

    async def is_paused(self, queue: str) -> bool:
        """The queues of a hundred tasks, asked at once, cost one read. Raises Unavailable."""
        if self._pauses is None:
            self._pauses = asyncio.ensure_future(overview.paused_queues(self.database))
            self._pauses.add_done_callback(self._forget)
        return queue in await asyncio.shield(self._pauses)

    async def queue_line(self, queue: str) -> QueueLine:
        """Read once for all fields that are asked at once. Raises Unavailable."""
        line = self._lines.get(queue)
        if line is None:
            line = self._lines[queue] = asyncio.ensure_future(queues.queues(self.database, queue))
            line.add_done_callback(lambda _: self._lines.pop(queue, None))
        return next(each for each in await asyncio.shield(line) if each.name == queue)

    def allow(self, seconds: float) -> None:
        """The client has asked to wait for so long: that is no part of the work."""
        until = self.deadline.when() if self.deadline else None
        if self.deadline and until is not None:
            self.deadline.reschedule(until + seconds)

    def traceparent(self) -> str | None:
        """Of an HTTP request; what cannot be read is no reason to refuse anything."""
        if not isinstance(self.connection, Request):  # that of a socket is older than what it asks
            return None
        given = self.connection.headers.get("traceparent", "")
        return given if TRACEPARENT.fullmatch(given) else None

    async def gone(self) -> None:
        """Returns once the client of an HTTP request has hung up: nobody reads the answer.

        An operation on a WebSocket never sees that: it is cancelled with its socket.
        """
        if not isinstance(self.connection, Request):
            await asyncio.get_running_loop().create_future()
        else:  # its body has been read, so there is nothing else to receive
            while (await self.connection.receive())["type"] != "http.disconnect":
                pass

    def _forget(self, read: asyncio.Future[frozenset[str]]) -> None:
        # Kept only while it is under way: a subscription lives long, and queues get paused.
        self._pauses = None
        if not read.cancelled():
            read.exception()


def payer_of(connection: HTTPConnection) -> str:
    """Whom limits count for: the subject, or the address of somebody without a name."""
    subject = viewer_of(connection).subject
    return subject or (connection.client.host if connection.client else "")


def context_of(info: Info) -> RequestContext:
    context: RequestContext = info.context
    return context
