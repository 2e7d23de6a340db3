"""One run of a handler: what it gets, and what is told on the way."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from rowbell.context import Context
from rowbell.engine.failures import PayloadInvalid
from rowbell.handlers import Handler


@dataclass(slots=True)
class Call:
    """One run of a handler. The payload is text: it is checked where the handler runs."""

    handler: Handler
    payload: str
    context: Context
    began: Callable[[], None] = lambda: None
    """Called when the handler begins: until then it waits, and no timeout counts."""
    lingering: Future[Any] | None = None
    """What still runs although the call has ended, until it is done."""
    thread: int | None = None
    """The thread that the handler runs in, once it does; None: it runs elsewhere."""
    ask_stack: Callable[[], Future[str]] | None = None
    """Asks the process that the handler runs in where it is; None: it runs elsewhere."""


def arguments_of(handler: Handler, payload: str, context: Context) -> dict[str, Any]:
    """What the function is called with. Raises PayloadInvalid."""
    arguments: dict[str, Any] = {}
    if handler.payload_name:
        arguments[handler.payload_name] = _checked(handler, payload)
    if handler.context_name:
        arguments[handler.context_name] = context
    return arguments


def _checked(handler: Handler, text: str) -> Any:
    try:
        if handler.payload_type is None:
            return orjson.loads(text)
        return handler.payload_type.validate_json(text)
    except (ValidationError, orjson.JSONDecodeError) as error:
        words = _sentence(error) if isinstance(error, ValidationError) else str(error)
        raise PayloadInvalid(f"the payload does not fit the kind {handler.kind}: {words}") from None


def _sentence(error: ValidationError) -> str:
    problems = (
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)[:5]
    )
    return "; ".join(problems)
