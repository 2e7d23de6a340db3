"""`rowbell psql`: psql on the configured database."""

import asyncio
import os
import shutil
import signal
import subprocess
from typing import Annotated

import typer

from rowbell.cli import settings as options
from rowbell.cli.urls import without_password
from rowbell.config import Settings
from rowbell.db.embedded import psql_path
from rowbell.db.migrate import migrate


def psql(
    *,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGS]", help="What psql itself is given.")
    ] = None,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """Open psql on the configured database: rowbell psql -- -c 'select …'."""
    settings = options.load_quietly(database_url, home, log_level)
    # The one on PATH can edit lines and has a history; the packaged one is bare.
    program = shutil.which("psql") or str(psql_path())
    if settings.database_url:
        url, password = without_password(settings.database_url)
        if password is not None:
            os.putenv("PGPASSWORD", password)  # on the command line, all users would see it
        os.execv(program, ["psql", f"--dbname={url}", *(arguments or [])])  # noqa: S606
    raise typer.Exit(asyncio.run(_run_embedded(settings, program, arguments or [])))


async def _run_embedded(settings: Settings, program: str, arguments: list[str]) -> int:
    """The exit code of psql. The server would stop under it if this process were not a user."""
    from rowbell.db.place import placed  # noqa: PLC0415 - `--help` need not load it

    async with placed(settings) as place:
        await migrate(place.url)  # it is Rowbell's own, so the first command finds the table
        return _wait_for([program, f"--dbname={place.url}", *arguments])


def _wait_for(command: list[str]) -> int:
    # Ctrl-C is psql's: it cancels a statement or a line. The child must not inherit the deafness.
    process = subprocess.Popen(command)  # noqa: S603 - without a shell
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
