"""Many tasks changed at once: those of a selection."""

from typing import Any

from rowbell.db.pool import Database
from rowbell.db.tasks import as_subject
from rowbell.errors import InvalidArgument
from rowbell.task import Changes, Selection

MOST = 10_000
"""What one call may change: it is one transaction."""


async def retry_where(
    database: Database, wanted: Selection, *, most: int, dry_run: bool, subject: str | None = None
) -> Changes:
    """Newest finished first. Raises InvalidArgument, Forbidden, Unavailable."""
    given = {
        **_conditions(wanted),
        "finished_after": wanted.finished_after,
        "finished_before": wanted.finished_before,
        "fingerprints": wanted.error_fingerprint,
    }
    given |= {"most": most, "dry_run": dry_run}
    return Changes(**await _call(database, subject, "retry_where", given))


async def cancel_where(
    database: Database, wanted: Selection, *, most: int, dry_run: bool, subject: str | None = None
) -> Changes:
    """Tasks whose cancel was asked for already do not match. Raises as `retry_where`."""
    if wanted.finished_after or wanted.finished_before:
        raise InvalidArgument(
            "a task that has finished cannot be cancelled.",
            hint="Leave the time of finishing out.",
            field="finished_after" if wanted.finished_after else "finished_before",
        )
    if wanted.error_fingerprint is not None:
        raise InvalidArgument(
            "an open task is not FAILED, and has no fingerprint that counts.",
            hint="Leave it out; errorType finds tasks whose last attempt failed so.",
            field="error_fingerprint",
        )
    given = {**_conditions(wanted), "most": most, "dry_run": dry_run}
    return Changes(key_taken=0, **await _call(database, subject, "cancel_where", given))


def _conditions(wanted: Selection) -> dict[str, Any]:
    return {
        "queues": wanted.queue,
        "kinds": wanted.kind,
        "error_types": wanted.error_type,
        "ids": wanted.ids,
        "statuses": wanted.status,
        "created_by": wanted.created_by,
        "created_after": wanted.created_after,
        "created_before": wanted.created_before,
        "search": wanted.text,
        "everything": wanted.everything,
    }


_CASTS = {"statuses": "::text[]::rowbell.task_status[]"}


async def _call(
    database: Database, subject: str | None, function: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    given = {name: value for name, value in arguments.items() if value is not None}
    places = ", ".join(
        f"{name} => ${number}{_CASTS.get(name, '')}" for number, name in enumerate(given, start=1)
    )
    query = f"select * from rowbell.{function}({places})"  # noqa: S608
    return dict(await as_subject(database, subject, query, *given.values()))
