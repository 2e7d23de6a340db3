"""`rowbell schedule add`, `pause`, `resume`, `run`, `remove` and `next`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from rowbell.cli.command import short
from rowbell.cli.durations import read_duration, read_instant
from rowbell.cli.enqueue import read_payload
from rowbell.cli.kinds import refuse_unknown
from rowbell.cli.schedules import local
from rowbell.cli.screen import out, say, show_json
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import schedules
from rowbell.db.pool import Database
from rowbell.db.schedules import NewSchedule, Planned
from rowbell.errors import InvalidArgument, NotFound
from rowbell.logs import log
from rowbell.schedule import Schedule

app = typer.Typer(no_args_is_help=True, help="Add, pause, resume, run or remove a recurring task.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the schedule.")]
Cron = Annotated[
    str | None, typer.Option(help='Minute, hour, day, month, weekday: "30 2 * * MON-FRI".')
]
Every = Annotated[str | None, typer.Option(metavar="DURATION", help="90s, 15m, 1h30m, 2d.")]
TimeZone = Annotated[
    str | None, typer.Option(help="Whose clocks --cron means: Europe/Berlin. Default: UTC.")
]


@app.command()
@short
def add(
    settings: Settings,
    *,
    name: Name,
    kind: Annotated[str, typer.Argument(help="The kind of its tasks.")],
    payload: Annotated[
        str | None, typer.Argument(metavar="PAYLOAD_JSON", help="JSON; - reads it from stdin.")
    ] = None,
    cron: Cron = None,
    every: Every = None,
    time_zone: TimeZone = None,
    missed: Annotated[
        str | None, typer.Option(help="Of missed runs enqueue: skip (none), once (one) or all.")
    ] = None,
    starts_at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="No run before; --every counts from it.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for, in words.")] = None,
    queue: Annotated[str | None, typer.Option(help="Which queue its tasks wait in.")] = None,
    priority: Annotated[int | None, typer.Option(help="-100 to 100, higher runs first.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Default: the kind's.")] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="For one attempt. Default: the kind's.")
    ] = None,
    unique_key: Annotated[
        str | None, typer.Option(help="Skip a run while a task with this key is open.")
    ] = None,
    park: Annotated[
        bool, typer.Option("--park", help="Even if no worker has ever known the kind.")
    ] = False,
    as_json: bool,
) -> None:
    """Enqueue a task again and again: rowbell schedule add tidy --cron "30 2 * * *" tidy_up."""
    times = read_times(cron=cron, every=every, time_zone=time_zone, missed=missed)
    new = NewSchedule(
        name=name,
        kind=kind,
        payload=None if payload is None else read_payload(payload),
        description=description,
        queue=queue,
        priority=priority,
        max_attempts=max_attempts,
        timeout=read_duration(timeout) if timeout else None,
        unique_key=unique_key,
        cron=times.cron,
        every=times.every,
        time_zone=times.time_zone,
        missed=times.missed,
        starts_at=read_instant(starts_at) if starts_at else None,
    )

    async def insert(database: Database) -> None:
        if not park:
            await refuse_unknown(database, [kind])
        await schedules.add(database, new)

    _change(settings, name, insert, "added", as_json=as_json)


@app.command()
@short
def pause(
    settings: Settings,
    *,
    name: Name,
    as_json: bool,
) -> None:
    """Enqueue nothing until it is resumed; tasks that it has enqueued run."""
    _change(settings, name, lambda db: schedules.pause(db, name), "paused", as_json=as_json)


@app.command()
@short
def resume(
    settings: Settings,
    *,
    name: Name,
    as_json: bool,
) -> None:
    """Go on with the next run; those of the pause are not made up for."""
    _change(settings, name, lambda db: schedules.resume(db, name), "resumed", as_json=as_json)


@app.command("run")
@short
def run_now(
    settings: Settings,
    *,
    name: Name,
    as_json: bool,
) -> None:
    """Enqueue a task now, paused or not; the next run stays. Piped, it prints the task's id."""
    task = run(settings, lambda db: schedules.run_now(db, name))
    log.info("task.created", task=task.id, kind=task.kind, queue=task.queue)
    if as_json:
        show_json(task)
    elif out.is_terminal:
        say(f"Task {task.id} is enqueued. rowbell show {task.id} tells what became of it.")
    else:
        say(str(task.id))


@app.command()
@short
def remove(
    settings: Settings,
    *,
    name: Name,
    as_json: bool,
) -> None:
    """Delete a schedule; its tasks stay. One that code declares comes back: pause it instead."""
    run(settings, lambda db: schedules.drop(db, name))
    log.info("schedule.changed", schedule=name, change="removed", by="command")
    if as_json:
        show_json({"schedule": name, "change": "removed"})
    else:
        say(f"Schedule {name} is removed; its tasks stay.")


@app.command("next")
@short
def next_runs(
    settings: Settings,
    *,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of a schedule; or")] = None,
    cron: Cron = None,
    every: Every = None,
    time_zone: TimeZone = None,
    count: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 10,
    after: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="After 2027-03-27T12:00. Default: now.")
    ] = None,
    as_json: bool,
) -> None:
    """Print the next runs of a schedule, or of --cron or --every, by the clocks of its zone."""
    if name is None:
        times = read_times(cron=cron, every=every, time_zone=time_zone, missed=None)
        begin = starts_at = read_instant(after) if after else datetime.now(UTC)
    elif cron or every or time_zone:
        raise InvalidArgument("NAME and --cron, --every or --time-zone say two things.")
    else:
        planned = run(settings, lambda db: _planned(db, name))
        times, starts_at = _times(planned), planned.starts_at
        begin = read_instant(after) if after else planned.asked_at
    found = list(islice(times.runs(begin, starts_at=starts_at), count))
    if as_json:
        show_json(found)
        return
    for instant in found:
        say(local(instant, times.time_zone))


def read_times(*, missed: str | None, **given: Any) -> Schedule:
    """Raises InvalidArgument that says what to write."""
    try:
        times = Schedule.read(missed=missed, **given)  # type: ignore[arg-type]  # it checks it
    except ValueError as error:
        raise InvalidArgument(str(error)) from None
    if times is None:
        raise InvalidArgument(
            "it needs --cron or --every.", hint='Give one: --cron "30 2 * * *" or --every 15m.'
        )
    return times


def _change(
    settings: Settings,
    name: str,
    change: Callable[[Database], Awaitable[None]],
    done: str,
    *,
    as_json: bool,
) -> None:
    """Change a schedule, and say when it runs next."""

    async def change_and_look(database: Database) -> Planned:
        await change(database)
        return await _planned(database, name)

    planned = run(settings, change_and_look)
    log.info("schedule.changed", schedule=name, change=done, by="command")
    first = None
    if done != "paused":
        runs = _times(planned).runs(planned.asked_at, starts_at=planned.starts_at)
        first = next(runs, None)
    if as_json:
        show_json({"schedule": name, "change": done, "next_run_at": first})
    else:
        words = f"; next run {local(first, planned.time_zone)}" if first else ""
        say(f"Schedule {name} is {done}{words}.")


async def _planned(database: Database, name: str) -> Planned:
    planned = await schedules.planned(database, name)
    if planned is None:
        raise NotFound(f"there is no schedule {name}.", hint="rowbell schedules lists them.")
    return planned


def _times(planned: Planned) -> Schedule:
    """Raises InvalidArgument if what somebody has inserted cannot be read."""
    try:
        return planned.schedule()
    except ValueError as error:
        raise InvalidArgument(str(error)) from None
