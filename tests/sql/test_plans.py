"""Hot statements read by index, also with plans that were made for an empty table."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from plans import AUTO_EXPLAIN, Plans
from rows import claim, insert, later, register

EACH = "array[cardinality($1::bigint[])]"
ENDINGS = {
    "complete": f"select rowbell.complete($1, $2, array_fill(null::text, {EACH}))",
    "fail": "select id from rowbell.fail("
    f"$1, $2, array_fill('{{}}'::text, {EACH}), array_fill(9::float8, {EACH}))",
    "release": "select id from rowbell.release($1, $2)",
    "report_progress": f"select rowbell.report_progress($1, $2, array_fill(0.5::float8, {EACH}))",
}
BESIDES = {"kinds_pkey", "dependencies_child", "attempts_pkey"}
BACKLOG = 60_000


@pytest.fixture(params=["force_generic_plan", "force_custom_plan"])
async def plans(
    connection: asyncpg.Connection, request: pytest.FixtureRequest
) -> AsyncIterator[Plans]:
    """Plans are made while the table is empty, and no ANALYZE tells that it has grown."""
    await connection.execute("alter table rowbell.tasks set (autovacuum_enabled = off)")
    await connection.execute(f"{AUTO_EXPLAIN} set plan_cache_mode = {request.param}")
    worker = await register(connection)
    await claim(connection, worker)
    for statement in ENDINGS.values():
        await connection.fetch(statement, [0], [0])
    await rare_functions(connection, worker)
    await connection.fetch("select matched from rowbell.retry_where(queues => '{none}')")
    await connection.fetch("select matched from rowbell.cancel_where(queues => '{none}')")
    plans = Plans(connection)
    yield plans
    connection.remove_log_listener(plans._keep)


async def rare_functions(connection: asyncpg.Connection, worker: int) -> None:
    await connection.fetch("select worker from rowbell.rescue(10, $1)", later(0))
    await connection.fetch("select rowbell.prune('1 day', 10, $1)", later(0))
    await connection.fetch("select rowbell.release_strays($1, '{}', '10 s', $2)", worker, later(20))
    await connection.fetch("select rowbell.cancel_requests($1)", worker)
    await connection.fetch("select rowbell.next_run_in('default', '{aaa}', $1)", later(0))
    await connection.fetch("select queue from rowbell.waiting_queues($1)", later(0))


async def test_a_claim_reads_no_more_than_it_takes_of_a_long_backlog(plans: Plans) -> None:
    worker = await register(plans.connection)
    await insert(plans.connection, count=BACKLOG)
    plans.clear()
    assert len(await claim(plans.connection, worker, 10)) == 10
    assert plans.kinds_of_scan() == {"Index Scan", "Index Only Scan", "ModifyTable"}
    assert plans.rows_read() <= 10


async def test_rows_of_an_unknown_kind_at_the_head_cost_nothing(plans: Plans) -> None:
    worker = await register(plans.connection)
    await insert(plans.connection, count=3)
    plans.clear()
    assert len(await claim(plans.connection, worker, 10)) == 3
    alone = plans.buffers  # most of it to write three rows into their indexes
    await insert(plans.connection, count=BACKLOG, kind="unknown", priority=100, run_at=later(-9))
    await insert(plans.connection, count=3)
    plans.clear()
    assert len(await claim(plans.connection, worker, 10)) == 3
    assert plans.rows_read() <= 3
    assert plans.buffers <= alone + 40  # indexes are a level deeper


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_batch_of_outcomes_finds_each_row_by_its_key(plans: Plans, ending: str) -> None:
    worker = await register(plans.connection)
    await insert(plans.connection, count=5_000)
    claims = await claim(plans.connection, worker, 1_000)
    ids, attempts = [c["id"] for c in claims[:500]], [c["attempt"] for c in claims[:500]]
    plans.clear()
    await plans.connection.fetch(ENDINGS[ending], ids, attempts)
    assert plans.kinds_of_scan() <= {"Index Scan", "ModifyTable"}
    assert plans.indexes() - BESIDES == {"tasks_pkey"}
    assert plans.rows_read() <= 500


async def test_sweeps_read_only_the_rows_that_they_are_for(plans: Plans) -> None:
    worker = await register(plans.connection)
    await insert(plans.connection, count=5_000, status="COMPLETED", finished_at=later(-5))
    await insert(plans.connection, count=5_000)
    await insert(plans.connection, count=30, status="PROCESSING", worker=worker + 1)
    await insert(plans.connection, count=8, status="FAILED", finished_at=later(-9e5))
    plans.clear()
    await rare_functions(plans.connection, worker)
    assert "Seq Scan" not in plans.kinds_of_scan()
    assert plans.rows_read() <= 30


BULK = {
    "retry_where(finished_after => '2020-01-01 12:00+00')": (70, 70),
    "retry_where(ids => '{1,2,3}')": (0, 3),
    "cancel_where(queues => '{mail}')": (100, 210),
    "cancel_where(kinds => '{bbb}')": (100, 210),
    "cancel_where(error_types => '{Late}')": (0, 210),
}


@pytest.mark.parametrize("call", BULK)
async def test_a_change_of_many_reads_no_rows_that_cannot_match(plans: Plans, call: str) -> None:
    await insert(plans.connection, count=20_000, status="COMPLETED", finished_at=later(-5))
    await insert(plans.connection, count=70, status="FAILED", finished_at=later(5))
    await insert(plans.connection, count=100, queue="mail", kind="bbb")
    await insert(plans.connection, count=100, concurrency_key="c")
    await insert(plans.connection, count=10, status="PROCESSING", worker=1)
    plans.clear()
    changed = await plans.connection.fetchval(f"select changed from rowbell.{call}")
    assert (changed, plans.kinds_of_scan() <= {"Index Scan", "Index Only Scan", "ModifyTable"}) == (
        BULK[call][0],
        True,
    )
    assert plans.rows_read() <= BULK[call][1]


LISTS = [
    "{}",
    '{"statuses": ["FAILED"]}',
    '{"kinds": ["rare"]}',
    '{"kinds": ["none"]}',
    '{"queues": ["mail"]}',
    '{"queues": ["mail"], "statuses": ["COMPLETED"]}',
    '{"kinds": ["rare", "aaa"], "statuses": ["PENDING"]}',
    '{"created_by": ["ann"]}',
    '{"created_by": ["ann"], "statuses": ["PENDING"]}',
    '{"created_before": "2020-01-01"}',
    '{"finished_before": "2020-01-02"}',
    '{"finished_after": "2020-01-02", "kinds": ["rare"]}',
    '{"ids": [5]}',
]
VIEWERS = [
    "sees_everything => true",
    "sees_everything => false, subject => 'ann', audiences => '{}'",
    "sees_everything => false, subject => 'ann', audiences => '{ops,dev}'",
]


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_a_list_reads_little_more_than_it_shows(plans: Plans, viewer: str) -> None:
    await insert(plans.connection, count=20_000, status="COMPLETED", finished_at=later(-5))
    await plans.connection.execute(
        "update rowbell.tasks set finished_at = finished_at + id * interval '1 ms'"
    )
    await insert(plans.connection, count=500, status="FAILED", audience=["ops"])
    await insert(plans.connection, count=25, kind="rare", queue="mail", created_by="ann")
    for wanted in LISTS:
        plans.clear()
        await plans.connection.fetch(
            "select task_ids from rowbell.find_tasks(jsonb_populate_record("
            f"null::rowbell.task_filter, $1::text::jsonb), most => 10, {viewer})",
            wanted,
        )
        assert plans.kinds_of_scan() <= {"Index Scan", "Index Only Scan"}, wanted
        assert plans.rows_read() <= 600, wanted


@pytest.mark.parametrize("viewer", VIEWERS[:2])
async def test_a_list_of_an_author_and_a_status_reads_no_other_rows(
    plans: Plans, viewer: str
) -> None:
    await insert(plans.connection, count=11_000, status="CANCELLED", created_by="bob")
    await insert(plans.connection, count=11_000, status="COMPLETED", created_by="ann")
    await insert(plans.connection, count=3, status="CANCELLED", created_by="ann")
    await plans.connection.fetchval("select rowbell.fold_journal()")
    plans.clear()
    found = await plans.connection.fetchval(
        "select task_ids from rowbell.find_tasks(jsonb_populate_record(null::rowbell.task_filter,"
        f""" '{{"created_by": ["ann"], "statuses": ["CANCELLED"]}}'), {viewer})"""
    )
    assert len(found) == 3
    assert plans.rows_read() <= 10


async def test_the_overview_of_queues_reads_no_finished_rows(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=20_000, status="COMPLETED", finished_at=later(0))
    await insert(connection, count=100)
    await connection.execute("vacuum analyze rowbell.tasks")
    await connection.execute(AUTO_EXPLAIN)
    plans = Plans(connection)
    await connection.fetch("select * from rowbell.queue_overview")
    assert "Seq Scan" not in plans.kinds_of_scan()
    assert plans.rows_read() <= 100
    connection.remove_log_listener(plans._keep)
