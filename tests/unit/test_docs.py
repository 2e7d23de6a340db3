"""What the documentation lists is what the code has."""

import importlib
import re
from pathlib import Path

import pytest

from rowbell.config import PREFIX, Settings
from rowbell.errors import ConfigurationError, RowbellError
from rowbell.logs import EVENTS


def all_errors(root: type[RowbellError] = RowbellError) -> list[type[RowbellError]]:
    """The whole tree of errors that a client of the API can meet."""
    importlib.import_module("rowbell.api.asgi")
    below = [each for child in root.__subclasses__() for each in all_errors(child)]
    return [root, *below] if root is not ConfigurationError else []


DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = re.search(rf"^\| `{PREFIX}{name.upper()}` \| (.*?) \| (.*) \|$", OPERATIONS, re.MULTILINE)
    assert row, f"docs/operations.md has no row for {PREFIX}{name.upper()}"
    assert row[2] == Settings.model_fields[name].description


@pytest.mark.parametrize("event", EVENTS)
def test_every_log_event_is_documented(event: str) -> None:
    assert f"| `{event}` | {EVENTS[event]} |" in OPERATIONS


@pytest.mark.parametrize("code", sorted({error.code for error in all_errors()}))
def test_every_error_code_is_documented(code: str) -> None:
    assert f"`{code}`" in (DOCS / "graphql.md").read_text()


def test_documents_link_to_files_that_exist() -> None:
    root = DOCS.parent
    for page in [root / "README.md", root / "sql" / "README.md", *DOCS.glob("*.md")]:
        if page.exists():
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
