"""Handlers: what runs a kind. `@task` registers a function and changes nothing about calling it."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_type_hints, overload

from pydantic import TypeAdapter

from rowbell.errors import ConfigurationError
from rowbell.task import NAME

RunsIn = Literal["loop", "thread"]
Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

MAX_ATTEMPTS = 5


class Context(Protocol):
    """What a handler may ask of Rowbell while it runs; all but `transaction` also from a thread."""

    @property
    def task_id(self) -> int: ...

    @property
    def attempt(self) -> int:
        """1 for the first; only ever grows."""

    @property
    def is_cancelled(self) -> bool:
        """True once the attempt should end: cancelled, out of time, or drained. For threads."""

    def progress(self, fraction: float) -> None:
        """Report how far the work is, 0 to 1. The database hears of it twice a second at most."""

    def log(self, message: str, **fields: object) -> None:
        """Write a log line that carries the task's id, kind and attempt."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Commit the handler's own writes and the task's completion together, or neither.

        Yields an asyncpg connection inside a transaction. What the handler returns after the
        block comes too late for `tasks.result`: give it to `result` within.
        """

    def result(self, value: object) -> None:
        """Within `transaction`: what `tasks.result` gets with the completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A registered function, with all that an attempt needs to know of it."""

    kind: str
    function: Function
    runs_in: RunsIn
    max_attempts: int
    timeout: float | None
    """Seconds; None: none."""
    description: str
    payload_name: str | None
    """The parameter that gets the payload; None: the function takes none."""
    payload_type: TypeAdapter[Any] | None
    """Its type; None: plain JSON."""
    context_name: str | None


class Handlers:
    """A registry: kind to handler."""

    def __init__(self, *handlers: Handler) -> None:
        self._by_kind: dict[str, Handler] = {}
        for handler in handlers:
            self.add(handler)

    def __getitem__(self, kind: str) -> Handler:
        return self._by_kind[kind]

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._by_kind.values())

    @property
    def kinds(self) -> list[str]:
        return sorted(self._by_kind)

    def add(self, handler: Handler) -> None:
        """Register; ConfigurationError if another function has that kind already."""
        known = self._by_kind.get(handler.kind)
        if known and _place(known.function) != _place(handler.function):
            raise ConfigurationError(
                f"two handlers claim the kind {handler.kind!r}: {_place(known.function)} and"
                f" {_place(handler.function)}.",
                hint="Give one of them another name: @task(kind=...).",
            )
        self._by_kind[handler.kind] = handler


registry = Handlers()
"""What `@task` fills."""


@overload
def task(function: F, /) -> F: ...
@overload
def task(
    *,
    kind: str | None = ...,
    runs_in: RunsIn | None = ...,
    max_attempts: int = ...,
    timeout: float | None = ...,
) -> Callable[[F], F]: ...
def task(
    function: F | None = None,
    /,
    *,
    kind: str | None = None,
    runs_in: RunsIn | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    timeout: float | None = None,
) -> F | Callable[[F], F]:
    """Register a function as the handler of a kind, and return it unchanged.

    kind: the function's name unless given. runs_in: "loop" for `async def`, "thread" for `def`.
    max_attempts: failures until the task is FAILED, unless the task says otherwise. timeout:
    seconds an attempt may take, unless the task says otherwise; None: no limit.
    Raises ConfigurationError if any of this cannot work.
    """

    def register(function: F) -> F:
        registry.add(
            describe(
                function, kind=kind, runs_in=runs_in, max_attempts=max_attempts, timeout=timeout
            )
        )
        return function

    return register(function) if function else register


def describe(
    function: Function,
    *,
    kind: str | None = None,
    runs_in: RunsIn | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    timeout: float | None = None,
) -> Handler:
    """The Handler of a function; ConfigurationError if it cannot be one."""
    name = kind or function.__name__
    is_async = inspect.iscoroutinefunction(function)
    chosen = runs_in or ("loop" if is_async else "thread")
    for problem, sentence in (
        (not NAME.match(name), f"the kind {name!r} is not named module_action: a-z, 0-9, _."),
        (chosen not in ("loop", "thread"), f"runs_in={chosen!r} is not loop or thread."),
        (is_async != (chosen == "loop"), "async functions run in the loop, others in a thread."),
        (not 1 <= max_attempts <= 1000, f"max_attempts={max_attempts} is not 1 to 1000."),
        (timeout is not None and timeout <= 0, f"timeout={timeout} is not above 0 seconds."),
    ):
        if problem:
            raise ConfigurationError(f"@task on {_place(function)}: {sentence}")
    payload_name, payload_type, context_name = _parameters(function)
    return Handler(
        kind=name,
        function=function,
        runs_in=chosen,
        max_attempts=max_attempts,
        timeout=timeout,
        description=(inspect.getdoc(function) or "").partition("\n")[0],
        payload_name=payload_name,
        payload_type=payload_type,
        context_name=context_name,
    )


def load(modules: tuple[str, ...]) -> Handlers:
    """Import handler modules; returns all that `@task` has registered so far.

    Raises ConfigurationError if a module cannot be imported or the import fails.
    """
    for name in modules:
        try:
            importlib.import_module(name)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"the handler module {name!r} cannot be imported: {type(error).__name__}: {error}.",
                hint="Check the name, and that its folder is on PYTHONPATH.",
            ) from error
    return registry


def _parameters(function: Function) -> tuple[str | None, TypeAdapter[Any] | None, str | None]:
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    context = next((n for n in names if n == "context" or hints.get(n) is Context), None)
    payloads = [name for name in names if name != context]
    if len(payloads) > 1:
        raise ConfigurationError(
            f"@task on {_place(function)}: it takes {', '.join(payloads)}, but a handler takes one"
            " payload, and a context if it wants one.",
            hint="Put the values into one pydantic model.",
        )
    if not payloads:
        return None, None, context
    annotation = hints.get(payloads[0], Any)
    plain = annotation is Any or annotation is dict
    return payloads[0], None if plain else TypeAdapter(annotation), context


def _place(function: Function) -> str:
    return f"{function.__module__}.{function.__qualname__}"
