"""The fixtures. A conftest.py may have its own of these names: rowbell_server_url,
rowbell_database_url and rowbell_schema are meant for that.
"""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowbell.db import testing
from rowbell.db.embedded import EmbeddedPostgres
from rowbell.testing.asynchronous import AsyncRowbell
from rowbell.testing.blocking import Rowbell, wait_for

Schema = str | Callable[[str], object]


@pytest.fixture(scope="session")
def rowbell_server_url() -> Iterator[str]:
    """A server where databases may be created and dropped: an embedded one, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="rowbell-") as home:
        embedded = EmbeddedPostgres.join(Path(home))
        try:
            wait_for(testing.hurry(embedded.url))
            yield embedded.url
        finally:
            embedded.destroy()


@pytest.fixture(scope="session")
def rowbell_schema() -> Schema:
    """What handlers need beside Rowbell: SQL, or a function that is called with a URL."""
    return ""


@pytest.fixture(scope="session")
def rowbell_template_url(rowbell_server_url: str, rowbell_schema: Schema) -> Iterator[str]:
    """The database that those of the tests are copies of."""
    url = wait_for(testing.create(rowbell_server_url))
    try:
        wait_for(testing.prepare(url))
        if callable(rowbell_schema):
            rowbell_schema(url)
        else:
            wait_for(testing.execute(url, rowbell_schema))
        yield url
    finally:
        wait_for(testing.drop(rowbell_server_url, url))


@pytest.fixture
def rowbell_database_url(rowbell_server_url: str, rowbell_template_url: str) -> Iterator[str]:
    """A fresh database for each test. Another one, if given instead, is emptied of tasks."""
    url = wait_for(testing.create(rowbell_server_url, template=rowbell_template_url))
    try:
        yield url
    finally:
        wait_for(testing.drop(rowbell_server_url, url))


@pytest.fixture
def async_rowbell(rowbell_database_url: str) -> AsyncRowbell:
    """The test's own tasks, for `async def` tests."""
    at = datetime.now(UTC).replace(microsecond=0)
    wait_for(testing.prepare(rowbell_database_url))
    wait_for(testing.begin(rowbell_database_url, at))
    return AsyncRowbell(rowbell_database_url, at)


@pytest.fixture
def rowbell(async_rowbell: AsyncRowbell) -> Rowbell:
    """The test's own tasks, for tests that are plain functions."""
    return Rowbell(async_rowbell)
