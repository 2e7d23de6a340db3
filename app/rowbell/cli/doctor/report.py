"""How a visit is told: a line a check, below it what was found; or one JSON document."""

from collections import Counter
from typing import Any

from pydantic import SecretStr
from rich.text import Text

from rowbell.cli.doctor.drill import Recovery
from rowbell.cli.doctor.rounds import Result
from rowbell.cli.screen import printable, say
from rowbell.cli.urls import masked
from rowbell.config import PREFIX, Settings
from rowbell.db.doctor.finding import Finding, Severity
from rowbell.number import many

STYLES = {
    "fine": "green",
    "skipped": "dim",
    "note": "cyan",
    "warning": "yellow",
    "problem": "bold red",
}
MASK = "***"
_NAME, _VERDICT = 12, 12


def tell(result: Result) -> None:
    """A line for the check, and for each finding its sentence and, alone on a line, its remedy."""
    name = Text(f"{result.check:{_NAME}}", "bold")
    if not result.findings:
        say(Text.assemble(name, _verdict(result.verdict), printable(result.said)))
    for finding in result.findings:
        say(Text.assemble(name, _verdict(finding.severity), printable(finding.sentence)))
        if finding.remedy:
            _tell_remedy(finding)
        name = Text(" " * _NAME)


def _verdict(word: str) -> Text:
    return Text(f"{word:{_VERDICT}}", STYLES[word])


def _tell_remedy(finding: Finding) -> None:
    where = f"in {'psql' if finding.remedy_in == 'psql' else 'a shell'}:"
    say(Text.assemble(" " * _NAME, (f"{where:{_VERDICT}}", "dim"), printable(finding.remedy or "")))


def tell_recovery(recovery: Recovery) -> None:
    name = Text(f"{recovery.what:{_NAME}}", "bold")
    seconds = Text(f"{recovery.seconds:.2f} s", "green")
    say(Text.assemble(name, f"{recovery.did}; {recovery.then} after ", seconds))


def sum_up(results: list[Result]) -> Text:
    """`2 problems, 1 warning.`"""
    counted = Counter(finding.severity for result in results for finding in result.findings)
    if not counted:
        return Text("Everything is fine.", "green")
    words = [many(counted[severity], severity) for severity in Severity if counted[severity]]
    worst = next(severity for severity in Severity if counted[severity])
    return Text(f"{', '.join(words)}.", STYLES[worst])


def tell_settings(settings: Settings) -> None:
    """Those that are not the defaults."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    for name, value in settings:
        if value != defaults[name] and name not in ("home", "log_level"):
            say(Text.assemble((f"{PREFIX}{name.upper()}", "dim"), f" {_plain(name, value)}"))


def as_json(results: list[Result], settings: Settings) -> dict[str, Any]:
    worst = [result.verdict for result in results if result.findings]
    return {
        "verdict": min(worst, key=[*Severity].index, default="fine"),
        "checks": results,
        "settings": {PREFIX + name.upper(): _plain(name, value) for name, value in settings},
    }


def _plain(name: str, value: object) -> object:
    """A setting without its secrets."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return masked(secret) if name == "smtp_url" else MASK
    if isinstance(value, tuple):
        return " ".join(value)
    text = str(value)
    return masked(text) if "://" in text and name != "origins" else text
