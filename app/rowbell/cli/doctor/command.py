"""`rowbell doctor`."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer
from rich.status import Status

from rowbell.cli import settings as options
from rowbell.cli.errors import report as complain
from rowbell.cli.screen import errors, out, say, show_json
from rowbell.config import Settings
from rowbell.errors import RowbellError

PROBLEMS, UNREACHED = 1, 2


def doctor(
    *,
    drill: Annotated[
        bool,
        typer.Option(
            "--drill",
            help="Cut a listener and stop a worker, both its own, and time how they recover.",
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for warnings, too.")] = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """Find out what is wrong, and say what mends it. Ends with 0 (fine), 1 (problems) or 2."""
    settings = options.load_quietly(database_url, home, log_level or "error")
    try:
        verdict = asyncio.run(_visit(settings, drill=drill, as_json=as_json))
    except RowbellError as error:
        complain(error)
        raise typer.Exit(UNREACHED) from None
    bad = ("problem", "warning") if strict else ("problem",)
    raise typer.Exit(PROBLEMS if verdict in bad else 0)


async def _visit(settings: Settings, *, drill: bool, as_json: bool) -> str:
    """The worst severity that was found. Raises Unavailable, ConfigurationError."""
    from rowbell.db.place import placed  # noqa: PLC0415 - `--help` need not load it

    async with placed(settings) as place:
        if drill:
            return await _drill(settings.model_copy(update={"database_url": place.url}), as_json)
        return await _examine(settings, place.url, as_json)


async def _examine(settings: Settings, url: str, as_json: bool) -> str:
    from rowbell.cli.doctor import report  # noqa: PLC0415
    from rowbell.cli.doctor.rounds import CHECKS, Result, examine  # noqa: PLC0415
    from rowbell.db.doctor.patient import Patient  # noqa: PLC0415

    patient = await Patient.meet(url)
    results: list[Result] = []
    try:
        with _progress("") as status:
            for check in CHECKS:
                if status:
                    status.update(f"looking at {check.name} …")
                results.append(await examine(patient, check))
                if not as_json:
                    report.tell(results[-1])
    finally:
        await patient.leave()
    document = report.as_json(results, settings)
    if as_json:
        show_json(document)
    else:
        report.tell_settings(settings)
        say(report.sum_up(results))
    return str(document["verdict"])


def _progress(words: str) -> AbstractContextManager[Status | None]:
    """On the console of the report, if that is a terminal: two would write over each other."""
    for console in (out, errors):
        if console.is_terminal:
            return console.status(words)
    return nullcontext()


async def _drill(settings: Settings, as_json: bool) -> str:
    from rowbell.cli.doctor import drill, report  # noqa: PLC0415
    from rowbell.db.doctor.patient import Patient  # noqa: PLC0415

    patient = await Patient.meet(str(settings.database_url))
    recoveries = []
    try:
        with _progress("the drill is on …"):
            recoveries.append(await drill.of_listener(patient, settings))
            recoveries += await drill.of_worker(patient, settings)
    finally:
        await patient.leave()
    if as_json:
        show_json({"recoveries": recoveries})
    else:
        for recovery in recoveries:
            report.tell_recovery(recovery)
    return "fine"
