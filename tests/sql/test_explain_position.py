"""rowbell.explain says how many go before a task, and when it begins at the present rate."""

from datetime import UTC, datetime, timedelta

import asyncpg
from rows import insert, register


async def reasons(connection: asyncpg.Connection, task: int) -> list[str]:
    rows = await connection.fetch("select reason from rowbell.explain($1)", task)
    return [row[0] for row in rows]


async def test_a_task_in_line_knows_who_goes_before_it(connection: asyncpg.Connection) -> None:
    await register(connection, at=datetime.now(UTC))
    tasks = await insert(connection, count=5, run_at=datetime.now(UTC) - timedelta(minutes=1))
    said = await reasons(connection, tasks[3])
    assert said == ["It waits for a free slot; about 3 tasks go before it."]


async def test_a_rate_says_when_it_begins(connection: asyncpg.Connection) -> None:
    await register(connection, at=datetime.now(UTC))
    tasks = await insert(connection, count=5, run_at=datetime.now(UTC) - timedelta(minutes=1))
    await connection.execute(
        "insert into rowbell.minutes values (date_trunc('minute', now()) - interval '1 minute',"
        " 'default', 'aaa', 0, 600, 0, 0, 0, 0, 0, '{}', '{}')"
    )
    _, when = await reasons(connection, tasks[3])
    assert when.startswith("Its queue starts ")
    assert when.endswith(" s.")


async def test_a_queue_that_is_paused_tells_no_position(connection: asyncpg.Connection) -> None:
    await register(connection, at=datetime.now(UTC))
    (task,) = await insert(connection, run_at=datetime.now(UTC))
    await connection.execute("select rowbell.pause('default')")
    assert len(await reasons(connection, task)) == 1
