"""Cursors: opaque to clients, and checked, so that an invented or borrowed one is refused."""

import base64
import binascii
from hashlib import blake2s

from rowbell.errors import InvalidArgument

LARGEST_ID = 2**63 - 1
_CHECK_BYTES = 4
_LONGEST = 200


class BadCursor(InvalidArgument):
    """The list that is asked for did not give this cursor."""

    code = "BAD_CURSOR"


def encode(name: str, task_id: int) -> str:
    """The cursor of one task in the list of that name."""
    place = f"{name}:{task_id}".encode()
    return base64.urlsafe_b64encode(_check(place) + place).decode().rstrip("=")


def decode(name: str, cursor: str) -> int:
    """The id of a task from a cursor of the list of that name. Raises BadCursor."""
    place = _place(cursor)
    owner, _, number = place.rpartition(":")
    if owner != name or not number.isdecimal() or int(number) > LARGEST_ID:
        raise BadCursor(
            f"this is no cursor of {name}.",
            hint="Pass an endCursor of the same list unchanged, or leave `after` out.",
            field="after",
        )
    return int(number)


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
