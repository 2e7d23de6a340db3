"""GraphQL: recurring tasks are read, paused, resumed and run."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graphql_server import Served, serving
from integration.conftest import both_servers

pytestmark = both_servers

ALL = """
  name kind state cron every timeZone missed nextRunAt lastRunAt problem description
  lastTask { id status }
"""


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        await served.connection.execute(
            "insert into rowbell.schedules (name, kind, cron, time_zone, description, next_run_at)"
            " values ('nightly', 'echo', '30 2 * * *', 'Europe/Berlin', 'tidy', '2100-01-01Z');"
            "insert into rowbell.schedules (name, kind, every, missed, unique_key)"
            " values ('often', 'echo', '15 minutes', 'skip', 'k')"
        )
        yield served


async def change(served: Served, field: str, name: str, fields: str) -> Any:
    document = f"mutation ($name: String!) {{ {field}(name: $name) {{ {fields} }} }}"
    return (await served.data(document, {"name": name}))[field]


async def test_schedules_are_listed_by_name(served: Served) -> None:
    nightly, often = (await served.data(f"{{ schedules {{ {ALL} }} }}"))["schedules"]
    assert nightly == {
        "name": "nightly",
        "kind": "echo",
        "state": "ACTIVE",
        "cron": "30 2 * * *",
        "every": None,
        "timeZone": "Europe/Berlin",
        "missed": "ONCE",
        "nextRunAt": "2100-01-01T00:00:00.000Z",
        "lastRunAt": None,
        "problem": None,
        "description": "tidy",
        "lastTask": None,
    }
    assert (often["state"], often["every"], often["missed"]) == ("NEW", "PT900S", "SKIP")


async def test_a_schedule_is_paused_and_resumed(served: Served) -> None:
    paused = await change(served, "pauseSchedule", "nightly", "state nextRunAt")
    assert paused == {"state": "PAUSED", "nextRunAt": None}
    resumed = await change(served, "resumeSchedule", "nightly", "state")
    assert resumed == {"state": "NEW"}


async def test_a_schedule_is_run_now_and_knows_its_last_task(served: Served) -> None:
    task = await change(served, "runSchedule", "often", "id status")
    _, often = (await served.data("{ schedules { lastTask { id status } } }"))["schedules"]
    assert often == {"lastTask": task}


@pytest.mark.parametrize(
    ("field", "name", "code"),
    [
        ("pauseSchedule", "weekly", "NOT_FOUND"),
        ("resumeSchedule", "weekly", "NOT_FOUND"),
        ("runSchedule", "weekly", "NOT_FOUND"),
        ("runSchedule", "often", "INVALID_STATE"),
    ],
)
async def test_what_cannot_be_changed_is_refused(
    served: Served, field: str, name: str, code: str
) -> None:
    await change(served, "runSchedule", "often", "id")
    fields = "id" if field == "runSchedule" else "name"
    document = f"mutation ($name: String!) {{ {field}(name: $name) {{ {fields} }} }}"
    error = await served.error(document, {"name": name})
    assert error["extensions"]["code"] == code
