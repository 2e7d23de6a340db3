"""One operation, executed for one event after the other: each becomes a payload."""

from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, Executor, execute_subscription_event

from rowbell.api import answers
from rowbell.api.turns import Turns


class Payload:
    """An answer of a subscription, encoded once for all who get it."""

    __slots__ = ("_chunk", "_tail", "cursor", "text")

    def __init__(self, text: bytes, cursor: str = "") -> None:
        self.text = text
        """JSON."""
        self.cursor = cursor
        """Where a subscriber that has got it may resume; empty: it may not."""
        self._tail = b""
        self._chunk = b""

    def __len__(self) -> int:
        return len(self.text)

    @property
    def tail(self) -> bytes:
        """The end of a message of graphql-transport-ws; its beginning has the client's id."""
        self._tail = self._tail or self.text + b"}"
        return self._tail

    @property
    def chunk(self) -> bytes:
        """A server-sent event, as a chunk of a body of HTTP."""
        self._chunk = self._chunk or as_chunk(as_event(self.text))
        return self._chunk


def as_event(text: bytes) -> bytes:
    """The server-sent event of an answer in JSON, which has no line breaks."""
    return b"event: next\ndata: %b\n\n" % text


def as_chunk(event: bytes) -> bytes:
    """A chunk of a body of HTTP."""
    return b"%x\r\n%b\r\n" % (len(event), event)


class Execution:
    """What is asked of each event, and in whose name."""

    def __init__(self, executor: Executor[Any], turns: Turns) -> None:
        self._executor = executor
        self._turns = turns

    async def payload(self, event: Any) -> Payload:
        """The answer for one event."""
        # One event may concern thousands of subscriptions that have nothing in common.
        async with self._turns.turn():
            result = execute_subscription_event(self._executor.build_per_event_executor(event))
        return self._encode(await result if isawaitable(result) else result, event)

    def _encode(self, result: ExecutionResult, event: Any) -> Payload:
        try:
            text = orjson.dumps(answers.of_result(result))
        except orjson.JSONEncodeError as failure:  # SQL may have stored what is too deep for it
            text = orjson.dumps(answers.of_failure(failure))
        return Payload(text, getattr(event, "cursor", ""))
