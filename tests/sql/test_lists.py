"""Lists of tasks: each filter finds what it should, in order, page by page, for each who asks."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from rows import insert, later

from rowbell.db import lists
from rowbell.db.lists import MOST_COUNTED
from rowbell.db.pool import Database
from rowbell.errors import NotFound
from rowbell.task import Filter, Status, Task
from rowbell.viewer import ANYBODY, Role, Viewer

START = datetime(2020, 1, 1, tzinfo=UTC)
TASKS = 600

FILL = """
insert into rowbell.tasks
  (kind, queue, status, created_by, audience, created_at, finished_at, error, payload, description)
select 'kind_' || (n * 7) % 5, 'queue_' || (n * 11) % 3,
  (array['PENDING', 'PROCESSING', 'COMPLETED', 'COMPLETED', 'FAILED', 'CANCELLED'])
    [1 + (n * 13) % 6]::rowbell.task_status,
  'author_' || (n * 17) % 4,
  case n % 5 when 0 then '{red}' when 1 then '{blue,red}' else '{}' end::text[],
  -- Many of one instant, and some that were inserted late in a long transaction.
  $1::timestamptz + interval '1 minute' * ((n / 10) - case when n % 97 = 0 then 30 else 0 end),
  case when (n * 13) % 6 > 1 then $1::timestamptz + interval '1 minute' * (n * 31 % 900 / 3) end,
  case when (n * 13) % 6 = 4
    then jsonb_build_object('type', case when n % 2 = 0 then 'Late' else 'Odd' end) end,
  jsonb_build_object('number', n), case when n % 3 = 0 then 'Report ' || n % 50 end
from generate_series(1, $2::int) n
"""


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


FILTERS = [
    Filter(),
    Filter(status=[Status.FAILED]),
    Filter(status=[Status.PROCESSING, Status.PENDING]),
    Filter(status=[]),
    Filter(kind=["kind_1"]),
    Filter(kind=["kind_1", "kind_3", "kind_1", "none"]),
    Filter(kind=["none"]),
    Filter(queue=["queue_2"]),
    Filter(queue=["queue_0", "queue_1"], status=[Status.COMPLETED]),
    Filter(kind=["kind_2"], status=[Status.CANCELLED]),
    Filter(kind=["kind_0"], queue=["queue_1"]),
    Filter(created_by=["author_2"]),
    Filter(created_by=["author_2", "author_3", "none"], status=[Status.FAILED]),
    Filter(created_by=["author_1"], status=[Status.CANCELLED, Status.PENDING, Status.PENDING]),
    Filter(created_by=["author_1"], status=[Status.PROCESSING, Status.COMPLETED], kind=["kind_1"]),
    Filter(created_after=at(40), created_before=at(90)),
    Filter(created_after=at(100), kind=["kind_4"]),
    Filter(created_before=at(60), created_by=["author_0"]),
    Filter(finished_after=at(10)),
    Filter(finished_after=at(10), finished_before=at(200)),
    Filter(finished_before=at(150), status=[Status.FAILED], kind=["kind_1"]),
    Filter(finished_after=at(50), created_by=["author_1"]),
    Filter(finished_after=at(50), created_after=at(70), text="report"),
    Filter(error_type=["Late"]),
    Filter(error_type=["Late", "Odd"], queue=["queue_0"]),
    Filter(ids=[7, 3, 500, 99_999]),
    Filter(ids=list(range(1, 300)), status=[Status.FAILED]),
    Filter(text="REPORT 1"),
    Filter(text='"number": 77'),
    Filter(text="%"),
    Filter(text="report", kind=["kind_2"], created_by=["author_1"]),
]

VIEWERS = [
    ANYBODY,
    Viewer(role=Role.PRODUCER, subject="author_1"),
    Viewer(role=Role.PRODUCER, subject="author_1", audiences=frozenset({"red", "blue"})),
    Viewer(role=Role.READER, subject="stranger", audiences=frozenset({"blue"})),
    Viewer(role=Role.READER, subject="stranger"),
]


def expected(tasks: list[Task], wanted: Filter, viewer: Viewer) -> list[int]:
    """What a list must show, by the words of its schema."""
    found = [
        task
        for task in tasks
        if viewer.sees(task.created_by, task.audience)
        and all(
            among is None or value in among
            for value, among in (
                (task.status, wanted.status),
                (task.kind, wanted.kind),
                (task.queue, wanted.queue),
                (task.id, wanted.ids),
                (task.created_by, wanted.created_by),
                ((task.error or {}).get("type"), wanted.error_type),
            )
        )
        and _within(task.created_at, wanted.created_after, wanted.created_before)
        and _within(task.finished_at, wanted.finished_after, wanted.finished_before)
        and _says(task, wanted.text)
    ]
    return [task.id for task in sorted(found, key=_order(wanted, viewer), reverse=True)]


def _within(value: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if value is None:
        return after is None and before is None
    return (after is None or value >= after) and (before is None or value < before)


def _says(task: Task, text: str | None) -> bool:
    said = f'{{"number": {task.payload["number"]}}} {task.description}'
    return text is None or text.lower() in said.lower()


def _order(wanted: Filter, viewer: Viewer) -> Callable[[Task], Any]:
    if wanted.is_by_finish:
        return lambda task: (task.finished_at, task.id)
    conditions = Filter(error_type=wanted.error_type, text=wanted.text)
    if wanted == conditions and viewer.sees_everything:
        return lambda task: task.id
    return lambda task: (task.created_at, task.id)


async def paged(database: Database, wanted: Filter, viewer: Viewer, size: int) -> list[int]:
    """All pages together."""
    found: list[int] = []
    after = None
    while True:
        page = await lists.page(database, wanted, size=size, after=after, viewer=viewer)
        found += [task.id for task in page.tasks]
        assert len(page.tasks) == size or not page.has_more
        if not page.has_more:
            assert page.searched_all
            return found
        after = page.reached


async def fill(connection: asyncpg.Connection) -> None:
    await connection.execute(FILL, START, TASKS)
    await connection.execute("select rowbell.fold_journal()")


async def test_every_filter_finds_its_tasks_in_order_for_everybody(
    connection: asyncpg.Connection, database: Database
) -> None:
    await fill(connection)
    every = (await lists.page(database, Filter(), size=TASKS)).tasks
    assert len(every) == TASKS
    sizes = itertools.cycle((9, 50, 100, 20))
    for wanted in FILTERS:
        for viewer in VIEWERS:
            size = next(sizes)
            shown = await paged(database, wanted, viewer, size)
            right = expected(every, wanted, viewer)
            assert shown == right, (wanted, viewer, size)
            counted = await lists.count(database, wanted, viewer=viewer)
            assert counted == (len(right), True), (wanted, viewer)


async def test_a_search_that_was_cut_says_so_and_goes_on_where_it_stopped(
    connection: asyncpg.Connection, database: Database
) -> None:
    (oldest,) = await insert(connection, payload='{"customer": "Zoë"}')
    await insert(connection, count=MOST_COUNTED + 500)
    wanted = Filter(text="zoë")
    first = await lists.page(database, wanted, size=5)
    assert (first.tasks, first.searched_all, first.has_more) == ([], False, False)
    assert (await lists.count(database, wanted)) == (0, False)
    second = await lists.page(database, wanted, size=5, after=first.reached)
    assert ([task.id for task in second.tasks], second.searched_all) == ([oldest], True)


async def test_no_more_than_ten_thousand_are_counted(
    connection: asyncpg.Connection, database: Database
) -> None:
    await insert(connection, count=MOST_COUNTED)
    for wanted in (Filter(), Filter(kind=["aaa"]), Filter(created_by=["postgres"])):
        assert await lists.count(database, wanted) == (MOST_COUNTED, True)
    await insert(connection)
    for wanted in (Filter(), Filter(kind=["aaa"]), Filter(created_by=["postgres"])):
        assert await lists.count(database, wanted) == (MOST_COUNTED, False)


async def test_the_list_goes_on_behind_a_task_that_was_deleted(
    connection: asyncpg.Connection, database: Database
) -> None:
    ids = await insert(connection, count=5)
    await connection.execute("delete from rowbell.tasks where id = $1", ids[3])
    for task, following in ((ids[3], ids[2]), (ids[2], ids[1]), (ids[4] + 9, ids[4])):
        place = await lists.place_of(database, task)
        (found,) = (await lists.page(database, Filter(), size=1, after=place)).tasks
        assert found.id == following
    await connection.execute("delete from rowbell.tasks")
    nowhere = await lists.place_of(database, ids[0])
    await insert(connection)
    assert (await lists.page(database, Filter(), size=1, after=nowhere)).tasks == []
    with pytest.raises(NotFound):
        await lists.place_of(database, ids[0], by_finish=True)


AUDIENCES = "select audience from rowbell.audiences where task_id = $1 order by 1"


async def test_audiences_follow_their_tasks(connection: asyncpg.Connection) -> None:
    (task,) = await insert(connection, audience=["a", "b", "a"], run_at=later(9))

    async def kept() -> list[str]:
        return [row[0] for row in await connection.fetch(AUDIENCES, task)]

    assert await kept() == ["a", "b"]
    await connection.execute("update rowbell.tasks set audience = '{b,c}' where id = $1", task)
    assert await kept() == ["b", "c"]
    await connection.execute("update rowbell.tasks set created_at = now() - interval '1 day'")
    assert await kept() == ["b", "c"]
    await connection.execute("delete from rowbell.tasks where id = $1", task)
    assert await kept() == []


TOTALS = "select status::text, tasks from rowbell.totals where tasks <> 0"


@pytest.mark.parametrize("is_counted", [True, False])
async def test_totals_and_audiences_are_right_after_a_truncate(
    connection: asyncpg.Connection, *, is_counted: bool
) -> None:
    await insert(connection, count=5, audience=["a"])
    await connection.execute("update rowbell.tasks set status = 'CANCELLED' where id < 3")
    if is_counted:
        await connection.execute("select rowbell.fold_journal()")
    async with connection.transaction():
        await insert(connection, count=2, audience=["a"])
        await connection.execute("truncate rowbell.tasks cascade")
        await insert(connection, count=3, audience=["b"])
    await connection.execute("select rowbell.fold_journal()")
    assert [tuple(row) for row in await connection.fetch(TOTALS)] == [("PENDING", 3)]
    assert await connection.fetchval("select count(*) from rowbell.audiences") == 3
