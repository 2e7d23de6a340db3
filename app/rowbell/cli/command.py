"""What the short commands share, declared once: their settings, and --json."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

from rowbell.cli import settings as options

_SETTINGS = {
    "database_url": options.DatabaseUrl,
    "home": options.Home,
    "log_level": options.LogLevel,
}


def short(function: Callable[..., None]) -> Callable[..., None]:
    """A command that asks the database and ends: it gets `settings` as its first argument.

    If it has a parameter `as_json`, that is the option --json.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = [_option(name, kind, None) for name, kind in _SETTINGS.items()]
    parameters = [_as_json(each) for each in own] + shared

    def command(database_url: str | None, home: str | None, log_level: str | None, **given: Any):  # type: ignore[no-untyped-def]
        function(options.load_quietly(database_url, home, log_level), **given)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _as_json(parameter: Parameter) -> Parameter:
    if parameter.name != "as_json":
        return parameter
    return _option("as_json", options.AsJson, False)


def _option(name: str, kind: Any, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
