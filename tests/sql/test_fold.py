"""The fold: every event counts once, whatever crashes and whoever else counts."""

import asyncio

import asyncpg
from rows import claim, insert, later, register

FOLD = "select rowbell.fold_journal()"
SUMS = """
select coalesce(sum(created), 0)::int as created, coalesce(sum(started), 0)::int as started,
  coalesce(sum(completed), 0)::int as completed from rowbell.minutes
"""
TOTALS = (
    "select status::text, sum(tasks)::int from rowbell.totals group by 1 having sum(tasks) <> 0"
)
COUNTED = "select status::text, count(*)::int from rowbell.tasks group by 1"


async def work(connection: asyncpg.Connection, count: int = 30) -> None:
    worker = await register(connection)
    await insert(connection, count=count)
    claims = await claim(connection, worker, count // 2)
    ids, attempts = [c["id"] for c in claims[1:]], [c["attempt"] for c in claims[1:]]
    await connection.execute(
        "select rowbell.complete($1, $2, array_fill(null::text, array[$3::int]), $4)",
        ids, attempts, len(ids), later(2),
    )  # fmt: skip


async def test_events_are_counted_by_minute_queue_and_kind(connection: asyncpg.Connection) -> None:
    await work(connection)
    assert await connection.fetchval(FOLD) == 30 + 15 + 14
    assert tuple(await connection.fetchrow(SUMS)) == (30, 15, 14)
    runs = "select sum(n)::int from rowbell.minutes, unnest(runs) n"
    assert await connection.fetchval(runs) == 14
    assert dict(await connection.fetch(TOTALS)) == {"PENDING": 15, "PROCESSING": 1, "COMPLETED": 14}


async def test_nothing_is_counted_twice(connection: asyncpg.Connection) -> None:
    await work(connection)
    await connection.fetchval(FOLD)
    assert await connection.fetchval(FOLD) == 0
    assert tuple(await connection.fetchrow(SUMS)) == (30, 15, 14)


async def test_a_fold_that_is_rolled_back_has_counted_nothing(
    connection: asyncpg.Connection,
) -> None:
    await work(connection)
    await connection.execute(f"begin; {FOLD}; rollback")
    assert await connection.fetchval(FOLD) == 59


async def test_a_transaction_that_commits_late_is_counted_once(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    async with other.transaction():
        await insert(other, count=5)
        await insert(connection, count=3)
        assert await connection.fetchval(FOLD) == 3
    assert await connection.fetchval(FOLD) == 5
    assert await connection.fetchval(FOLD) == 0


async def test_one_folds_at_a_time(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    await work(connection)
    async with other.transaction():
        assert await other.fetchval(FOLD) == 59
        assert await connection.fetchval(FOLD) == 0
    assert await connection.fetchval(FOLD) == 0


async def test_a_long_backlog_is_counted_in_pieces(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    async with other.transaction():
        await insert(other)
        for _ in range(20):
            await insert(connection, count=3)
        folds = [await connection.fetchval("select rowbell.fold_journal(7)") for _ in range(12)]
        assert sum(folds) == 60
        assert max(folds) < 20
    assert await connection.fetchval(FOLD) == 1


async def test_a_task_that_moves_to_another_queue_moves_its_count(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=2)
    await connection.execute("update rowbell.tasks set queue = 'mail' where id = 1")
    await connection.execute("delete from rowbell.tasks where id = 2")
    await connection.fetchval(FOLD)
    totals = await connection.fetch("select queue, tasks from rowbell.totals where tasks <> 0")
    assert [tuple(row) for row in totals] == [("mail", 1)]


async def test_totals_are_those_of_the_table_after_writers_and_folders_at_once(
    connection: asyncpg.Connection, other: asyncpg.Connection, database_url: str
) -> None:
    async def write() -> None:
        session = await asyncpg.connect(database_url)
        for _ in range(5):
            await work(session, 20)
        await session.close()

    async def fold(session: asyncpg.Connection) -> None:
        while not done.is_set():
            await session.fetchval(FOLD)

    done = asyncio.Event()
    folding = [asyncio.create_task(fold(session)) for session in (connection, other)]
    await asyncio.gather(*(write() for _ in range(4)))
    done.set()
    await asyncio.gather(*folding)
    await connection.fetchval(FOLD)
    assert dict(await connection.fetch(TOTALS)) == dict(await connection.fetch(COUNTED))
