"""Fixtures of pytest for authors of handlers: `pytest_plugins = ["rowbell.testing"]`.

asynchronous: a test's own tasks · blocking: the same for tests that are plain functions ·
fixtures: servers and databases · running: the engine without a listener and without waiting

PYTEST_DONT_REWRITE: a conftest.py may import names from here before pytest sees the plugin.
"""

from rowbell.testing.asynchronous import AsyncRowbell
from rowbell.testing.blocking import Rowbell
from rowbell.testing.fixtures import (
    async_rowbell,
    rowbell,
    rowbell_database_url,
    rowbell_schema,
    rowbell_server_url,
    rowbell_template_url,
)

__all__ = [
    "AsyncRowbell",
    "Rowbell",
    "async_rowbell",
    "rowbell",
    "rowbell_database_url",
    "rowbell_schema",
    "rowbell_server_url",
    "rowbell_template_url",
]
