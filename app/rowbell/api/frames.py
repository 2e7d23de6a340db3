"""Messages of graphql-transport-ws, and the reasons for which a socket is closed.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from dataclasses import dataclass
from typing import Any

from rowbell.api.requests import BadRequest, GraphQLRequest, from_value, read_json

SUBPROTOCOL = "graphql-transport-ws"
_LONGEST_REASON = 123
"""Bytes; the frame has room for no more."""


class Closing(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


class Gone(Exception):
    """The client has left: there is nobody to tell anything."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client: connection_init, ping, pong, subscribe or complete."""

    type: str
    id: str = ""
    payload: dict[str, Any] | None = None
    request: GraphQLRequest | None = None
    """Only of subscribe."""


def read(text: str | None) -> Message:
    """Raises Closing with 4400 and a reason for anything that the protocol does not know."""
    if text is None:
        raise Closing(4400, "Messages are text, not binary")
    try:
        value = read_json(text, "the message")
    except BadRequest as error:
        raise Closing(4400, f"Invalid message: {error.message}") from None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise Closing(4400, "Invalid message: an object with a text 'type' is expected")
    match value["type"]:
        case "connection_init" | "ping" | "pong":
            return Message(value["type"], payload=_payload(value))
        case "subscribe":
            return Message("subscribe", id=_id(value), request=_request(value, len(text)))
        case "complete":
            return Message("complete", id=_id(value))
    raise Closing(4400, f"Invalid message: no client sends the type {value['type'][:40]!r}")


def _payload(value: dict[str, Any]) -> dict[str, Any] | None:
    payload = value.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise Closing(4400, f"Invalid message: the payload of {value['type']} is not an object")
    return payload


def _id(value: dict[str, Any]) -> str:
    number = value.get("id")
    if not isinstance(number, str) or not number:
        raise Closing(4400, f"Invalid message: {value['type']} needs a text 'id'")
    return number


def _request(value: dict[str, Any], size: int) -> GraphQLRequest:
    try:
        return from_value(value.get("payload"), size)
    except BadRequest as error:
        raise Closing(4400, f"Invalid message: {error.message}") from None
