"""What a client is told: the data, and errors that say what to do. The rest stays in the log."""

import uuid
from collections.abc import Iterable
from typing import Any

from graphql import ExecutionResult, GraphQLError

from rowbell.api.documents import DocumentRefused
from rowbell.errors import RowbellError, Unavailable
from rowbell.logs import log
from rowbell.measures import measures

Answer = dict[str, Any]

_FIELDS = {"run_at": "schedule"}


def of_result(result: ExecutionResult) -> Answer:
    """The answer for what graphql-core made; the data is left out if nothing was executed."""
    if not result.errors:
        return {"data": result.data}
    answer: Answer = {"errors": [of_error(error) for error in result.errors]}
    if not is_refused(result):
        answer["data"] = result.data
    return answer


def is_refused(result: ExecutionResult) -> bool:
    """True if the request was refused before any field was asked for its value."""
    return result.data is None and all(error.path is None for error in result.errors or ())


def of_failure(failure: Exception) -> Answer:
    """The answer to a request that got no further than this."""
    if isinstance(failure, DocumentRefused):
        return {"errors": [_located(error, _code(error, failure.code)) for error in failure.errors]}
    if isinstance(failure, GraphQLError):
        return {"errors": [of_error(failure)]}
    message, extensions = _describe(failure)
    return {"errors": [{"message": message, "extensions": extensions}]}


def of_error(error: GraphQLError) -> Answer:
    """One entry of `errors`."""
    cause = _cause(error)
    # Without a path it is about the request itself, and GraphQL's own words are fit to be read.
    if error.path is None or isinstance(cause, GraphQLError):
        return _located(error, _code(cause, "BAD_USER_INPUT"))
    formatted = _located(error, "")
    formatted["message"], formatted["extensions"] = _describe(cause, error.path)
    return formatted


def _cause(error: GraphQLError) -> Exception:
    """The innermost error: graphql-core wraps what a resolver raised, and what a scalar raised."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _code(error: Exception, otherwise: str) -> str:
    """A value that its scalar refused says so itself, wherever it was found."""
    extensions = error.extensions if isinstance(error, GraphQLError) else None
    return str((extensions or {}).get("code", otherwise))


def _located(error: GraphQLError, code: str) -> Answer:
    if code:
        measures.refusals[code] += 1
    return {**error.formatted, "extensions": {"code": code}}


def _describe(failure: Exception, path: Iterable[str | int] = ()) -> tuple[str, Answer]:
    """The sentence and the extensions of an error that is not GraphQL's own."""
    if isinstance(failure, Unavailable):
        told: RowbellError = Unavailable(
            "PostgreSQL is not available.", hint="Try again in a few seconds."
        )
    elif isinstance(failure, RowbellError) and failure.code != RowbellError.code:
        return failure.message, _extensions(failure)
    else:
        told = RowbellError("Something went wrong here, not with your request.")
        told.hint = "Tell the operators the id: the log says under this id what it was."
    return told.message, {**_extensions(told), "id": _log(failure, path)}


def _extensions(failure: RowbellError) -> Answer:
    measures.refusals[failure.code] += 1
    said = {
        "code": failure.code,
        "hint": failure.hint,
        "field": _in_words_of_the_api(failure.field),
        "cursor": getattr(failure, "cursor", ""),
    }
    return {name: value for name, value in said.items() if value}


def _in_words_of_the_api(column: str) -> str:
    first, *rest = _FIELDS.get(column, column).split("_")
    return first + "".join(word.capitalize() for word in rest)


def _log(failure: Exception, path: Iterable[str | int]) -> str:
    number = uuid.uuid4().hex[:12]
    where = ".".join(str(step) for step in path)
    if isinstance(failure, Unavailable):
        log.error("api.failed", id=number, path=where, error=str(failure))
    else:
        log.error("api.failed", id=number, path=where, exc_info=failure)
    return number
