"""GraphQL over HTTP as its own audits see it: the npm package graphql-http."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clients import node_program
from graphql_server import serving
from postgres import Server

AUDITS = Path(__file__).with_name("audits.mjs")
AUDIT_SECONDS = 240


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the audits, and the packages that they need."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt-get install nodejs npm")
    shutil.copy(AUDITS, tmp_path)
    (tmp_path / "node_modules").symlink_to(node_program.installed())
    return tmp_path


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: no audit asks PostgreSQL for anything."""
    return servers("packaged")


async def test_all_audits_pass(database_url: str, folder: Path) -> None:
    async with serving(database_url) as served:
        process = await asyncio.create_subprocess_exec(
            "node", AUDITS.name, f"{served.address}/graphql", cwd=folder, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(AUDIT_SECONDS):
            lines, _ = await process.communicate()
    results = [json.loads(line) for line in lines.splitlines()]
    assert len(results) == 61
    assert not [each for each in results if each["status"] != "ok"]
