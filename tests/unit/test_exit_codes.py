"""Exit codes are documented where people look."""

from pathlib import Path

import pytest

from rowbell.cli.errors import exit_code
from rowbell.cli.exit_codes import EXIT_CODES, FAILED, WRONG
from rowbell.errors import ConfigurationError, InvalidArgument, NotFound, RowbellError, Unavailable

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(("code", "meaning"), EXIT_CODES)
def test_every_exit_code_is_documented(code: str, meaning: str) -> None:
    assert f"| {code} | {meaning} |" in OPERATIONS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), WRONG),
        (InvalidArgument("x"), WRONG),
        (NotFound("x"), FAILED),
        (Unavailable("x"), FAILED),
        (RowbellError("x"), FAILED),
    ],
)
def test_what_was_not_tried_ends_with_2_and_what_failed_with_1(
    error: RowbellError, code: int
) -> None:
    assert exit_code(error) == code
