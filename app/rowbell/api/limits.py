"""What one client may take, and the refusals that say so: each limit has a code of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from rowbell.config import Settings
from rowbell.errors import RowbellError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, bytes and counts. Those that are settings are named `api_…` there."""

    body_bytes: int = 1_048_576
    frame_bytes: int = 1_048_576
    body_seconds: float = 10.0
    """From the first byte of a request to its last."""
    query_characters: int = 100_000
    tokens: int = 1_000
    depth: int = 20
    aliases: int = 50
    """How often one document may ask for a field that it has beside it already."""
    root_fields: int = 20
    fragments: int = 50
    cost: int = 5_000
    """Fields of the answer, as far as they can be foreseen; see rowbell.api.cost."""
    variables_depth: int = 210
    variables_values: int = 20_000
    init_seconds: float = 5.0
    """From the opening of a WebSocket to its connection_init."""
    send_seconds: float = 10.0
    """How long a client may leave what it is sent unread."""
    ping_seconds: float = 12.0
    """Between two comments of a stream that has nothing else to say."""
    operations: int = 100
    """At once on one WebSocket."""
    sockets: int = 5_000
    """WebSockets and streams of one subject, at once."""
    operation_seconds: float = 30.0
    """For a query or a mutation; executeTask adds what it was told to wait."""
    rate: int = 60_000
    """Operations of one subject in a minute; 0: as many as it likes."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        names = (each.name for each in fields(cls))
        given = {name: getattr(settings, f"api_{name}", None) for name in names}
        return cls(**{name: value for name, value in given.items() if value is not None})


class LimitExceeded(RowbellError):
    """A request was refused for its size or its number, before anything of it was carried out."""

    code = "LIMIT_EXCEEDED"
    status = 400

    def __init__(
        self, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.headers = dict(headers or {})


class BodyTooLarge(LimitExceeded):
    code = "BODY_TOO_LARGE"
    status = 413


class BodyTooSlow(LimitExceeded):
    code = "BODY_TOO_SLOW"
    status = 408


class QueryTooLong(LimitExceeded):
    code = "QUERY_TOO_LONG"


class TooManyTokens(LimitExceeded):
    code = "TOO_MANY_TOKENS"


class QueryTooDeep(LimitExceeded):
    code = "QUERY_TOO_DEEP"


class TooManyAliases(LimitExceeded):
    code = "TOO_MANY_ALIASES"


class TooManyRootFields(LimitExceeded):
    code = "TOO_MANY_ROOT_FIELDS"


class TooManyFragments(LimitExceeded):
    code = "TOO_MANY_FRAGMENTS"


class QueryTooCostly(LimitExceeded):
    code = "QUERY_TOO_COSTLY"


class VariablesTooDeep(LimitExceeded):
    code = "VARIABLES_TOO_DEEP"


class TooManyValues(LimitExceeded):
    code = "TOO_MANY_VALUES"


class TooManyOperations(LimitExceeded):
    code = "TOO_MANY_OPERATIONS"
    status = 429


class TooManySockets(LimitExceeded):
    code = "TOO_MANY_SOCKETS"
    status = 429


class RateLimited(LimitExceeded):
    code = "RATE_LIMITED"
    status = 429


class ClientTooSlow(RowbellError):
    """A subscriber fell so far behind that something would have to be dropped in silence."""

    code = "CLIENT_TOO_SLOW"
    status = 429

    def __init__(self, cursor: str = "") -> None:
        """`cursor`: where to resume the stream of changes."""
        super().__init__(
            "too many changes waited for this subscriber.",
            hint="Read `tasks`, then subscribe again; taskChanges resumes from the cursor.",
        )
        self.cursor = cursor


class OperationTimeout(RowbellError):
    """It took too long and was ended; a mutation may have been carried out all the same."""

    code = "OPERATION_TIMEOUT"
    status = 504


class Draining(RowbellError):
    """This process is about to end; another one, or its successor, will serve."""

    code = "DRAINING"
    status = 503
