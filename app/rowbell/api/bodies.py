"""The body of a request: JSON in UTF-8, no larger and no slower than allowed."""

import asyncio

from starlette.requests import Request

from rowbell.api.limits import BodyTooLarge, BodyTooSlow, Limits
from rowbell.api.negotiation import JSON
from rowbell.api.requests import BadRequest


async def read(request: Request, limits: Limits) -> bytes:
    """Raises BodyTooLarge, BodyTooSlow, ClientDisconnect."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request, limits.body_bytes)
    except TimeoutError:
        raise BodyTooSlow(
            f"the body did not arrive within {limits.body_seconds:g} s.",
            hint="Send it again.",
            headers={"Connection": "close"},
        ) from None


async def _read(request: Request, most: int) -> bytes:
    body = b""
    async for chunk in request.stream():
        body = body + chunk if body else chunk
        if len(body) > most:
            raise _too_large(most)
    return body


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body has more than {most} bytes.",
        hint="A task carries keys and ids: keep files elsewhere.",
    )


def check_content_type(header: str) -> None:
    """Raises BadRequest. Also the wall against forms of other sites, which cannot send JSON."""
    kind, *parameters = (piece.strip().lower() for piece in header.split(";"))
    if kind == "multipart/form-data":
        raise BadRequest(
            "files are not taken.",
            hint="Send application/json, and in it a key or a URL of the file.",
            status=415,
        )
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip('"') for name, _, value in pairs if name == "charset"]
    if kind != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise BadRequest(
            f"the content type {header[:80]!r} is not served.",
            hint="Send Content-Type: application/json, in UTF-8.",
            status=415,
        )
