"""What a check brings home: plain values, for people, scripts and the page alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Worst first, as rowbell.health has them."""

    PROBLEM = "problem"
    """Tasks wait, or are at risk."""
    WARNING = "warning"
    """They may soon."""
    NOTE = "note"
    """Good to know; nothing has to be done."""


class Place(StrEnum):
    """Where a remedy is pasted."""

    PSQL = "psql"
    SHELL = "shell"


@dataclass(frozen=True, slots=True)
class Finding:
    severity: Severity
    topic: str
    """What it is about, in a word that stays the same: `queue.paused`."""
    sentence: str
    remedy: str | None = None
    """To be pasted as it is; None: nothing to do, or the sentence says it."""
    remedy_in: Place | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    said: str
    """What was found in good order, in a few words."""
    findings: Sequence[Finding] = ()
    is_skipped: bool = False
    """True: it could not be looked at, as `said` says."""


def problem(topic: str, sentence: str, *, sql: str = "", command: str = "") -> Finding:
    return _finding(Severity.PROBLEM, topic, sentence, sql, command)


def warning(topic: str, sentence: str, *, sql: str = "", command: str = "") -> Finding:
    return _finding(Severity.WARNING, topic, sentence, sql, command)


def note(topic: str, sentence: str, *, sql: str = "", command: str = "") -> Finding:
    return _finding(Severity.NOTE, topic, sentence, sql, command)


def _finding(severity: Severity, topic: str, sentence: str, sql: str, command: str) -> Finding:
    if sql:
        return Finding(severity, topic, sentence, sql, Place.PSQL)
    return Finding(severity, topic, sentence, command or None, Place.SHELL if command else None)
