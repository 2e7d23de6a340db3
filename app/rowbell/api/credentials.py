"""The bearer token of a caller: from the header, or from the payload of connection_init."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from rowbell.errors import Unauthenticated

LONGEST = 8_192
"""Characters of a token; servers in front of us take no longer header either."""

REALM = 'Bearer realm="rowbell"'
_HINT = "Send the header Authorization: Bearer TOKEN; `rowbell token create` makes one."


def bearer(connection: HTTPConnection, payload: Mapping[str, Any] | None = None) -> str:
    """The token. One in the payload wins, for browsers cannot set headers of a WebSocket.

    Raises Unauthenticated.
    """
    given = _of_payload(payload or {}) or connection.headers.getlist("authorization")
    if not given:
        raise Unauthenticated("there are no credentials.", hint=_HINT)
    if len(given) > 1 or not isinstance(given[0], str):
        raise Unauthenticated("Authorization is not one text.", hint=_HINT)
    scheme, _, token = given[0].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii() or " " in token:
        raise Unauthenticated("Authorization is not Bearer and a token.", hint=_HINT)
    if len(token) > LONGEST:
        raise Unauthenticated(f"the token has more than {LONGEST} characters.", hint=_HINT)
    return token


def challenge(error: Unauthenticated, connection: HTTPConnection) -> dict[str, str]:
    """The header of a 401: RFC 6750, which names no error where no token was sent."""
    if "authorization" not in connection.headers:
        return {"WWW-Authenticate": REALM}
    words = "".join(letter for letter in error.message if letter.isascii() and letter.isprintable())
    said = words.replace("\\", "").replace('"', "'")
    return {"WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="{said}"'}


def _of_payload(payload: Mapping[str, Any]) -> list[Any]:
    return [value for name, value in payload.items() if name.lower() == "authorization"]
