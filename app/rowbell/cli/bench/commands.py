"""`rowbell bench latency`, `drain` and `cpu`."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from rowbell import logs
from rowbell.cli import settings as options
from rowbell.cli.bench.load import Load
from rowbell.cli.screen import say, show_json, show_table
from rowbell.cli.serve import event_loop

app = typer.Typer(no_args_is_help=True, help="Measure on the configured database.")


@app.command()
def latency(
    *,
    tasks: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows that count.")] = 300,
    rate: Annotated[float, typer.Option(min=0.1, max=5_000, help="Rows a second.")] = 50,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """From the INSERT to the first line of the handler, in milliseconds."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.latency import measure  # noqa: PLC0415 - it loads a server

    # The worker runs in this process, and pays for its log lines as any worker does.
    with Path(os.devnull).open("w") as nowhere:
        with contextlib.redirect_stderr(nowhere):
            logs.configure("info", "json")
        report = _measured(measure(settings, tasks, rate))
    if as_json:
        show_json(report)
        return
    say(f"{tasks} single INSERTs at about {rate:g} a second, {report['postgresql']}\n")
    names = ("p50", "p95", "p99", "max")
    rows = (
        [*(f"{report[key][name]:.2f} ms".rjust(10) for name in names), words]
        for key, words in (
            ("from_call_milliseconds", "from the call of INSERT to the first line of the handler"),
            ("from_return_milliseconds", "from its return, when the row is committed"),
        )
    )
    show_table([*(name.rjust(10) for name in names), ""], rows)


@app.command()
def drain(
    *,
    tasks: Annotated[int, typer.Option(min=1, max=10_000_000, help="Rows to drain.")] = 60_000,
    kind: Annotated[
        Load, typer.Option(help="What each does: nothing, or 50 ms of CPU.")
    ] = Load.NO_OP,
    slots: options.Slots = None,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """How many tasks a worker does in a second, against what PostgreSQL alone would do."""
    settings = options.load_quietly(database_url, home, log_level, slots=slots)
    from rowbell.cli.bench.drain import measure  # noqa: PLC0415 - it loads a server

    report = _measured(measure(settings, tasks, kind))
    if as_json:
        show_json(report)
        return
    say(f"{tasks} tasks ({kind}), {report['slots']} slots, {report['postgresql']}\n")
    cpu = f"{report['cpu_microseconds_per_task']:.0f} µs CPU of the worker per task"
    show_table(
        ("tasks/s".rjust(10), "seconds".rjust(10), ""),
        (
            (*_speed(report["tasks_per_second"], report["seconds"]), f"one worker, {cpu}"),
            (
                *_speed(report["floor_tasks_per_second"], report["floor_seconds"]),
                "claim and complete alone, a thousand at a time, one connection",
            ),
            (f"{report['ratio']:.0%}".rjust(10), "", "of that floor"),
        ),
    )


@app.command()
def cpu(
    *,
    tasks: Annotated[int, typer.Option(min=10, max=100_000, help="Tasks of 50 ms CPU.")] = 60,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of each; medians count.")] = 3,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """What a second process brings to handlers that only compute."""
    settings = options.load_quietly(database_url, home, log_level)
    from rowbell.cli.bench.cpu import measure  # noqa: PLC0415 - it loads a database

    report = _measured(measure(settings, tasks, rounds))
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


def _speed(rate: float, seconds: float) -> tuple[str, str]:
    return f"{rate:,}".rjust(10), f"{seconds:.2f}".rjust(10)


def _measured(measuring: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        try:
            return runner.run(measuring)
        except asyncio.CancelledError:
            raise typer.Exit(130) from None
