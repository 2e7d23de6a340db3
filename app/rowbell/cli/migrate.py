"""`rowbell migrate`: bring the schema up to date, or show the SQL that would."""

import asyncio
import sys
from typing import Annotated

import typer

from rowbell.cli import settings as options
from rowbell.cli.screen import say, show_json
from rowbell.config import Settings
from rowbell.db import migrate as migrations
from rowbell.errors import ConfigurationError
from rowbell.logs import log


def migrate(
    *,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the SQL that is pending, and apply nothing.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With --print: for an empty database. Needs none.")
    ] = False,
    reapply: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Apply it again: functions/claim.sql, which somebody changed. May be repeated.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """Bring the schema of the database up to date. The service does it too when it starts."""
    if every and not only_print:
        raise ConfigurationError("--all says what to print.", hint="Write --print --all.")
    if reapply and only_print:
        raise ConfigurationError("--reapply applies.", hint="Write --print or --reapply.")
    if as_json and only_print:
        raise ConfigurationError("SQL is no JSON.", hint="Write --print or --json.")
    settings = options.load_quietly(database_url, home, log_level)
    if only_print:
        # For `| psql`, so neither wrapped nor coloured.
        script = migrations.script(None) if every else _script(settings)
        sys.stdout.write(asyncio.run(script))
        return
    applied = asyncio.run(_migrate(settings, reapply or []))
    log.info("schema.migrated", files=len(applied))
    if as_json:
        show_json({"applied": applied})
    elif applied:
        say("\n".join(f"applied sql/{path}" for path in applied))
    else:
        say("The schema is up to date.")


async def _migrate(settings: Settings, again: list[str]) -> list[str]:
    from rowbell.db.place import placed  # noqa: PLC0415 - `--help` need not load it

    async with placed(settings) as place:
        return await migrations.migrate(place.url, again=again)


async def _script(settings: Settings) -> str:
    from rowbell.db.place import placed  # noqa: PLC0415

    async with placed(settings) as place:
        return await migrations.script(place.url)
