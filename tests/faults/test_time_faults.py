"""Time: whose clock counts, and what is due when."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deadline import DEADLINE_SECONDS
from e2e.service import Service
from integration.conftest import NEVER_SECONDS, StartEngine, Tasks

FAKE_TIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

HANDLERS = """
from rowbell import Context, RetryLater, task

@task
async def fail_first(context: Context) -> None:
    if context.attempt == 1:
        raise RetryLater(1)
"""


SOON = timedelta(seconds=DEADLINE_SECONDS)
"""Not hours, by which clocks are wrong here; nor the next sweep, which never comes."""


async def noop() -> None:
    """Nothing to do."""


async def test_scheduled_row_runs_when_it_is_due_and_not_by_a_sweep(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 14: a row of the near future rings at once, and is waited for."""
    await start_engine(noop, sweep_seconds=NEVER_SECONDS)
    task = await tasks.connection.fetchval(
        "insert into rowbell.tasks (kind, run_at)"
        " values ('noop', now() + interval '0.4 seconds') returning id"
    )
    row = await tasks.until_status(task, "COMPLETED")
    assert row["started_at"] >= row["run_at"]
    assert row["started_at"] - row["run_at"] < SOON


async def test_scheduled_row_of_a_queue_that_nobody_rang_for_runs_when_it_is_due(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 14: rows that come near are seen by the sweeps, and then waited for."""
    await start_engine(noop)
    await tasks.connection.execute("alter table rowbell.tasks disable trigger bell_for_inserts")
    task = await tasks.connection.fetchval(
        "insert into rowbell.tasks (kind, queue, run_at)"
        " values ('noop', 'nightly', now() + interval '1 second') returning id"
    )
    row = await tasks.until_status(task, "COMPLETED")
    assert row["started_at"] - row["run_at"] < SOON
    assert not [event for event in events if event["event"] == "sweep.found"]


async def test_row_that_comes_before_the_one_waited_for_is_not_late(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 14: who sleeps until the next row is due is woken for an earlier one."""
    await start_engine(noop, sweep_seconds=NEVER_SECONDS)
    soon_due = "insert into rowbell.tasks (kind, run_at) values ('noop', now() + $1) returning id"
    later = await tasks.connection.fetchval(soon_due, timedelta(seconds=20))
    earlier = await tasks.connection.fetchval(soon_due, timedelta(seconds=0.5))
    row = await tasks.until_status(earlier, "COMPLETED")
    assert timedelta() <= row["started_at"] - row["run_at"] < timedelta(seconds=10)
    assert (await tasks.row(later))["status"] == "PENDING"


@pytest.fixture
def mistimed(
    database_url: str,
    start_service: Callable[..., Service],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Service]:
    """Two workers on hosts whose clocks are wrong."""
    if not FAKE_TIME:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    (tmp_path / "mistimed_tasks.py").write_text(HANDLERS)
    settings = {"handlers": "mistimed_tasks", "slots": "2"}
    services = []
    for offset in ("-2h", "+2h"):
        with monkeypatch.context() as environment:
            environment.setenv("LD_PRELOAD", str(FAKE_TIME))
            environment.setenv("FAKETIME", offset)
            environment.setenv("DONT_FAKE_MONOTONIC", "1")
            services.append(start_service("worker", database_url, **settings))
    for service in services:
        service.wait_for("service.ready")
    return services


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_workers_whose_clocks_are_wrong_by_hours_go_by_that_of_the_server(
    mistimed: list[Service], start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 32: due times, retries, leases and rescues are told by one clock."""
    await start_engine(noop)  # whose clock is right, and whose sweeps look for silent workers
    long = [await tasks.insert("sleep", payload='{"seconds": 4}') for _ in range(2)]
    scheduled = await tasks.connection.fetch(
        "insert into rowbell.tasks (kind, run_at)"
        " select 'fail_first', now() + interval '1 second' from generate_series(1, 2) returning id"
    )
    for (task,) in scheduled:
        row = await tasks.until_status(task, "COMPLETED")
        # Begun anew by the retry, a second after the first attempt.
        assert timedelta(seconds=2) <= row["started_at"] - row["created_at"] < SOON
        assert timedelta() <= row["finished_at"] - row["started_at"] < SOON
    for task in long:
        assert (await tasks.until_status(task, "COMPLETED"))["crashes"] == 0
    assert not [event for event in events if event["event"] == "sweep.rescued"]
    for service in mistimed:
        said = datetime.fromisoformat(service.wait_for("service.ready")["timestamp"])
        assert abs(said - row["created_at"]) > timedelta(hours=1)
