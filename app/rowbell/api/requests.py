"""What a client asks for, as every transport reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from rowbell.api.limits import TooManyValues, VariablesTooDeep
from rowbell.errors import RowbellError


class BadRequest(RowbellError):
    """No GraphQL request at all: the sentence says what one looks like."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, hint: str = "", status: int = 400) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    size: int = 0
    """Bytes of the whole, where that is known."""


def from_json(text: bytes) -> GraphQLRequest:
    """The request of an HTTP body. Raises BadRequest."""
    return from_value(read_json(text, "the body"), len(text))


def from_parameters(parameters: Mapping[str, str]) -> GraphQLRequest:
    """The request of a URL. Raises BadRequest."""
    value: dict[str, Any] = {"query": parameters.get("query")}
    if parameters.get("operationName"):
        value["operationName"] = parameters["operationName"]
    for name in ("variables", "extensions"):
        if parameters.get(name):
            value[name] = read_json(parameters[name].encode(), f"the parameter {name}")
    return from_value(value)


def from_value(value: object, size: int = 0) -> GraphQLRequest:
    """The request of a JSON object. Raises BadRequest."""
    if isinstance(value, list):
        raise BadRequest(
            "a batch of requests is not served.",
            hint="Send one request at a time; one request may ask for several fields.",
        )
    if not isinstance(value, dict) or not isinstance(value.get("query"), str):
        raise BadRequest(
            "this is no GraphQL request.",
            hint='Send a JSON object with a text "query", and "variables" if it has any.',
        )
    for name, kind, word in (
        ("variables", dict, "an object"),
        ("operationName", str, "a text"),
        ("extensions", dict, "an object"),
    ):
        if value.get(name) is not None and not isinstance(value[name], kind):
            raise BadRequest(f"{name!r} is not {word}.", hint=f"Send {word}, or leave it out.")
    return GraphQLRequest(value["query"], value.get("variables"), value.get("operationName"), size)


def read_json(text: bytes | str, place: str) -> Any:
    """Strict: refuses NaN, infinities, lone surrogates, bad UTF-8. Raises BadRequest."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{place} is no JSON: {error.msg} at {error.pos}.") from None


def check_variables(request: GraphQLRequest, most_levels: int, most_values: int) -> int:
    """How many values there are. Raises VariablesTooDeep, TooManyValues.

    Without recursion: depth is the client's choice.
    """
    level: list[Any] = [request.variables] if request.variables else []
    depth = values = 0
    while level:
        depth += 1
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
        values += len(below)
        level = below
        if depth > most_levels + 1:
            raise VariablesTooDeep(
                f"the variables have more than {most_levels} levels.",
                hint="Flatten them, or send the inner part as a text.",
            )
        if values > most_values:
            raise TooManyValues(
                f"the variables hold more than {most_values} values.",
                hint="Send them in several requests.",
            )
    return values
