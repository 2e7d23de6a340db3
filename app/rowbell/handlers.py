"""Handlers: which function runs a kind, and all that an attempt needs to know of it."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

from rowbell.backoff import Backoff, exponential
from rowbell.errors import ConfigurationError
from rowbell.rate import Rate
from rowbell.schedule import Schedule

RunsIn = Literal["loop", "thread", "process"]
Function = Callable[..., Any]


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
    backoff: Backoff = exponential
    give_up_on: tuple[type[BaseException], ...] = ()
    """Exceptions after which no further attempt can succeed."""
    on_failed: str | None = None
    """A kind that is enqueued when a task of this kind becomes FAILED."""
    on_failed_payload: dict[str, Any] = field(default_factory=dict)
    max_running: int | None = None
    """Tasks of this kind that all workers together run at once."""
    max_running_per_key: int | None = None
    """Tasks with one concurrency_key that run at once; None: 1, unless the key says otherwise."""
    rate: Rate | None = None
    schedule: Schedule | None = None


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
        if known and place(known.function) != place(handler.function):
            raise ConfigurationError(
                f"two handlers claim the kind {handler.kind!r}: {place(known.function)} and"
                f" {place(handler.function)}.",
                hint="Give one of them another name: @task(kind=...).",
            )
        self._by_kind[handler.kind] = handler


registry = Handlers()
"""What `@task` fills."""


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


def place(function: Function) -> str:
    """Where a function is defined, for sentences about it."""
    return f"{function.__module__}.{function.__qualname__}"
