"""What PostgreSQL does under load, with stale statistics, and for those who hold things up."""

import asyncio
import random
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, soon
from sql.plans import AUTO_EXPLAIN, Plans
from sql.rows import claim, insert, later, register

SEVERAL = 6
BLOCKED = 100_000
COMPLETE = (
    "select rowbell.complete($1, $2, array_fill(null::text, array[cardinality($1::bigint[])]))"
)
one_server = pytest.mark.parametrize("server", ["packaged"], indirect=True)
"""Where a great many rows are inserted."""


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[list[asyncpg.Connection]]:
    opened = [await asyncpg.connect(database_url) for _ in range(SEVERAL)]
    yield opened
    for each in opened:
        await each.close()


@pytest.fixture
async def plans(database_url: str) -> AsyncIterator[Plans]:
    """A session whose statements are explained, those within functions too."""
    explained = await asyncpg.connect(database_url)
    await explained.execute(AUTO_EXPLAIN)
    plans = Plans(explained)
    yield plans
    await explained.close()


def ends(claims: list[asyncpg.Record]) -> tuple[list[int], list[int]]:
    return [c["id"] for c in claims], [c["attempt"] for c in claims]


@pytest.mark.parametrize("plan", ["enable_hashjoin = off", "enable_nestloop = off"])
async def test_claims_made_at_once_get_no_more_than_they_asked_for(
    connection: asyncpg.Connection, sessions: list[asyncpg.Connection], plan: str
) -> None:
    """Pitfall 26: LIMIT in a subquery re-executed by a nested loop claims more than asked."""
    kinds = ("aaa", "bbb")
    for kind in kinds:
        await insert(connection, count=400, kind=kind)
    sizes: list[int] = []

    async def drain(session: asyncpg.Connection, asked: int) -> list[int]:
        await session.execute(f"set {plan}")
        worker = await register(session, *kinds)
        mine: list[int] = []
        while claims := await claim(session, worker, asked, kinds=kinds):
            assert len(claims) <= asked
            sizes.append(len(claims))
            mine += [c["id"] for c in claims]
        return mine

    drained = await asyncio.gather(*(drain(s, 3 + n) for n, s in enumerate(sessions)))
    taken = Counter(id_ for mine in drained for id_ in mine)
    assert len(taken) == sum(taken.values()) == sum(sizes) == 800


BLOCKS = {
    "key": "insert into rowbell.tasks (kind, concurrency_key, priority, run_at)"
    f" select 'aaa', 'hog', 100, $1 from generate_series(1, {BLOCKED})",
    "kind": "insert into rowbell.tasks (kind, priority, run_at)"
    f" select 'bbb', 100, $1 from generate_series(1, {BLOCKED})",
    "parent": "insert into rowbell.tasks (kind, after, parents, priority, run_at)"
    f" select 'aaa', '{{1}}', 'open', 100, $1 from generate_series(1, {BLOCKED})",
}


@one_server
@pytest.mark.parametrize("block", BLOCKS)
async def test_blocked_rows_at_the_head_are_not_read(
    connection: asyncpg.Connection, plans: Plans, block: str
) -> None:
    """Pitfall 27: blocked rows at the head make the claim scan everything."""
    kinds = ("aaa", "bbb")
    worker = await register(connection, *kinds)
    await connection.execute("update rowbell.kinds set max_running = 1 where name = 'bbb'")
    await connection.execute(BLOCKS[block].replace(str(BLOCKED), "3"), later(-99))
    if block != "parent":
        assert len(await claim(connection, worker, 1, kinds=kinds)) == 1  # takes up the limit
    await insert(connection, count=10)
    plans.clear()
    first = await claim(plans.connection, worker, 5, kinds=kinds)
    few_blocked = plans.buffers
    await connection.execute(BLOCKS[block], later(-99))
    plans.clear()
    then = await claim(plans.connection, worker, 5, kinds=kinds)
    assert len(first) == len(then) == 5
    assert plans.buffers <= few_blocked + 100
    assert plans.rows_read() <= 200


async def test_work_reads_the_table_by_index_only(
    connection: asyncpg.Connection, start_engine: StartEngine, events: list[Any]
) -> None:
    """Pitfall 28: counts over the whole table."""

    async def noop() -> None:
        """Nothing to do."""

    await insert(connection, count=10_000, status="COMPLETED", finished_at=later(1e9))
    await insert(connection, count=10_000, kind="unknown")
    engine = await start_engine(noop)
    before = await reads(connection)
    for turn in range(1, 4):
        await insert(connection, count=100, kind="noop")
        async with asyncio.timeout(DEADLINE_SECONDS):
            while sum(e["event"] == "task.completed" for e in events) < 100 * turn:
                await asyncio.sleep(0.01)
        engine.sweeper.sweep_soon()
        await soon(engine.sweeper.ready)
    await engine.stop()
    after = await reads(connection)
    assert after["seq_scan"] == before["seq_scan"]
    assert after["idx_tup_fetch"] - before["idx_tup_fetch"] < 10_000


async def reads(connection: asyncpg.Connection) -> Any:
    """What has been read of rowbell.tasks, by everybody whose statements are counted by now."""
    await connection.execute("select pg_stat_force_next_flush()")
    await connection.execute("select pg_stat_clear_snapshot()")
    return await connection.fetchrow(
        "select seq_scan, idx_tup_fetch from pg_stat_user_tables where relname = 'tasks'"
    )


async def test_outcomes_sweeps_and_cancels_at_once_never_deadlock(
    connection: asyncpg.Connection, sessions: list[asyncpg.Connection]
) -> None:
    """Pitfall 29: deadlock between completer and sweeper."""
    worker = await register(connection)
    await insert(connection, count=1_000)
    claims = await claim(connection, worker, 1_000)
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    before = await connection.fetchval(deadlocks)

    async def write(session: asyncpg.Connection, n: int) -> None:
        await session.execute("set deadlock_timeout = '20ms'")
        chance = random.Random(n)  # noqa: S311 - the same orders each time
        for turn in range(30):
            batch = chance.sample(claims, 100)
            ids, attempts = [c["id"] for c in batch], [c["attempt"] for c in batch]
            if n == 0:
                await session.fetch("select worker from rowbell.rescue(100, $1)", later(31))
            elif n == 1:
                await session.fetch(
                    "select rowbell.release_strays($1, $2, '0', $3)", worker, ids, later(9)
                )
            elif n == 2:
                await session.fetch(
                    "select rowbell.report_progress($1, $2, array_fill(0.1::float8, array[100]))",
                    ids,
                    attempts,
                )
            elif n == 3:
                await session.fetch("select id from rowbell.release($1, $2)", ids[:5], attempts[:5])
            else:
                await session.fetch(COMPLETE, ids[: 5 + turn], attempts[: 5 + turn])

    await asyncio.gather(*(write(session, n) for n, session in enumerate(sessions)))
    await connection.execute("select pg_stat_clear_snapshot()")
    assert await connection.fetchval(deadlocks) == before


async def test_families_that_fail_at_once_never_deadlock(
    connection: asyncpg.Connection, sessions: list[asyncpg.Connection]
) -> None:
    """Pitfall 29: deadlock between completer and sweeper."""
    fail = (
        "select id from rowbell.fail(array[$1::bigint], array[1], array['{}'], array[null::float8])"
    )
    worker = await register(connection)
    batches = ("one", "two")
    parents = [await insert(connection, count=100, batch=batch) for batch in batches]
    for batch, others in zip(batches, reversed(parents), strict=True):
        await insert(connection, after_batch=batch)
        for parent in others:
            await insert(connection, after=[parent], batch=batch)
    assert len(await claim(connection, worker, 200)) == 200

    async def fail_each(session: asyncpg.Connection, ids: list[int]) -> None:
        await session.execute("set deadlock_timeout = '20ms'")
        for id_ in ids:
            await session.fetch(fail, id_)

    results = await asyncio.gather(*map(fail_each, sessions, parents), return_exceptions=True)
    assert results == [None, None]


async def test_snapshot_that_is_held_costs_a_claim_a_page_for_ten_dead_rows_at_the_most(
    connection: asyncpg.Connection, sessions: list[asyncpg.Connection], plans: Plans
) -> None:
    """Pitfall 30: a snapshot held for 30 minutes: throughput down by 20 to 80 %."""
    rows, batch = 10_000, 500
    worker = await register(connection)
    await insert(connection, count=rows + batch)
    async with sessions[0].transaction(isolation="repeatable_read"):
        await sessions[0].fetchval("select count(*) from rowbell.tasks")
        buffers = []
        for _ in range(rows // batch + 1):
            plans.clear()
            claims = await claim(plans.connection, worker, batch)
            buffers.append(plans.buffers)
            await connection.fetch(COMPLETE, *ends(claims))
    assert await claim(connection, worker) == []
    # The first one fills caches, and finds the pages of the table full; in any one of them
    # autovacuum may have been about, on its own business.
    assert statistics.median(buffers[-3:]) - min(buffers) <= rows / 10


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_statistics_of_an_empty_table_mislead_no_claim_and_no_outcome(
    connection: asyncpg.Connection, plans: Plans, mode: str
) -> None:
    """Pitfall 31: missing ANALYZE turns 3 ms into 30."""
    await connection.execute("alter table rowbell.tasks set (autovacuum_enabled = off)")
    await connection.execute("vacuum analyze rowbell.tasks")
    await plans.connection.execute(f"set plan_cache_mode = {mode}")
    worker = await register(connection)
    await insert(connection, count=20_000, status="COMPLETED", finished_at=later(0))
    await insert(connection, count=20_000)
    claims = await claim(plans.connection, worker, 10)
    await plans.connection.fetch(COMPLETE, *ends(claims))
    await plans.connection.fetch("select worker from rowbell.rescue(10, $1)", later(0))
    assert plans.rows_read() <= 10
    assert "Seq Scan" not in plans.kinds_of_scan()
