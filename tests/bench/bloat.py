"""What a claim costs beside rows that it may not take, and while VACUUM can remove nothing.

From tests/: python -m bench.bloat [--long]. A server of its own. Short: 100,000 rows of each sort;
long: 10 million finished rows, 1 million future ones, 100,000 at the head of a paused queue.
"""

import argparse
import asyncio
import statistics
import time

import asyncpg
import orjson

from rowbell.cli.serve import event_loop
from rowbell.db.bench import Bench
from rowbell.db.migrate import migrate

from postgres import Server, embedded_binaries

CLAIMS = 40
BATCH = 10
KIND = "bench_noop"
FINISHED = f"""
insert into rowbell.tasks (kind, queue, status, attempt, started_at, finished_at)
select '{KIND}', 'q', 'COMPLETED', 1, now(), now() from generate_series(1, $1::int)
"""
FUTURE = f"""
insert into rowbell.tasks (kind, queue, run_at)
select '{KIND}', 'q', now() + n * interval '1 s' + interval '1 day'
from generate_series(1, $1::int) n
"""
PAUSED = f"""
insert into rowbell.tasks (kind, queue, run_at)
select '{KIND}', 'paused', now() - interval '1 day' from generate_series(1, $1::int)
"""
WAITING = (
    f"insert into rowbell.tasks (kind, queue) select '{KIND}', 'q' from generate_series(1, $1::int)"
)
CLAIM = f"select id, attempt from rowbell.claim('q', $1, {BATCH}, '{{{KIND}}}')"
COMPLETE = "select rowbell.complete($1, $2, $3)"
EXPLAIN = f"explain (analyze, buffers, costs off, format json) {CLAIM}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.bloat")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    finished, future, paused = (10_000_000, 1_000_000, 100_000) if options.long else (100_000,) * 3
    churn = 500_000 if options.long else 20_000
    server = Server("bloat", embedded_binaries(), "fsync = on", "max_wal_size = '8GB'")
    try:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            runner.run(_measure(server.url(), finished, future, paused, churn))
    finally:
        server.remove()


async def _measure(url: str, finished: int, future: int, paused: int, churn: int) -> None:
    await migrate(url)
    connection = await asyncpg.connect(url, command_timeout=3_600)
    worker = await connection.fetchval(
        "select rowbell.register_worker('bench', 1, '0', '{*}', 10, 86400, $1::text::jsonb)",
        f'[{{"name": "{KIND}", "description": "", "max_attempts": 5, "timeout": null}}]',
    )
    print(f"claims of {BATCH} tasks, medians of {CLAIMS}\n\n| beside | ms | p95 ms | buffers |")
    print("|---|--:|--:|--:|")
    await _row(connection, worker, "nothing")
    await connection.execute(FINISHED, finished)
    await connection.execute("vacuum (analyze) rowbell.tasks")
    await _row(connection, worker, f"{finished:,} finished rows")
    await connection.execute(FUTURE, future)
    await _row(connection, worker, f"and {future:,} future rows")
    await connection.execute(
        "insert into rowbell.queues (name, paused_at) values ('paused', now())"
    )
    await connection.execute(PAUSED, paused)
    await _row(connection, worker, f"and {paused:,} rows of a paused queue")
    async with Bench.opened(url) as other, other.snapshot_held():
        for _ in range(4):
            await _churn(connection, worker, churn // 4)
            await _row(connection, worker, f"a snapshot held, and {churn // 4:,} more tasks done")
    await connection.execute("vacuum rowbell.tasks")
    await _row(connection, worker, "after VACUUM without the snapshot")
    await connection.close()


async def _row(connection: asyncpg.Connection, worker: int, words: str) -> None:
    await connection.execute(WAITING, CLAIMS * BATCH + BATCH)
    taken = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        rows = await connection.fetch(CLAIM, worker)
        taken.append(1_000 * (time.perf_counter() - began))
        await _complete(connection, rows)
    (plan,) = await connection.fetchrow(EXPLAIN.replace("$1", str(worker)))
    touched = _buffers(plan)
    await _complete(connection, await connection.fetch(_HELD, worker))
    p95 = sorted(taken)[int(0.95 * len(taken))]
    print(f"| {words} | {statistics.median(taken):.2f} | {p95:.2f} | {touched:,} |", flush=True)


_HELD = "select id, attempt from rowbell.tasks where worker = $1 and status = 'PROCESSING'"


async def _churn(connection: asyncpg.Connection, worker: int, tasks: int) -> None:
    await connection.execute(WAITING, tasks)
    claim = CLAIM.replace(f", {BATCH},", ", 1000,")
    while rows := await connection.fetch(claim, worker):
        await _complete(connection, rows)


async def _complete(connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> None:
    ids, attempts = [row["id"] for row in rows], [row["attempt"] for row in rows]
    await connection.execute(COMPLETE, ids, attempts, [None] * len(ids))


def _buffers(plan: str) -> int:
    top = orjson.loads(plan)[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])


if __name__ == "__main__":
    main()
