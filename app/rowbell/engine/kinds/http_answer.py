"""What http_request makes of an answer: how much is read, what is kept, whether it is a success."""

import codecs
import math
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses

import httpcore
import orjson

from rowbell.engine.kinds.http_hop import Hop
from rowbell.errors import GiveUp, RetryLater

KEPT_BYTES = 16_384
"""The most of a body that is read and kept."""
STORED_BYTES = 3 * KEPT_BYTES
"""The most that it may take as JSON in PostgreSQL: a result may have 64 KiB, and an answer that
does not fit would make a call that succeeded be made again. No text grows more than threefold."""
HEADER_CHARACTERS = 512
EXCERPT_CHARACTERS = 200
LONGEST_WAIT_SECONDS = 86_400.0

SHOWN = (
    "content-encoding",
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-request-id",
)
RETRIED = (408, 425, 429)
WINDOW_BITS_OF_GZIP = 31
# Only codecs that read any bytes: others fail (UTF-16 without its mark) or take quadratic time.
CHARSETS = (
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1252",
    "shift_jis",
    "gb18030",
)
# PostgreSQL stores no NUL, and other control characters take six bytes each as JSON.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
EXPONENT = re.compile(rb"[0-9]e[+-]?([0-9]{1,3})(?![0-9a-z])")
SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"


class HttpFailed(Exception):
    """The call did not succeed, but another attempt may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, as much of it as is kept. `body` is None if there is none, or unreadable."""

    hop: Hop
    status: int
    headers: dict[str, str]
    body: object
    truncated: bool
    read_bytes: int
    """Of the body, unpacked."""

    @classmethod
    async def read(cls, hop: Hop, response: httpcore.Response) -> "Answer":
        """Raises httpcore's errors if the connection fails meanwhile."""
        headers = headers_of(response)
        content, truncated = await read_content(
            response.aiter_stream(), headers.get("content-encoding", "")
        )
        body = body_of(content, headers.get("content-type", ""), truncated)
        return cls(hop, response.status, headers, body, truncated, len(content or b""))

    def result(self, now: datetime) -> dict[str, object]:
        """What becomes the task's result, if the status is 2xx.

        Raises RetryLater or HttpFailed if another attempt may succeed, GiveUp if none can.
        """
        if 200 <= self.status < 300:
            shown = {name: self.headers[name] for name in SHOWN if name in self.headers}
            return {
                "status": self.status,
                "headers": {
                    name: cleaned(value[:HEADER_CHARACTERS]) for name, value in shown.items()
                },
                "body": self.body,
                "truncated": self.truncated,
                "url": str(self.hop.url),
            }
        if self.status in RETRIED or self.status >= 500:
            wait = retry_after(self.headers.get("retry-after", ""), now)
            if wait is not None:
                raise RetryLater(wait, f"{self} (Retry-After: {wait:g} s)")
            raise HttpFailed(str(self))
        raise GiveUp(str(self))

    def __str__(self) -> str:
        """A sentence: what was called, what came back, and how the body begins."""
        status = f"{self.status} {responses.get(self.status, '')}".rstrip()
        if 300 <= self.status < 400:
            return f"{self.hop} was answered {status}: a redirect that was not followed."
        body = self.body if isinstance(self.body, str) else orjson.dumps(self.body).decode()
        excerpt = "" if self.body is None else " ".join(body.split())[:EXCERPT_CHARACTERS]
        return f"{self.hop} was answered {status}{': ' if excerpt else '.'}{excerpt}"


def headers_of(response: httpcore.Response) -> dict[str, str]:
    """Names in lower case; of a header that was sent twice, the last."""
    return {
        name.decode("ascii", "replace").lower(): value.decode("utf-8", "replace")
        for name, value in response.headers
    }


async def read_content(chunks: AsyncIterator[bytes], encoding: str) -> tuple[bytes | None, bool]:
    """At most KEPT_BYTES, unpacked, and whether there was more; None if it cannot be unpacked.

    Neither an endless body nor one that unpacks to gigabytes takes more memory than that.
    """
    packed = encoding.strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        return None, False
    unpacker = zlib.decompressobj(WINDOW_BITS_OF_GZIP) if "gzip" in packed else None
    kept = bytearray()
    async for chunk in chunks:
        room = KEPT_BYTES + 1 - len(kept)
        try:
            kept += unpacker.decompress(chunk, room) if unpacker else chunk[:room]
        except zlib.error:
            return None, False
        if len(kept) > KEPT_BYTES:
            break
    return bytes(kept[:KEPT_BYTES]), len(kept) > KEPT_BYTES


def body_of(content: bytes | None, content_type: str, truncated: bool) -> object:
    """JSON if it says so, is whole and can be stored; else text; None if there is nothing."""
    if not content:
        return None
    media, _, parameters = content_type.lower().partition(";")
    is_json = media.strip() == "application/json" or media.strip().endswith("+json")
    # PostgreSQL stores no NUL in JSON either: such a document is kept as the text it is.
    if is_json and not truncated and b"\\u0000" not in content:
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            pass
        else:
            if stored_bytes(document) <= STORED_BYTES:
                return document
    charset = re.search(r"charset=\"?([a-z0-9_-]+)", parameters)
    codec = charset[1] if charset and charset[1] in CHARSETS else "utf-8"
    decoder = codecs.getincrementaldecoder(codec)("replace")
    # Not final when truncated: half a character at the cut is dropped, not replaced.
    return cleaned(decoder.decode(content, final=not truncated))


def stored_bytes(document: object) -> int:
    """About the length of a document as PostgreSQL writes it, at least: 1e300 in 301 digits."""
    packed = orjson.dumps(document)
    digits = sum(int(exponent[1]) for exponent in EXPONENT.finditer(packed))
    return len(packed) + packed.count(b",") + packed.count(b":") + digits


def cleaned(text: str) -> str:
    return CONTROL.sub(SUBSTITUTE, text)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a Retry-After asks to wait, at most a day; None if it asks for nothing."""
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        # An HTTP date is in GMT, also in the old form that does not say so.
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = math.ceil((aware - now).total_seconds())
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds > 0 else None
