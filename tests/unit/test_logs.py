"""Logs: one vocabulary, and lines that grep finds."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from rowbell import logs

# What the doctor finds has names of the same form, which are in no log.
SOURCES = sorted(p for p in Path(logs.__file__).parent.rglob("*.py") if "doctor" not in p.parts)
NAMES = "|".join({name.partition(".")[0] for name in logs.EVENTS})
USED = re.compile(rf'"((?:{NAMES})\.(?!graphql|sql|log\b)[a-z_]+)"')


def used() -> set[str]:
    """Names of events in the code."""
    vocabulary = re.compile(r"^EVENTS = \{.*?^\}", re.MULTILINE | re.DOTALL)
    sources = (vocabulary.sub("", path.read_text()) for path in SOURCES)
    return {name for source in sources for name in USED.findall(source)}


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    vars(logs.log).pop("bind", None)  # where structlog caches the logger on its first use
    structlog.reset_defaults()


def test_every_event_in_the_code_is_in_the_vocabulary() -> None:
    assert used() <= set(logs.EVENTS)


def test_every_event_of_the_vocabulary_is_used() -> None:
    assert set(logs.EVENTS) <= used()


def test_event_outside_the_vocabulary_is_refused() -> None:
    logs.configure("info", "json")
    with pytest.raises(ValueError, match="nonsense"):
        logs.log.info("nonsense.happened")


def test_json_line_is_found_by_grep_for_a_task(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logs.configure("info", "json")
    logs.log.info("task.completed", task=42, kind="echo")
    line = capfdbinary.readouterr().err
    assert b"task=42" in line
    assert json.loads(line)["task"] == 42


def test_line_below_the_level_is_not_written(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logs.configure("warning", "json")
    logs.log.info("task.completed", task=42)
    assert capfdbinary.readouterr().err == b""
