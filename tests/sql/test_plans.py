"""Hot statements read by index, also with plans that were made for an empty table."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from rows import claim, insert, later, register

AUTO_EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
set auto_explain.log_analyze = on; set auto_explain.log_buffers = on;
set auto_explain.log_timing = off; set auto_explain.log_format = json;
set auto_explain.log_level = notice;
"""

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


class Plans:
    """A session that keeps the plan of every statement, those inside functions included."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.nodes: list[dict[str, Any]] = []
        self.buffers = 0
        connection.add_log_listener(self._keep)

    def clear(self) -> None:
        self.nodes, self.buffers = [], 0

    def scans(self) -> list[dict[str, Any]]:
        """The nodes that read rowbell.tasks, or sort what was read of it."""
        return [
            n for n in self.nodes if n.get("Relation Name") == "tasks" or "Sort" in n["Node Type"]
        ]

    def rows_read(self) -> int:
        """The most rows that one node gave, or looked at and threw away."""
        most: int = max(
            (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
            for n in self.scans()
        )
        return most

    def kinds_of_scan(self) -> set[str]:
        return {n["Node Type"] for n in self.scans() if n.get("Relation Name") == "tasks"}

    def indexes(self) -> set[str]:
        return {n["Index Name"] for n in self.nodes if "Index Name" in n}

    def _keep(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        found = re.search(r"\{.*\}", message.message, re.DOTALL)
        if found:
            plan = json.loads(found[0])["Plan"]
            # The outermost statement comes last, and counts what the inner ones touched.
            self.buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            self._add(plan)

    def _add(self, node: dict[str, Any]) -> None:
        self.nodes.append(node)
        for child in node.get("Plans", []):
            self._add(child)


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
