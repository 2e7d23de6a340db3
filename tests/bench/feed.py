"""A steady stream of tasks: python -m bench.feed URL [--rate 2000] [--every 0.1] [--queue default].

Until it is terminated. `--every 0`: each row is a transaction of its own, by 16 clients.
"""

import argparse
import asyncio
import time

import asyncpg
import uvloop

CLIENTS = 16
INSERT = "insert into rowbell.tasks (kind, queue) select 'echo', $1 from generate_series(1, $2)"


async def in_bulk(url: str, queue: str, rate: int, every: float) -> None:
    """A statement every so many seconds."""
    connection = await asyncpg.connect(url)
    begun = time.monotonic()
    inserted = 0
    while True:
        await asyncio.sleep(every)
        due = int((time.monotonic() - begun) * rate) - inserted
        await connection.execute(INSERT, queue, due)
        inserted += due


async def one_by_one(url: str, queue: str, rate: int) -> None:
    """Who falls behind does not catch up: the others would wait for what it holds."""
    connection = await asyncpg.connect(url)
    pause = CLIENTS / rate
    due = time.monotonic()
    while True:
        due = max(due + pause, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        await connection.execute(INSERT, queue, 1)


async def run(options: argparse.Namespace) -> None:
    url, queue, rate = options.url, options.queue, options.rate
    async with asyncio.TaskGroup() as group:
        if options.every:
            group.create_task(in_bulk(url, queue, rate, options.every))
        else:
            for _ in range(CLIENTS):
                group.create_task(one_by_one(url, queue, rate))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--every", type=float, default=0.1)
    parser.add_argument("--queue", default="default")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
