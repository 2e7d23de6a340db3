"""Cursors: opaque to clients, and checked, so that an invented or borrowed one is refused."""

import base64
import binascii
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2s

from rowbell.db.lists import Place
from rowbell.errors import InvalidArgument
from rowbell.journal import Cursor

LARGEST_ID = 2**63 - 1
_CHECK_BYTES = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"(?P<name>\w+):(?P<at>-?\d+):(?P<id>\d+)", re.ASCII)
_LONGEST = 65_536
"""Characters; a cursor of changes lists the transactions that were under way."""

STREAM = "taskChanges"
_VERSION = "1"


class BadCursor(InvalidArgument):
    """The list that is asked for did not give this cursor."""

    code = "BAD_CURSOR"


def encode(name: str, place: Place) -> str:
    """The cursor of one place in the list of that name."""
    return _seal(f"{name}:{(place.at - _EPOCH) // _MICROSECOND}:{place.id}")


def decode(name: str, cursor: str) -> Place:
    """Raises BadCursor."""
    match = _PLACE.fullmatch(_place(cursor))
    if match is None or match["name"] != name:
        raise _bad(name, "Pass an endCursor of the same list unchanged, or leave `after` out.")
    return Place(_EPOCH + int(match["at"]) * _MICROSECOND, int(match["id"]))


def encode_stream(cursor: Cursor) -> str:
    """The cursor of one moment in the stream of changes."""
    parts = (STREAM, _VERSION, cursor.place, cursor.snapshot, cursor.upto or "", str(cursor.above))
    return _seal("|".join(parts))


def decode_stream(cursor: str) -> Cursor:
    """What a client has seen of the stream of changes. Raises BadCursor."""
    parts = _place(cursor).split("|")
    if len(parts) != len(fields(Cursor)) + 2 or parts[:2] != [STREAM, _VERSION]:
        raise _bad(
            STREAM, "Pass a streamCursor or a cursor of this stream unchanged, or leave it out."
        )
    return Cursor(parts[2], parts[3], parts[4] or None, int(parts[5]))


def _bad(name: str, hint: str) -> BadCursor:
    return BadCursor(f"this is no cursor of {name}.", hint=hint, field="after")


def _seal(text: str) -> str:
    place = text.encode()
    return base64.urlsafe_b64encode(_check(place) + place).decode().rstrip("=")


def _place(cursor: str) -> str:
    """What the cursor says, or an empty text if it is none of ours."""
    if len(cursor) > _LONGEST or not cursor.isascii():
        return ""
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return ""
    check, place = decoded[:_CHECK_BYTES], decoded[_CHECK_BYTES:]
    return place.decode("ascii", "replace") if check == _check(place) else ""


def _check(place: bytes) -> bytes:
    return blake2s(place, digest_size=_CHECK_BYTES, person=b"cursor").digest()
