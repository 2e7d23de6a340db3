"""What `rowbell serve` says when it is up: what it runs on, where to look, what to try."""

import asyncio
import contextlib
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from rowbell import __version__
from rowbell.cli.screen import say
from rowbell.cli.settings import is_default_home
from rowbell.cli.urls import masked, without_password
from rowbell.db import overview
from rowbell.errors import RowbellError
from rowbell.number import many

if TYPE_CHECKING:
    from rowbell.config import Settings
    from rowbell.db.place import Place
    from rowbell.runtime import Service

INSERT = (
    "insert into rowbell.tasks (kind, payload) values"
    r""" ('echo', '{\"hello\": \"world\"}')"""
)
EVERYWHERE = ("://0.0.0.0:", "://[::]:")


class Greeting:
    """Greets once a service is ready. `url_was_typed`: the database came as an option."""

    def __init__(self, *, url_was_typed: bool = False) -> None:
        self._url_was_typed = url_was_typed
        self._showing: asyncio.Task[None] | None = None

    def __call__(self, service: "Service") -> None:
        self._showing = asyncio.create_task(self._show(service), name="greeting")

    def crew(self, settings: "Settings") -> None:
        """Of worker processes alone, whose parent has no connection of its own."""
        text = _headline()
        text.append("\n  workers  ", "dim").append(_crew(settings))
        _say(text)

    async def _show(self, service: "Service") -> None:
        version = await _version(service)
        text = _headline()
        for label, value in self._lines(service, version):
            text.append(f"\n  {label:9}", "dim").append(value)
        text.append("\n\nTry it, in another terminal:\n  ", "bold")
        text.append(self._command(service), "green")
        _say(text)

    def _lines(self, service: "Service", version: str) -> Iterator[tuple[str, str]]:
        place = service.place
        if place and place.embedded:
            yield "runs on", f"{version}, embedded, in {service.settings.home}"
            if place.embedded.note:
                yield "", place.embedded.note
        elif place:
            yield "runs on", f"{version}, {masked(place.url)}"
        if service.address:
            address = _reachable(service.address)
            yield "page", f"{address}/"
            yield "GraphQL", f"{address}/graphql"
        if service.gate and service.gate.is_open:
            yield "open to", "anybody who reaches it: rowbell token create NAME --role admin"
        if service.worker:
            kinds = ", ".join(service.worker.handlers.kinds)
            yield "worker", f"{many(service.settings.slots, 'slot')} for {kinds}"
        if service.crew:
            yield "workers", _crew(service.settings)

    def _command(self, service: "Service") -> str:
        """The line to paste. It works from this directory, with nothing of the options given."""
        place = service.place
        if place is None or place.embedded:
            home = service.settings.home
            option = "" if is_default_home(service.settings) else f" --home {_quoted(home)}"
            return f'{own_command()} psql{option} -- -c "{INSERT}"'
        return self._command_for(place)

    def _command_for(self, place: "Place") -> str:
        url, password = without_password(place.url)
        # A password is never printed: psql asks for it, or the environment has it.
        if shutil.which("psql") and (password is None or self._url_was_typed):
            return f'psql {_quoted(url)} -c "{INSERT}"'
        option = f" --database-url {_quoted(url)}" if self._url_was_typed else ""
        return f'{own_command()} psql{option} -- -c "{INSERT}"'


def _headline() -> Text:
    return Text.assemble(("\nRowbell ", "bold"), (__version__, "bold"), (" is ready\n", "bold"))


def _crew(settings: "Settings") -> str:
    return (
        f"{many(settings.processes, 'process', 'processes')}, {many(settings.slots, 'slot')} each"
    )


def _say(text: Text) -> None:
    text.append("\n\nCtrl-C stops it; running tasks may finish.\n", "dim")
    # Of rich, when nobody reads stdout any more: no reason to end a service.
    with contextlib.suppress(SystemExit):
        say(text)


async def _version(service: "Service") -> str:
    try:
        return await overview.server_version(service.database) if service.database else "PostgreSQL"
    except RowbellError:
        return "PostgreSQL"  # gone again at once; the log says it


def _reachable(address: str) -> str:
    """An address of this machine, where the API listens on all of them."""
    for each in EVERYWHERE:
        address = address.replace(each, "://127.0.0.1:")
    return address


def own_command() -> str:
    """How this program was called, in words that can be typed again in this directory."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_quoted(sys.executable)} -m rowbell"
    on_path = shutil.which("rowbell")
    if on_path and called.exists() and Path(on_path).samefile(called):
        return "rowbell"
    return _quoted(called)


def _quoted(value: object) -> str:
    return shlex.quote(str(value))
