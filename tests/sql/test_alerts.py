"""What has to be told to ROWBELL_ALERT_URL, when, and by how many."""

from datetime import datetime, timedelta

import asyncpg
from rows import NOON, insert, later

EVERY = timedelta(minutes=15)


async def look(
    connection: asyncpg.Connection,
    at: datetime,
    *,
    dead: int = 0,
    backlog: timedelta = timedelta(0),
) -> list[tuple[str, bool, int]]:
    rows = await connection.fetch(
        "select condition, is_firing, tasks from rowbell.look_for_alerts($1, $2, $3, $4)",
        dead,
        backlog,
        EVERY,
        at,
    )
    return [tuple(row) for row in rows]


async def tell(connection: asyncpg.Connection, at: datetime, *alert: object) -> None:
    await connection.execute("select rowbell.told_alert($1, $2, $3, $4)", *alert, at)


async def died(connection: asyncpg.Connection, at: datetime, count: int) -> None:
    """As the fold counts them."""
    await connection.execute(
        "insert into rowbell.minutes as m values (date_trunc('minute', $1::timestamptz), 'default',"
        " 'mail', 0, 0, 0, $2, 0, 0, 0, '{}', '{}')"
        " on conflict (minute, queue, kind) do update set failed = m.failed + excluded.failed",
        at,
        count,
    )


async def test_dead_tasks_are_told_once_with_their_number(connection: asyncpg.Connection) -> None:
    await died(connection, NOON, 5)
    assert await look(connection, NOON, dead=1) == []  # they died before anybody looked
    await died(connection, later(10), 3)
    assert await look(connection, later(20), dead=1) == [("dead_tasks", True, 3)]
    await tell(connection, later(21), "dead_tasks", True, 3)
    await died(connection, later(22), 2)
    assert await look(connection, later(30), dead=1) == []
    again = later(21 + 15 * 60)
    assert await look(connection, again, dead=1) == [("dead_tasks", True, 2)]
    detail = await connection.fetchval("select detail::text from rowbell.alerts where tasks > 0")
    assert detail == '{"kinds": {"mail": 2}}' or '"mail"' in detail


async def test_a_minute_that_is_counted_late_counts_once(connection: asyncpg.Connection) -> None:
    await look(connection, NOON, dead=1)
    await look(connection, later(130), dead=1)
    await died(connection, later(50), 4)
    assert await look(connection, later(140), dead=5) == []
    await look(connection, later(200), dead=5)
    await died(connection, later(190), 1)
    assert await look(connection, later(210), dead=5) == [("dead_tasks", True, 5)]


async def test_it_is_told_when_no_further_task_has_died(connection: asyncpg.Connection) -> None:
    await look(connection, NOON, dead=1)
    await died(connection, NOON, 1)
    await look(connection, later(1), dead=1)
    await tell(connection, later(2), "dead_tasks", True, 1)
    assert await look(connection, later(800), dead=1) == []
    over = later(1000)
    assert await look(connection, over, dead=1) == [("dead_tasks", False, 0)]
    await tell(connection, over, "dead_tasks", False, 0)
    assert await look(connection, later(2000), dead=1) == []


async def test_a_backlog_is_told_again_while_it_lasts_and_once_when_it_is_over(
    connection: asyncpg.Connection,
) -> None:
    backlog = timedelta(minutes=5)
    (task,) = await insert(connection, kind="mail", queue="slow")
    assert await look(connection, later(299), backlog=backlog) == []
    assert await look(connection, later(301), backlog=backlog) == [("backlog", True, 0)]
    detail = await connection.fetchval(
        "select detail from rowbell.alerts where condition = 'backlog'"
    )
    assert detail == '{"kind": "mail", "queue": "slow", "oldest_seconds": 301}'
    await tell(connection, later(302), "backlog", True, 0)
    assert await look(connection, later(600), backlog=backlog) == []
    assert await look(connection, later(1203), backlog=backlog) == [("backlog", True, 0)]
    await tell(connection, later(1204), "backlog", True, 0)
    await connection.execute("delete from rowbell.tasks where id = $1", task)
    assert await look(connection, later(1205), backlog=backlog) == [("backlog", False, 0)]


async def test_a_paused_queue_is_no_backlog(connection: asyncpg.Connection) -> None:
    await insert(connection, queue="slow")
    await connection.execute("select rowbell.pause('slow')")
    assert await look(connection, later(3600), backlog=timedelta(minutes=5)) == []


async def test_while_one_process_tells_it_no_other_does(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    backlog = timedelta(minutes=5)
    await insert(connection)
    assert len(await look(connection, later(400), backlog=backlog)) == 1
    assert await look(other, later(401), backlog=backlog) == []
    # The first has died before it could.
    assert len(await look(other, later(461), backlog=backlog)) == 1


async def test_nobody_waits_for_the_process_that_looks(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    await insert(connection)
    async with connection.transaction():
        assert len(await look(connection, later(400), backlog=timedelta(minutes=5))) == 1
        assert await look(other, later(400), backlog=timedelta(minutes=5)) == []
