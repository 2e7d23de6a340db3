"""The ground of a bench: nobody else's worker on its queue before, and none of its rows after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rowbell.cli.bench.load import KINDS
from rowbell.config import Settings
from rowbell.db import overview
from rowbell.db.bench import Bench
from rowbell.db.place import opened, placed
from rowbell.db.pool import Database
from rowbell.errors import InvalidState


@asynccontextmanager
async def prepared(
    settings: Settings, queue: str, *, sure: bool = True
) -> AsyncIterator[tuple[str, Bench, Database]]:
    """URL, bench and database.

    Raises InvalidState when a live worker serves the queue, or, unless `sure`, when somebody
    has tasks here.
    """
    async with (
        placed(settings) as place,
        opened(place, name="rowbell bench") as database,
        Bench.opened(place.url) as bench,
    ):
        await _refuse_others(bench, queue)
        if not sure and await bench.has_other_tasks():
            raise InvalidState(
                "this database has tasks of somebody else, whom a bench would disturb.",
                hint="Bench another database (--database-url, --home), or say --yes.",
            )
        await bench.clean(queue, KINDS)  # what an interrupted run left behind
        try:
            yield place.url, bench, database
        finally:
            await bench.clean(queue, KINDS)


async def _refuse_others(bench: Bench, queue: str) -> None:
    others = await bench.workers_of(queue)
    if others:
        raise InvalidState(
            f"live workers serve the queue {queue} and would take part: {', '.join(others)}.",
            hint="Stop them (a killed one counts until its lease of 30 s is over), start them with"
            " --queues and the names of yours, or bench another database: --database-url, --home.",
        )


async def description(database: Database) -> str:
    """What was measured on, for the report."""
    return await overview.server_version(database)


async def has_room(bench: Bench, connections: int) -> None:
    """Raises InvalidState when the server does not take so many more."""
    if (left := await bench.connections_left()) < connections:
        raise InvalidState(
            f"this needs {connections} connections, and the server has {left} left.",
            hint="Raise max_connections, or ask for fewer --workers or --clients.",
        )


async def counting(bench: Bench, url: str) -> str:
    """The URL for workers whose calls of SQL functions are to be counted, if that is allowed."""
    if not await bench.can_count_calls():
        return url
    return f"{url}{'&' if '?' in url else '?'}track_functions=pl"
