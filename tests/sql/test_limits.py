"""Limits: how many run at once and how many start, by queue, kind and key; exactly, and fairly."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from rows import NOON, Ear, claim, insert, is_waiting, later, register, row

from deadline import DEADLINE_SECONDS

COMPLETE = "select rowbell.complete(array[$1::bigint], array[$2::int], array[null::text], $3)"


async def keys_of(connection: asyncpg.Connection, claims: list[asyncpg.Record]) -> Counter[str]:
    rows = await connection.fetch(
        "select concurrency_key from rowbell.tasks where id = any ($1)", [c["id"] for c in claims]
    )
    return Counter(each[0] for each in rows)


async def limit_queue(connection: asyncpg.Connection, **limits: float) -> None:
    names, values = ", ".join(limits), ", ".join(map(str, limits.values()))
    await connection.execute(
        f"insert into rowbell.queues (name, {names}) values ('default', {values})"
        f" on conflict (name) do update set ({names}) = row({values})"
    )


async def test_a_queue_runs_no_more_than_its_limit_over_all_workers(
    connection: asyncpg.Connection,
) -> None:
    first, second = await register(connection), await register(connection)
    await limit_queue(connection, max_running=3)
    await insert(connection, count=9)
    assert len(await claim(connection, first, 2)) == 2
    assert len(await claim(connection, second)) == 1
    assert await claim(connection, first) == []


async def test_the_end_of_a_task_makes_room_for_one_more(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await limit_queue(connection, max_running=1)
    await insert(connection, count=3)
    (running,) = await claim(connection, worker)
    await connection.execute(COMPLETE, running["id"], 1, NOON)
    await connection.execute(COMPLETE, running["id"], 1, NOON)  # again: releases nothing twice
    assert len(await claim(connection, worker)) == 1
    assert await claim(connection, worker) == []


async def test_a_lost_worker_holds_its_share_until_it_is_rescued(
    connection: asyncpg.Connection,
) -> None:
    first, second = await register(connection), await register(connection, at=later(100))
    await limit_queue(connection, max_running=2)
    await insert(connection, count=5)
    await claim(connection, first)
    assert await claim(connection, second, at=later(100)) == []
    await connection.execute("select rowbell.rescue(10, $1)", later(100))
    assert len(await claim(connection, second, at=later(100))) == 2


async def test_a_kind_runs_no_more_than_its_limit_in_whatever_queue(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection, "aaa", "bbb")
    await connection.execute("update rowbell.kinds set max_running = 2 where name = 'aaa'")
    await insert(connection, count=5)
    await insert(connection, count=5, queue="other")
    await insert(connection, count=5, kind="bbb")
    both = ("aaa", "bbb")
    kinds = [c["kind"] for c in await claim(connection, worker, 20, kinds=both)]
    assert Counter(kinds) == {"aaa": 2, "bbb": 5}
    assert await claim(connection, worker, queue="other") == []


async def test_a_limit_of_0_lets_nothing_start(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await connection.execute("update rowbell.kinds set max_running = 0")
    await insert(connection)
    assert await claim(connection, worker) == []


async def test_tasks_with_one_key_run_one_at_a_time(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await insert(connection, count=4, concurrency_key="ann")
    await insert(connection, count=4, concurrency_key="bob")
    await insert(connection, count=2)
    claims = await claim(connection, worker)
    assert await keys_of(connection, claims) == {"ann": 1, "bob": 1, None: 2}
    assert await claim(connection, worker) == []


async def test_tasks_with_one_key_run_in_the_order_of_their_run_at(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    ids = []
    for seconds in (-1, -3, -2):
        ids += await insert(connection, concurrency_key="ann", run_at=later(seconds))
    order = []
    for _ in ids:
        (running,) = await claim(connection, worker)
        order.append(running["id"])
        await connection.execute(COMPLETE, running["id"], 1, NOON)
    assert order == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize("many", [False, True], ids=["few due", "many due"])
async def test_a_kind_or_a_key_may_allow_more_than_one(
    connection: asyncpg.Connection, many: bool
) -> None:
    worker = await register(connection)
    await connection.execute("update rowbell.kinds set max_running_per_key = 3")
    await connection.execute("insert into rowbell.keys values ('bob', 5), ('cat', 0)")
    for key in ("ann", "bob", "cat"):
        await insert(connection, count=300 if many else 9, concurrency_key=key)
    claims = await claim(connection, worker, 20)
    assert await keys_of(connection, claims) == {"ann": 3, "bob": 5}


async def test_a_key_counts_over_queues_kinds_and_priorities(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection, "aaa", "bbb")
    await insert(connection, concurrency_key="ann", priority=1)
    await insert(connection, concurrency_key="ann")
    await insert(connection, concurrency_key="ann", kind="bbb")
    await insert(connection, concurrency_key="ann", queue="other")
    assert len(await claim(connection, worker, kinds=("aaa", "bbb"))) == 1
    assert await claim(connection, worker, queue="other") == []


async def test_a_key_with_many_waiting_tasks_does_not_starve_one_with_few(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await connection.execute("insert into rowbell.keys values ('ann', 100000), ('bob', 100)")
    await insert(connection, count=20_000, concurrency_key="ann", run_at=later(-60))
    await insert(connection, count=10, concurrency_key="bob")
    shares = await keys_of(connection, await claim(connection, worker, 20))
    assert shares == {"ann": 10, "bob": 10}


async def test_every_key_gets_its_turn_when_there_are_more_keys_than_slots(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at, concurrency_key)"
        " select 'aaa', $1, 'key ' || n % 40 from generate_series(1, 4000) n",
        NOON,
    )
    seen: set[str] = set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(seen) < 40:
            claims = await claim(connection, worker, 4)
            seen |= set(await keys_of(connection, claims))
            for each in claims:
                await connection.execute(COMPLETE, each["id"], each["attempt"], NOON)


async def test_blocked_rows_of_a_key_at_the_head_do_not_hide_those_behind(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection, count=20_000, concurrency_key="ann", run_at=later(-60))
    await insert(connection, concurrency_key="bob")
    await claim(connection, worker, 1)
    await claim(connection, worker, 1)
    rows = await connection.fetch(
        "select concurrency_key from rowbell.tasks where status = 'PROCESSING' order by 1"
    )
    assert [each[0] for each in rows] == ["ann", "bob"]


async def test_a_rate_lets_a_burst_start_and_then_one_by_one(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await limit_queue(connection, rate=2, burst=3)
    await insert(connection, count=9)
    assert len(await claim(connection, worker)) == 3
    assert await claim(connection, worker, at=later(0.4)) == []
    assert len(await claim(connection, worker, at=later(0.5))) == 1
    assert len(await claim(connection, worker, at=later(1.5))) == 2


async def test_a_rate_of_a_kind_counts_over_queues(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await connection.execute("update rowbell.kinds set rate = 1, burst = 2")
    await insert(connection, count=1)
    await insert(connection, count=5, queue="other")
    assert len(await claim(connection, worker)) == 1
    assert len(await claim(connection, worker, queue="other")) == 1
    assert len(await claim(connection, worker, queue="other", at=later(1))) == 1


async def test_the_next_look_is_due_with_the_next_token(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await limit_queue(connection, rate=0.5)
    await insert(connection, count=2, run_at=later(-5))
    await claim(connection, worker)
    next_in = await connection.fetchval("select rowbell.next_run_in('default', '{aaa}', $1)", NOON)
    assert next_in == pytest.approx(2)


async def test_two_claims_at_once_count_one_after_the_other(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    await limit_queue(connection, max_running=1)
    await insert(connection, count=2)
    transaction = connection.transaction()
    await transaction.start()
    assert len(await claim(connection, worker)) == 1
    second = asyncio.ensure_future(claim(other, worker))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await is_waiting(connection, other)
    await transaction.commit()
    assert await second == []


async def test_a_claim_without_limits_waits_for_no_other(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    await insert(connection, count=2)
    async with connection.transaction():
        assert len(await claim(connection, worker, 1)) == 1
        assert len(await claim(other, worker, 1)) == 1


@pytest.mark.parametrize(
    ("limit", "columns", "rung"),
    [
        ("update rowbell.queues set max_running = 1", {}, "default"),
        ("update rowbell.kinds set max_running = 1", {}, "*"),
        ("select", {"concurrency_key": "ann"}, "*"),
        ("select", {}, None),
    ],
    ids=["queue", "kind", "key", "no limit"],
)
async def test_the_end_of_a_task_under_a_limit_rings(
    connection: asyncpg.Connection, ear: Ear, limit: str, columns: dict[str, str], rung: str | None
) -> None:
    worker = await register(connection)
    await limit_queue(connection, burst=9)
    await connection.execute(limit)
    await insert(connection, **columns)
    (running,) = await claim(connection, worker)
    await ear.heard()
    await connection.execute(COMPLETE, running["id"], 1, NOON)
    assert await ear.heard() == ([("rowbell_bell", rung)] if rung else [])


async def test_a_changed_limit_rings(connection: asyncpg.Connection, ear: Ear) -> None:
    await register(connection)
    await limit_queue(connection, max_running=1)
    await ear.heard()
    await limit_queue(connection, max_running=2)
    assert await ear.heard() == [("rowbell_bell", "default")]
    await connection.execute("update rowbell.kinds set max_running = 2")
    assert await ear.heard() == [("rowbell_bell", "*")]
    await connection.execute("insert into rowbell.keys values ('ann', 2)")
    assert await ear.heard() == [("rowbell_bell", "*")]


async def test_a_restart_keeps_the_limits_that_a_dba_has_set(
    connection: asyncpg.Connection,
) -> None:
    await register(connection)
    await connection.execute("update rowbell.kinds set max_running = 7, on_failed = 'alert'")
    await register(connection)
    kind = await connection.fetchrow("select * from rowbell.kinds")
    assert (kind["max_running"], kind["on_failed"]) == (7, "alert")


async def test_explain_names_the_limit_and_the_tasks_that_take_it_up(
    connection: asyncpg.Connection,
) -> None:
    now = await connection.fetchval("select now()")
    worker = await register(connection, at=now)
    first, second = await insert(connection, count=2, concurrency_key="ann")
    await claim(connection, worker, at=now)
    assert (await row(connection, first))["status"] == "PROCESSING"
    reasons = await connection.fetch("select reason from rowbell.explain($1)", second)
    assert [each[0] for each in reasons] == [
        f"Its concurrency_key ann may run 1 at once, and 1 runs: {first}."
    ]
