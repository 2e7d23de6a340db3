"""Homes for services under test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rowbell.db.embedded.place import Place


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home. For root its data lies elsewhere, so it is removed by hand."""
    yield tmp_path / "home"
    shutil.rmtree(Place.of(tmp_path / "home").folder)
