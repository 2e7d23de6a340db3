"""`rowbell bench`: what is typed. Each command prints a table, or one JSON document."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from rowbell.cli import settings as options
from rowbell.cli.bench.load import Load
from rowbell.cli.screen import say, show_json, show_table
from rowbell.cli.serve import event_loop

app = typer.Typer(no_args_is_help=True, help="Measure on the configured database.")

Yes = Annotated[
    bool, typer.Option("--yes", help="Also where somebody else has tasks, whom it disturbs.")
]
Rounds = Annotated[int, typer.Option(min=1, max=100, help="Of each leg, in turns; medians count.")]
Seconds = Annotated[float, typer.Option(min=0.5, max=3_600, help="That each leg takes.")]
Clients = Annotated[int, typer.Option(min=1, max=1_000, help="Connections that insert.")]
Workers = Annotated[int, typer.Option(min=1, max=1_000, help="Workers that are connected.")]


@app.command()
def latency(
    *,
    tasks: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows that count.")] = 300,
    rate: Annotated[float, typer.Option(min=0.1, max=5_000, help="Rows a second.")] = 50,
    rounds: Rounds = 1,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """From the INSERT to the first line of the handler, against a bare NOTIFY, claim and call."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.latency import measure  # noqa: PLC0415 - it loads a server

    _show(
        measure(settings, tasks, rate, rounds, sure=yes),
        as_json,
        f"{tasks} single INSERTs at about {rate:g} a second",
    )


@app.command()
def drain(
    *,
    tasks: Annotated[int, typer.Option(min=1, max=10_000_000, help="Rows to drain.")] = 60_000,
    kind: Annotated[
        Load, typer.Option(help="What each does: nothing, or 50 ms of CPU.")
    ] = Load.NO_OP,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Workers that drain.")] = 1,
    rounds: Rounds = 1,
    yes: Yes = False,
    slots: options.Slots = None,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """How many tasks are done in a second, against what PostgreSQL alone would do."""
    settings = options.load_quietly(database_url, home, log_level, slots=slots)
    from rowbell.cli.bench.drain import measure  # noqa: PLC0415 - it loads a server

    report = _measured(measure(settings, tasks, kind, processes, rounds, sure=yes))
    if as_json:
        show_json(report)
        return
    say(f"{tasks} tasks ({kind}), {report['slots']} slots, {report['postgresql']}\n")
    cpu = f"{report['cpu_microseconds_per_task']:.0f} µs CPU of workers per task"
    show_table(
        ("tasks/s".rjust(10), "seconds".rjust(10), ""),
        (
            (
                *_speed(report["tasks_per_second"], report["seconds"]),
                f"{_workers(processes)}, {cpu}",
            ),
            (
                *_speed(report["floor_tasks_per_second"], report["floor_seconds"]),
                "claim and complete alone, a thousand at a time, one connection",
            ),
            (f"{report['ratio']:.0%}".rjust(10), "", "of that floor"),
        ),
    )


@app.command()
def enqueue(
    *,
    clients: Clients = 16,
    seconds: Seconds = 3,
    rounds: Rounds = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """How many rows go in: one by one, by many clients, by one statement, by COPY."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.enqueue import measure  # noqa: PLC0415 - it loads a server

    _show(measure(settings, clients, seconds, rounds, sure=yes), as_json, "rows inserted")


@app.command("inserts-under-notify")
def inserts_under_notify(
    *,
    clients: Clients = 16,
    workers: Workers = 1,
    seconds: Seconds = 4,
    rounds: Rounds = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What the bell costs those who insert: its trigger on and off, while a worker drains."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.inserts import measure  # noqa: PLC0415 - it loads a server

    _show(
        measure(settings, clients, workers, seconds, rounds, sure=yes),
        as_json,
        f"single INSERTs by {clients} clients, {workers} connected; ratio: bell on / bell off",
    )


@app.command("idle-listeners")
def idle_listeners(
    *,
    workers: Workers = 50,
    tasks: Annotated[int, typer.Option(min=10, max=1_000_000, help="Rows that count.")] = 300,
    rate: Annotated[float, typer.Option(min=0.1, max=5_000, help="Rows a second.")] = 50,
    rounds: Rounds = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What idle workers cost: pickup, CPU of PostgreSQL and claims a task, with many and one."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.listeners import measure  # noqa: PLC0415 - it loads a server

    _show(
        measure(settings, workers, tasks, rate, rounds, sure=yes),
        as_json,
        f"{tasks} single INSERTs at about {rate:g} a second; many: {workers} idle workers",
    )


@app.command()
def sustained(
    *,
    rate: Annotated[
        int | None, typer.Option(min=10, max=100_000, help="Only this one: no ladder.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=3_600, help="A step of the ladder.")] = 8,
    hold: Annotated[float, typer.Option(min=1, max=3_600, help="Of the best, at the end.")] = 30,
    yes: Yes = False,
    slots: options.Slots = None,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """The highest rate with a p99 below 100 ms from call to handler: bulk INSERTs each 20 ms."""
    settings = options.load_quietly(database_url, home, log_level, slots=slots)
    from rowbell.cli.bench.sustained import measure  # noqa: PLC0415 - it loads a server

    report = _measured(measure(settings, rate, seconds, hold, sure=yes))
    if as_json:
        show_json(report)
        return
    say(f"one worker, {report['postgresql']}; highest rate: {report['highest_rate'] or 'none'}\n")
    _show_legs({f"{step['rate']:,}/s": step for step in report["steps"]})


@app.command()
def bulk(
    *,
    tasks: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Rows of one statement.")
    ] = 100_000,
    rounds: Rounds = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What the bell costs INSERT … SELECT of many rows, and how often it rings."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.bulk import measure  # noqa: PLC0415 - it loads a server

    _show(measure(settings, tasks, rounds, sure=yes), as_json, f"one INSERT of {tasks:,} rows")


@app.command("held-snapshot")
def held_snapshot(
    *,
    tasks: Annotated[int, typer.Option(min=1, max=10_000_000, help="Rows to drain.")] = 50_000,
    rounds: Rounds = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What a long transaction of somebody else does to a drain."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.snapshot import measure  # noqa: PLC0415 - it loads a server

    _show(measure(settings, tasks, rounds, sure=yes), as_json, f"{tasks:,} no-op tasks, drained")


@app.command()
def idle(
    *,
    workers: Workers = 1,
    seconds: Annotated[float, typer.Option(min=1, max=3_600, help="To look on.")] = 20,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What workers cost that have nothing to do: transactions a second, shares of a core."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.idle import measure  # noqa: PLC0415 - it loads a server

    _show(measure(settings, workers, seconds, sure=yes), as_json, f"{workers} idle, {seconds:g} s")


@app.command()
def cpu(
    *,
    tasks: Annotated[int, typer.Option(min=10, max=100_000, help="Tasks of 50 ms CPU.")] = 60,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of each; medians count.")] = 3,
    yes: Yes = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What a second process brings to handlers that only compute."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.cpu import measure  # noqa: PLC0415 - it loads a database

    report = _measured(measure(settings, tasks, rounds, sure=yes))
    if as_json:
        show_json(report)
        return
    say(f"{tasks} tasks of 50 ms CPU, medians of {rounds}, {report['postgresql']}\n")
    rows = (
        [*(f"{report[key][each]:.2f}".rjust(10) for each in _CPU_COLUMNS), words]
        for key, words in (
            ("process_slots", "tasks/s with --process-slots 1 and 2, in processes of one worker"),
            ("processes", "tasks/s with --processes 1 and 2, in threads"),
        )
    )
    show_table(("1".rjust(10), "2".rjust(10), "ratio".rjust(10), ""), rows)


_CPU_COLUMNS = ("one_tasks_per_second", "two_tasks_per_second", "ratio")


def _workers(number: int) -> str:
    return "one worker" if number == 1 else f"{number} workers"


def _speed(rate: float, seconds: float) -> tuple[str, str]:
    return f"{rate:,}".rjust(10), f"{seconds:.2f}".rjust(10)


def _show(measuring: Coroutine[Any, Any, dict[str, Any]], as_json: bool, what: str) -> None:
    report = _measured(measuring)
    if as_json:
        show_json(report)
        return
    say(f"{what}; {report['postgresql']}\n")
    if "legs" in report:
        _show_legs(
            {**report["legs"], **({"ratio": report["ratios"]} if "ratios" in report else {})}
        )
    for name, value in report.items():
        if isinstance(value, float) and name not in ("rate", "seconds"):
            say(f"{value:>10,g}  {name.replace('_', ' ')}")


def _show_legs(legs: dict[str, dict[str, Any]]) -> None:
    columns = [name for name in max(legs.values(), key=len) if name != "rate"]
    heads = [
        _UNITS.sub(lambda found: f" {_SHORT[found[1]]}", name).replace("_", " ") for name in columns
    ]
    show_table(
        [*(head.rjust(10) for head in heads), ""],
        (
            [
                *(
                    _cell(leg.get(name)).rjust(max(10, len(head)))
                    for name, head in zip(columns, heads, strict=True)
                ),
                words,
            ]
            for words, leg in legs.items()
        ),
    )


_SHORT = {"milliseconds": "ms", "microseconds": "µs"}
_UNITS = re.compile(r"_(milliseconds|microseconds)")


def _cell(value: float | bool | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _measured(measuring: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        try:
            return runner.run(measuring)
        except asyncio.CancelledError:
            raise typer.Exit(130) from None
