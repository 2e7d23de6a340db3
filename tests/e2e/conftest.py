"""Homes for services under test, and a database for the doctor."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rowbell.db.embedded.place import Place

from e2e.clinic import Clinic


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home. For root its data lies elsewhere, so it is removed by hand."""
    yield tmp_path / "home"
    shutil.rmtree(Place.of(tmp_path / "home").folder)


HANDLERS = """
from rowbell import task

@task
async def report_render() -> None:
    pass
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "acme_tasks.py").write_text(HANDLERS)
    clinic = Clinic(folder)
    yield clinic
    clinic.close()
