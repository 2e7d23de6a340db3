"""Kinds as a person types them."""

import difflib
from collections.abc import Iterable

from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument
from rowbell.task import NewTask

NAMED_AT_MOST = 30


async def refuse_unknown(database: Database, kinds: Iterable[str]) -> None:
    """A person is there to hear of a typing error. SQL may insert any kind; so may --park.

    Raises InvalidArgument.
    """
    # echo is always known, so that the first command after the installation works.
    known = sorted({NewTask().kind, *await overview.known_kinds(database)})
    for kind in kinds:
        if kind not in known:
            raise _unknown(kind, known)


def _unknown(kind: str, known: list[str]) -> InvalidArgument:
    close = difflib.get_close_matches(kind, known, n=1)
    more = f" and {len(known) - NAMED_AT_MOST} more" if len(known) > NAMED_AT_MOST else ""
    return InvalidArgument(
        f"no worker has ever registered the kind {kind[:80]!r}; known are"
        f" {', '.join(known[:NAMED_AT_MOST])}{more}.",
        hint=(f"Did you mean {close[0]}? " if close else "")
        + "Start a worker that has it (rowbell worker --handlers MODULE),"
        " or let the task wait for one: --park.",
        field="kind",
    )
