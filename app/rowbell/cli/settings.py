"""Settings on the command line: an option for each that matters, and their list for `--help`."""

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rowbell import logs
from rowbell.cli.exit_codes import EXIT_CODES
from rowbell.config import PREFIX, Settings
from rowbell.errors import ConfigurationError

PANEL = "Settings"
WIDTH = 78


def _option(name: str, metavar: str) -> Any:
    """An option that overrides a setting. A text: Settings checks all of them, and says all."""
    return typer.Option(
        f"--{name.replace('_', '-')}",
        metavar=metavar,
        help=f"{Settings.model_fields[name].description} \\[{PREFIX}{name.upper()}]",
        rich_help_panel=PANEL,
        show_default=False,
    )


Text = str | None
DatabaseUrl = Annotated[Text, _option("database_url", "URL")]
Home = Annotated[Text, _option("home", "FOLDER")]
Host = Annotated[Text, _option("host", "ADDRESS")]
Port = Annotated[Text, _option("port", "NUMBER")]
Handlers = Annotated[Text, _option("handlers", "MODULES")]
Queues = Annotated[Text, _option("queues", "NAMES")]
Slots = Annotated[Text, _option("slots", "NUMBER")]
ProcessSlots = Annotated[Text, _option("process_slots", "NUMBER")]
Processes = Annotated[Text, _option("processes", "NUMBER")]
DrainSeconds = Annotated[Text, _option("drain_seconds", "SECONDS")]
RetentionDays = Annotated[Text, _option("retention_days", "DAYS")]
HttpAllow = Annotated[Text, _option("http_allow", "ADDRESSES")]
LogLevel = Annotated[Text, _option("log_level", "LEVEL")]
LogFormat = Annotated[Text, _option("log_format", "FORMAT")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def load(**options: Text) -> Settings:
    """Settings of the environment and of the options given, which win.

    Raises ConfigurationError that names every one that is wrong, options by their own names.
    """
    try:
        return Settings.load(None, **options)
    except ConfigurationError as error:
        sentences = error.message
        for name, value in options.items():
            if value is not None:
                option = f"--{name.replace('_', '-')}:"
                sentences = sentences.replace(f"{PREFIX}{name.upper()}:", option)
        raise ConfigurationError(sentences, hint=error.hint) from None


def load_quietly(
    database_url: Text, home: Text, log_level: Text = None, **options: Text
) -> Settings:
    """Settings for a short command, whose output no log line should disturb unless asked for.

    The log level of the environment is meant for the service, so the default is warning here.
    """
    level = log_level or "warning"
    settings = load(database_url=database_url, home=home, log_level=level, **options)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def epilog() -> str:
    """Every setting and every exit code, as rich markup."""
    settings = [
        _entry(PREFIX + name.upper(), f"{field.description} {_default(field.default)}", indent=32)
        for name, field in Settings.model_fields.items()
    ]
    codes = [_entry(code, meaning, indent=9) for code, meaning in EXIT_CODES]
    return "\n".join(
        ["[bold]Settings, from the environment[/]", *settings, "", "[bold]Exit codes[/]", *codes]
    )


def _entry(name: str, words: str, *, indent: int) -> str:
    lines = textwrap.wrap(words, WIDTH - indent)
    first, *others = (escape(line) for line in lines)
    name_column = f"  [cyan]{name}[/]".ljust(indent + len("[cyan][/]"))
    return "\n".join([name_column + first, *(" " * indent + line for line in others)])


def _default(value: object) -> str:
    if value is None or value == ():
        return ""
    words = " ".join(value) if isinstance(value, tuple) else str(value)
    return f"[{words}]"


def is_default_home(settings: Settings) -> bool:
    """True if a command without options and environment, run here, would use this home."""
    return settings.home == Path(str(Settings.model_fields["home"].default)).absolute()
