"""`rowbell limit`: how many of a queue, a kind or a key may run, and how many are started."""

from typing import Annotated, Any

import typer

from rowbell.cli.changes import queue_name
from rowbell.cli.command import short
from rowbell.cli.screen import say, show_json
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import queues
from rowbell.errors import InvalidArgument
from rowbell.rate import Rate

app = typer.Typer(no_args_is_help=True, help="Limit a queue, a kind or a concurrency key.")

NONE = "none"
MaxRunning = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="At most so many at once, over all workers; none: any."),
]
RateOption = Annotated[
    str | None,
    typer.Option("--rate", metavar="RATE", help="At most so many begun: 5/s, 100/m; none: any."),
]
Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("queue")
@short
def limit_queue(
    settings: Settings,
    *,
    name: Name,
    max_running: MaxRunning = None,
    rate: RateOption = None,
    as_json: bool,
) -> None:
    """Limit a queue; what is not given stays as it is."""
    limits = _limits(max_running=max_running, rate=rate)
    queue = queue_name(name)
    run(settings, lambda db: queues.limit_queue(db, queue, limits, subject=None))
    _tell("queue", queue, limits, as_json=as_json)


@app.command("kind")
@short
def limit_kind(
    settings: Settings,
    *,
    name: Name,
    max_running: MaxRunning = None,
    max_running_per_key: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Of one concurrency key; none: one.")
    ] = None,
    rate: RateOption = None,
    as_json: bool,
) -> None:
    """Limit a kind; what is not given stays. What @task declares comes back with its worker."""
    limits = _limits(max_running=max_running, max_running_per_key=max_running_per_key, rate=rate)
    run(settings, lambda db: queues.limit_kind(db, name, limits, subject=None))
    _tell("kind", name, limits, as_json=as_json)


@app.command("key")
@short
def limit_key(
    settings: Settings, *, name: Name, max_running: MaxRunning = None, as_json: bool
) -> None:
    """Limit a concurrency key; none: as its kind says."""
    limits = _limits(max_running=max_running)
    most = limits["max_running"]
    run(settings, lambda db: queues.limit_key(db, name, most, subject=None))
    _tell("key", name, limits, as_json=as_json)


def _limits(*, rate: str | None = None, **numbers: str | None) -> dict[str, Any]:
    """Columns and their values. Raises InvalidArgument."""
    if rate is None and not any(numbers.values()):
        raise InvalidArgument("nothing says which limit.", hint="Give --max-running or --rate.")
    limits = {name: _number(name, text) for name, text in numbers.items() if text is not None}
    return limits | _rate(rate)


def _rate(rate: str | None) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if rate == NONE:
        limits |= {"rate": None, "burst": None}
    elif rate is not None:
        try:
            read = Rate.read(rate)
        except ValueError as error:
            raise InvalidArgument(str(error), field="rate") from None
        limits |= {"rate": read.per_second, "burst": read.burst}
    return limits


def _number(field: str, text: str) -> int | None:
    """Raises InvalidArgument."""
    if text == NONE:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 1_000_000:
        raise InvalidArgument(f"{text!r} is no limit.", hint="Use 1 or more, or none.", field=field)
    return number


def _tell(what: str, name: str, limits: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json({what: name, **limits})
    else:
        words = ", ".join(f"{k} {'none' if v is None else f'{v:g}'}" for k, v in limits.items())
        say(f"The {what} {name} has now: {words}.")
