"""The short form of `python -m bench.hostile`: some of each kind, at a service that goes on."""

from collections.abc import Callable

import pytest

from bench.attacks import ATTACKS, attack
from bench.hostile import LIMITS, measure
from graphql_server import serving
from postgres import Server

REQUESTS = 20


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: nothing of this reaches PostgreSQL."""
    return servers("packaged")


async def test_hostile_requests_of_every_kind_break_nothing_and_leave_nothing(
    database_url: str,
) -> None:
    async with serving(database_url, limits=LIMITS) as served:
        for kind in ATTACKS:
            report = await measure(served, kind, REQUESTS, attack)
            assert not report.left, (kind, report.left)
            # How long the loop was busy is told by the tool: no timing decides a test.
            assert not [each for each in report.answers if each.startswith("5")], (kind, report)
        assert (await served.data("{ __typename }")) == {"__typename": "Query"}
