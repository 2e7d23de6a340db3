"""What can go wrong, one small tree: each error has a code, an HTTP status and what to do next."""


class RowbellError(Exception):
    """Root of every error that Rowbell raises on purpose.

    `code` is stable and machine-readable (GraphQL: `extensions.code`), `hint` says what to do
    next, `field` names the input that was refused, where one was.
    """

    code = "INTERNAL_SERVER_ERROR"
    status = 500

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ConfigurationError(RowbellError):
    """A setting, a handler module or the schema does not fit: nothing was started."""

    code = "CONFIGURATION"


class Unavailable(RowbellError):
    """PostgreSQL cannot be reached, or refuses to write: try again."""

    code = "UNAVAILABLE"
    status = 503


class InvalidArgument(RowbellError):
    """The input is well-typed but unacceptable; `field` names it."""

    code = "INVALID_ARGUMENT"
    status = 400


class NotFound(RowbellError):
    code = "NOT_FOUND"
    status = 404


class InvalidState(RowbellError):
    """The task's status does not allow this."""

    code = "INVALID_STATE"
    status = 409


class CursorExpired(RowbellError):
    """The journal does not reach back to a cursor: too old, or of another history."""

    code = "CURSOR_EXPIRED"
    status = 410


class UniqueKeyConflict(RowbellError):
    """An open task already has this unique key."""

    code = "UNIQUE_KEY_CONFLICT"
    status = 409


class Forbidden(RowbellError):
    code = "FORBIDDEN"
    status = 403


class RetryLater(Exception):
    """Raised by a handler: try again after `seconds`. Counts as a failure, skips the backoff."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        super().__init__(reason or f"the handler asked to be run again in {seconds:g} s")
        self.seconds = seconds


class GiveUp(Exception):
    """Raised by a handler: no further attempt can succeed. The task is FAILED at once."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class FunctionFailed(Exception):
    """A SQL function raised; `details` has sqlstate, detail, hint and context, as far as given."""

    def __init__(self, message: str, details: dict[str, str]) -> None:
        super().__init__(message)
        self.details = details


class FunctionRefused(FunctionFailed):
    """A call that fails in every attempt: not allowed, wrong arguments, no such object."""


# SQLSTATE to error, in this one place. RB… are our own (sql/functions); the rest are PostgreSQL's.
BY_SQLSTATE: dict[str, type[RowbellError]] = {
    "RB400": InvalidArgument,
    "RB404": NotFound,
    "RB409": InvalidState,
    "RB410": InvalidState,  # a worker that was lost
    "RB411": CursorExpired,
    "22003": InvalidArgument,  # numeric_value_out_of_range
    "22007": InvalidArgument,  # invalid_datetime_format
    "22008": InvalidArgument,  # datetime_field_overflow
    "22021": InvalidArgument,  # character_not_in_repertoire: NUL in a text
    "22P02": InvalidArgument,  # invalid_text_representation: NaN in a JSON
    "22P05": InvalidArgument,  # untranslatable_character: \u0000 in a JSON
    "23502": InvalidArgument,  # not_null_violation
    "23505": UniqueKeyConflict,
    "23514": InvalidArgument,  # check_violation
    "40001": Unavailable,  # serialization_failure: the same statement may succeed now
    "40P01": Unavailable,  # deadlock_detected
    "53100": Unavailable,  # disk_full
    "53200": Unavailable,  # out_of_memory
    "55P03": Unavailable,  # lock_not_available
    "57014": Unavailable,  # query_canceled: statement_timeout
    "42501": Forbidden,  # insufficient_privilege
}

HINTS = {
    "22P05": "JSON text cannot hold \\u0000 in PostgreSQL: remove it, or encode it (base64).",
    "22021": "Text cannot hold NUL in PostgreSQL: remove it.",
}
