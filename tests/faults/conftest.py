"""Fixtures of the tests of faults: a network that may go dark."""

from collections.abc import AsyncIterator

import pytest

from faults.chaos.proxy import Proxy
from postgres import Server


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    """A way to the server, lit at the end."""
    proxy = Proxy(f"{server.folder}/.s.PGSQL.5432")
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.fixture
def dark_url(proxy: Proxy, database_url: str) -> str:
    """The database of the test, through the proxy."""
    database = database_url.partition("@/")[2].partition("?")[0]
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
