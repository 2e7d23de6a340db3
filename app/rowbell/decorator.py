"""`@task`: registers a function as the handler of a kind, and changes nothing about calling it."""

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypedDict, TypeVar, Unpack, get_type_hints, overload

from pydantic import TypeAdapter

from rowbell.backoff import Backoff, as_backoff
from rowbell.context import Context
from rowbell.errors import ConfigurationError
from rowbell.handlers import Function, Handler, RunsIn, place, registry
from rowbell.rate import Rate
from rowbell.schedule import Missed, Schedule
from rowbell.task import NAME

MAX_ATTEMPTS = 5
F = TypeVar("F", bound=Function)


class Options(TypedDict, total=False):
    """What `@task` takes."""

    kind: str
    """The function's name unless given."""
    runs_in: RunsIn
    """"loop" for `async def`; "thread" (the default) or "process" for `def`."""
    max_attempts: int
    """Failures until the task is FAILED, unless the task says otherwise: 5."""
    timeout: float | None
    """Seconds an attempt may take, unless the task says otherwise; None: no limit."""
    backoff: Backoff | list[float] | tuple[float, ...]
    """Seconds to wait after the n-th failure: a function of n, or a list whose last one repeats."""
    give_up_on: tuple[type[BaseException], ...]
    """Exceptions after which no further attempt can succeed."""
    on_failed: str
    """A kind that is enqueued in the transaction in which a task becomes FAILED."""
    on_failed_payload: Mapping[str, Any]
    """What its payload has beside the failed task."""
    max_running: int
    """Tasks of the kind that all workers together run at once."""
    max_running_per_key: int
    """Tasks with one concurrency_key that run at once: 1."""
    rate: str
    """Tasks of the kind that are started in a time: "100/min"; s, min, h or d."""
    every: float | str | timedelta
    """Enqueue a task again and again: seconds, or "90s", "15m", "1h30m"."""
    cron: str
    """Enqueue a task at these times: minute hour day month weekday."""
    time_zone: str
    """For cron, an IANA name: "Europe/Berlin"; UTC unless given."""
    missed: Missed
    """What becomes of runs that were missed: "skip", "once" (the default) or "all"."""


@overload
def task(function: F, /) -> F: ...
@overload
def task(**options: Unpack[Options]) -> Callable[[F], F]: ...
def task(function: F | None = None, /, **options: Unpack[Options]) -> F | Callable[[F], F]:
    """Register a function as the handler of a kind, and return it unchanged.

    Raises ConfigurationError if any of the options (see `Options`) cannot work.
    """

    def register(function: F) -> F:
        registry.add(describe(function, **options))
        return function

    return register(function) if function else register


def describe(function: Function, **options: Unpack[Options]) -> Handler:
    """The Handler of a function; ConfigurationError if it cannot be one."""
    try:
        handler = _described(function, options)
    except ValueError as error:  # what cannot be read: backoff, rate, every, cron
        raise ConfigurationError(f"@task on {place(function)}: {error}") from None
    for sentence in _problems(handler):
        raise ConfigurationError(f"@task on {place(function)}: {sentence}")
    return handler


def _described(function: Function, options: Options) -> Handler:
    is_async = inspect.iscoroutinefunction(function)
    payload_name, payload_type, context_name = _parameters(function)
    rate = options.get("rate")
    return Handler(
        kind=options.get("kind") or function.__name__,
        function=function,
        runs_in=options.get("runs_in") or ("loop" if is_async else "thread"),
        max_attempts=options.get("max_attempts", MAX_ATTEMPTS),
        timeout=options.get("timeout"),
        description=(inspect.getdoc(function) or "").partition("\n")[0],
        payload_name=payload_name,
        payload_type=payload_type,
        context_name=context_name,
        backoff=as_backoff(options.get("backoff")),
        give_up_on=tuple(options.get("give_up_on", ())),
        on_failed=options.get("on_failed"),
        on_failed_payload=dict(options.get("on_failed_payload", {})),
        max_running=options.get("max_running"),
        max_running_per_key=options.get("max_running_per_key"),
        rate=None if rate is None else Rate.read(rate),
        schedule=Schedule.read(
            every=options.get("every"),
            cron=options.get("cron"),
            time_zone=options.get("time_zone"),
            missed=options.get("missed"),
        ),
    )


def _problems(handler: Handler) -> list[str]:
    is_async = inspect.iscoroutinefunction(handler.function)
    runs_in, timeout = handler.runs_in, handler.timeout
    return [
        sentence
        for is_wrong, sentence in (
            (
                not NAME.match(handler.kind),
                f"the kind {handler.kind!r} is not named module_action: a-z, 0-9, _.",
            ),
            (
                runs_in not in ("loop", "thread", "process"),
                f"runs_in={runs_in!r} is not loop, thread or process.",
            ),
            (
                is_async != (runs_in == "loop"),
                "async functions run in the loop, others in a thread or a process.",
            ),
            (
                runs_in == "process" and not _is_importable(handler.function),
                'runs_in="process" takes a function that a process can import by its name:'
                " move it to the top of a module (no lambda, no method, none within a function).",
            ),
            (
                not 1 <= handler.max_attempts <= 1000,
                f"max_attempts={handler.max_attempts} is not 1 to 1000.",
            ),
            (timeout is not None and timeout <= 0, f"timeout={timeout} is not above 0 seconds."),
            (
                handler.on_failed is not None and not NAME.match(handler.on_failed),
                f"on_failed={handler.on_failed!r} is not the name of a kind.",
            ),
            *(
                (value is not None and value < 1, f"{name}={value} is not 1 or more.")
                for name, value in (
                    ("max_running", handler.max_running),
                    ("max_running_per_key", handler.max_running_per_key),
                )
            ),
        )
        if is_wrong
    ]


def _is_importable(function: Function) -> bool:
    return inspect.isfunction(function) and "<" not in function.__qualname__


def _parameters(function: Function) -> tuple[str | None, TypeAdapter[Any] | None, str | None]:
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    context = next((n for n in names if n == "context" or hints.get(n) is Context), None)
    payloads = [name for name in names if name != context]
    if len(payloads) > 1:
        raise ConfigurationError(
            f"@task on {place(function)}: it takes {', '.join(payloads)}, but a handler takes one"
            " payload, and a context if it wants one.",
            hint="Put the values into one pydantic model.",
        )
    if not payloads:
        return None, None, context
    annotation = hints.get(payloads[0], Any)
    plain = annotation is Any or annotation is dict
    return payloads[0], None if plain else TypeAdapter(annotation), context
