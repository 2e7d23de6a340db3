"""Two real workers and a kill: every tick is enqueued, and none twice."""

from pathlib import Path

from e2e.service import Service

TICKS = "select count(*) > {} from rowbell.tasks where schedule = 'tidy' and status = 'COMPLETED'"
GAPLESS = """
select count(*) = count(distinct run_at)
  and count(*) = 1 + extract(epoch from max(run_at) - min(run_at)) from rowbell.tasks
"""


def test_killed_worker_loses_and_doubles_no_tick(home: Path) -> None:
    with_database = Service("api", home=home)
    with_database.wait_for("service.ready")
    workers = [Service("worker", home=home) for _ in range(2)]
    try:
        for worker in workers:
            worker.wait_for("service.ready")
        with_database.psql(
            "insert into rowbell.schedules (name, kind, every, missed)"
            " values ('tidy', 'echo', '1 second', 'all')"
        )
        with_database.psql_until(TICKS.format(2), "t")
        workers[0].kill()
        with_database.psql_until(TICKS.format(5), "t")
        assert with_database.psql(GAPLESS) == "t"
    finally:
        for service in (*workers, with_database):
            assert service.stop() in (0, -9)
