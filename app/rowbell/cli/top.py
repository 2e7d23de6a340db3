"""`rowbell top`: queues, workers and running tasks, live; q ends it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Annotated

import typer
from rich.live import Live

from rowbell.cli.command import short
from rowbell.cli.screen import out, show_json
from rowbell.cli.session import run
from rowbell.cli.top_screen import Seen, drawn, printed
from rowbell.config import Settings
from rowbell.db import queues, roster, summary
from rowbell.db.pool import Database
from rowbell.errors import Unavailable


@short
def top(
    settings: Settings,
    *,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.2, max=60, help="How often it looks.")
    ] = 1.0,
    as_json: bool,
) -> None:
    """Show what runs, live: queues, workers, running tasks. q ends it; in a pipe it looks once."""
    if as_json:
        seen = run(settings, _look)
        show_json({**asdict(seen), "problem": None})
    elif out.is_terminal and sys.stdin.isatty():
        run(settings, lambda database: _live(database, every))
    else:
        printed(run(settings, _look))


async def _look(database: Database) -> Seen:
    """Raises Unavailable."""
    return Seen(
        summary=await summary.summary(database),
        queues=await queues.queues(database),
        workers=await roster.workers(database),
    )


async def _live(database: Database, every: float) -> None:
    seen = await _look(database)
    async with _keys() as pressed:
        with Live(drawn(seen, out.size), console=out, screen=True, auto_refresh=False) as screen:
            while not pressed.is_set():
                screen.update(drawn(seen, out.size), refresh=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(every):
                        await pressed.wait()
                try:
                    seen = await _look(database)
                except Unavailable as error:  # it goes on once PostgreSQL answers again
                    seen.problem = error.message


@asynccontextmanager
async def _keys() -> AsyncIterator[asyncio.Event]:
    """Set once q is pressed. The terminal gives each key at once meanwhile, and shows none."""
    import termios  # noqa: PLC0415 - there is none on Windows
    import tty  # noqa: PLC0415 - nor this

    pressed = asyncio.Event()
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if os.read(descriptor, 1) in (b"q", b"Q", b""):
            pressed.set()
            loop.remove_reader(descriptor)

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield pressed
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
