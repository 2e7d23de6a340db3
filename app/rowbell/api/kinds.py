"""Which kinds a client may ask for: those that some worker has ever registered."""

from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument
from rowbell.task import NewTask

_NAMED_AT_MOST = 30


class Kinds:
    """Known kinds, remembered: a kind is never taken back, so only unknown ones cost a read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A description alone must make a task even before the first worker has started.
        self._known = {NewTask().kind}

    async def check(self, kind: str) -> None:
        """Raises InvalidArgument for an unknown kind, Unavailable.

        SQL may insert any kind, and the task waits for a worker that knows it. A client of the
        API is there to hear of its typing error.
        """
        if kind in self._known:
            return
        self._known.update(await overview.known_kinds(self._database))
        if kind not in self._known:
            names = sorted(self._known)
            more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
            raise InvalidArgument(
                f"no worker has ever registered the kind {kind[:80]!r}; known are"
                f" {', '.join(names[:_NAMED_AT_MOST])}{more}.",
                hint="Check its spelling, or start a worker that has a handler for it:"
                " rowbell serve --handlers MODULE.",
                field="kind",
            )
