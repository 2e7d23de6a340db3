"""What operators are shown: depths, positions, errors by fingerprint, what needs attention."""

import asyncpg
import pytest
from rows import NOON, claim, insert, later, register

FOLD = "select rowbell.fold_journal()"
TRACE = 'Traceback\n  File "/srv/{place}/shop.py", line {line}, in charge\n    raise\n'


async def fail(connection: asyncpg.Connection, message: str, *, traceback: str = "") -> int:
    """Fail a task of its own for good; returns its id."""
    (task,) = await insert(connection)
    worker = await register(connection)
    (claimed,) = await claim(connection, worker, 1)
    assert claimed["id"] == task
    await connection.fetch(
        "select id from rowbell.fail($1, $2, array[jsonb_build_object("
        "'type', 'Refused', 'message', $3::text, 'traceback', $4::text)::text], '{null}')",
        [task], [claimed["attempt"]], message, traceback,
    )  # fmt: skip
    return task


async def fingerprint(connection: asyncpg.Connection, task: int) -> str:
    found: str = await connection.fetchval(
        "select error ->> 'fingerprint' from rowbell.tasks where id = $1", task
    )
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 is gone", "order 9321 is gone"),
        ("no user 'ann'", "no user 'bob smith'"),
        ("key 3f2a9c11-0b7e-4d55-9a53-0242ac120002 taken", "key 00aa-1 taken"),
        ("GET https://a.example/x failed", "GET https://b.example/y?z=1 failed"),
        ("/var/spool/a/1 is full", "/var/spool/b/2 is full"),
        ("first line\nand 1", "first line\nor another"),
    ],
)
async def test_errors_that_differ_in_particulars_share_a_fingerprint(
    connection: asyncpg.Connection, one: str, other: str
) -> None:
    tasks = [await fail(connection, one), await fail(connection, other)]
    assert len({await fingerprint(connection, task) for task in tasks}) == 1


async def test_the_line_and_the_folder_of_a_frame_are_no_matter_but_its_function_is(
    connection: asyncpg.Connection,
) -> None:
    first = TRACE.format(place="v1", line=10)
    moved = TRACE.format(place="v2", line=99)
    elsewhere = first.replace("in charge", "in refund")
    tasks = [await fail(connection, "no", traceback=t) for t in (first, moved, elsewhere)]
    one, same, other = [await fingerprint(connection, task) for task in tasks]
    assert one == same != other


async def test_the_fold_counts_errors_by_hour_and_fingerprint(
    connection: asyncpg.Connection,
) -> None:
    tasks = [await fail(connection, f"order {n} is gone") for n in range(3)]
    await fail(connection, "something else")
    await connection.fetchval(FOLD)
    rows = await connection.fetch(
        "select failures, error_type, last_task from rowbell.error_hours order by failures desc"
    )
    assert [row["failures"] for row in rows] == [3, 1]
    assert (rows[0]["error_type"], rows[0]["last_task"]) == ("Refused", tasks[-1])


async def test_all_of_an_error_are_retried_and_nothing_else(
    connection: asyncpg.Connection,
) -> None:
    tasks = [await fail(connection, f"order {n} is gone") for n in range(3)]
    other = await fail(connection, "something else")
    done = await connection.fetchrow(
        "select * from rowbell.retry_where(fingerprints => $1)",
        [await fingerprint(connection, tasks[0])],
    )
    assert (done["matched"], done["changed"], sorted(done["undo"])) == (3, 3, tasks)
    status = "select status::text from rowbell.tasks where id = $1"
    assert await connection.fetchval(status, other) == "FAILED"


async def test_what_was_cancelled_can_be_taken_back_but_not_what_was_asked_to_stop(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=3)
    worker = await register(connection)
    (running,) = await claim(connection, worker, 1)
    done = await connection.fetchrow("select * from rowbell.cancel_where(everything => true)")
    assert done["changed"] == 3
    assert len(done["undo"]) == 2
    assert running["id"] not in done["undo"]
    back = await connection.fetchrow(
        "select * from rowbell.retry_where(ids => $1, statuses => '{CANCELLED}')", done["undo"]
    )
    assert back["changed"] == 2


DEPTHS = "select queue, kind, due, scheduled, is_capped from rowbell.queue_depths($1, $2)"


async def test_depths_tell_what_is_due_and_what_is_scheduled(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=3)
    await insert(connection, count=2, run_at=later(60), priority=5)
    await insert(connection, queue="mail", kind="bbb", concurrency_key="x")
    rows = await connection.fetch(f"{DEPTHS} order by 1", 100, later(1))
    assert [tuple(row) for row in rows] == [
        ("default", "aaa", 3, 2, False),
        ("mail", "bbb", 1, 0, False),
    ]


async def test_depths_are_counted_up_to_a_bound(connection: asyncpg.Connection) -> None:
    await insert(connection, count=50)
    (row,) = await connection.fetch(DEPTHS, 10, later(1))
    assert tuple(row) == ("default", "aaa", 10, 0, True)
    await connection.execute("update rowbell.tasks set run_at = $1", later(60))
    query = DEPTHS.replace("is_capped", "is_scheduled_capped")
    (row,) = await connection.fetch(query, 10, later(1))
    assert tuple(row) == ("default", "aaa", 0, 10, True)


POSITION = "select ahead from rowbell.queue_position($1, 100, $2)"


async def test_a_position_counts_what_a_claim_would_take_first(
    connection: asyncpg.Connection,
) -> None:
    await register(connection, "aaa", "bbb", at=NOON)
    await insert(connection, count=4)
    await insert(connection, count=3, priority=1)
    await insert(connection, count=9, kind="bbb")
    await insert(connection, count=5, kind="unknown")
    (last,) = await insert(connection)
    # 3 of a higher priority, 4 of its own kind, and of the other kind as many as of its own.
    assert await connection.fetchval(POSITION, last, NOON) == 3 + 4 + 5


@pytest.mark.parametrize(
    "change", ["run_at = '2020-01-01 13:00+00'", "kind = 'unknown'", "status = 'CANCELLED'"]
)
async def test_what_does_not_wait_for_a_slot_has_no_position(
    connection: asyncpg.Connection, change: str
) -> None:
    await register(connection)
    (task,) = await insert(connection)
    await connection.execute(f"update rowbell.tasks set {change}")
    assert await connection.fetchval(POSITION, task, NOON) is None


async def test_explain_tells_how_many_are_ahead_and_when_it_starts(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute(
        "select rowbell.register_worker('h', 1, '0', '{*}', 10, 60,"
        ' \'[{"name": "aaa", "description": "", "max_attempts": 5}]\')'
    )
    await insert(connection, count=7)
    (task,) = await insert(connection)
    reasons = [row[0] for row in await connection.fetch("select * from rowbell.explain($1)", task)]
    assert "About 7 tasks are ahead of it." in reasons
    await connection.execute(
        "insert into rowbell.minutes values"
        " (date_trunc('minute', now()), 'default', 'aaa', 0, 600, 0, 0, 0, 0, 0, '{}', '{}')"
    )
    reasons = [row[0] for row in await connection.fetch("select * from rowbell.explain($1)", task)]
    assert "at the present rate" in reasons[-1]


async def topics(connection: asyncpg.Connection) -> dict[str, asyncpg.Record]:
    rows = await connection.fetch("select * from rowbell.attention()")
    return {row["topic"]: row for row in rows}


async def test_a_sound_set_up_needs_nobody(connection: asyncpg.Connection) -> None:
    assert await topics(connection) == {}


@pytest.mark.parametrize(
    ("breaking", "topic"),
    [
        ("alter table rowbell.tasks disable trigger bell_for_inserts", "trigger"),
        ("select rowbell.pause('default')", "queue_paused"),
        ("update rowbell.kinds set max_running = 0", "limited"),
    ],
)
async def test_what_is_wrong_is_told_with_a_remedy_that_mends_it(
    connection: asyncpg.Connection, breaking: str, topic: str
) -> None:
    await connection.execute(
        "select rowbell.register_worker('h', 1, '0', '{*}', 10, 60,"
        ' \'[{"name": "aaa", "description": "", "max_attempts": 5}]\')'
    )
    await connection.execute(breaking)
    await insert(connection)
    told = (await topics(connection))[topic]
    assert told["remedy_kind"] == "SQL"
    await connection.execute(told["remedy"])
    assert topic not in await topics(connection)


async def test_tasks_without_a_worker_are_told_of(connection: asyncpg.Connection) -> None:
    await insert(connection)
    assert (await topics(connection))["no_worker"]["severity"] == "CRITICAL"


async def test_an_old_snapshot_is_told_of_with_its_holder(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    async with other.transaction(isolation="repeatable_read"):
        pid = await other.fetchval("select pg_backend_pid()")
        held = await connection.fetch("select pid, remedy from rowbell.snapshot_holders()")
        assert (pid, f"select pg_terminate_backend({pid});") in [tuple(row) for row in held]
        told = await connection.fetch(
            "select sentence from rowbell.attention_database(now() + interval '11 minutes')"
            " where topic = 'snapshot'"
        )
        assert told[0]["sentence"].startswith(f"Session {pid} (")


async def test_a_beat_that_found_more_by_sweep_says_when(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    beat = "select rowbell.heartbeat($1, 0, false, jsonb_build_object('tasks_swept', $2::int), $3)"
    swept = "select swept_at from rowbell.workers"
    await connection.execute(beat, worker, 0, later(1))
    assert await connection.fetchval(swept) is None
    await connection.execute(beat, worker, 3, later(2))
    await connection.execute(beat, worker, 3, later(3))
    assert await connection.fetchval(swept) == later(2)


async def test_a_beat_with_a_tally_is_written_in_place(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    for n in range(20):
        await connection.execute(
            "select rowbell.heartbeat($1, 0, false, jsonb_build_object('looks', $2::int), $3)",
            worker, n, later(n),
        )  # fmt: skip
    await connection.execute("select pg_stat_force_next_flush()")
    row = await connection.fetchrow(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'workers'"
    )
    assert row["n_tup_upd"] == row["n_tup_hot_upd"] == 20


async def test_the_journal_of_one_task_is_found_by_an_index(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=20_000)
    assert await connection.fetchval("select rowbell.summarize_journal()") > 5
    assert await connection.fetchval("select rowbell.summarize_journal()") == 0
    entries = await connection.fetch("select task_id, event from rowbell.task_journal(777)")
    assert [tuple(each) for each in entries] == [(777, "CREATED")]
    plan = await connection.fetch(
        "explain (analyze, format text) select * from rowbell.journal where task_id = 777"
    )
    lossy = [int(row[0].rpartition("lossy=")[2]) for row in plan if "lossy=" in row[0]]
    assert sum(lossy) < 150  # of more than 300 pages; what is not summarized is read


async def test_the_first_entries_of_a_day_keep_no_filter_up_to_date(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection)
    made = await connection.fetchval(
        "select sum(brin_summarize_range(i.oid::regclass, 0)) from pg_class i"
        " where i.relname like 'journal\\_2%\\_task'"
    )
    assert made == 1  # there was none yet


async def test_a_claim_that_a_sweep_has_caused_says_so(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    tasks = await insert(connection, count=2)
    async with connection.transaction():
        await connection.execute("select set_config('rowbell.found_by', 'sweep', true)")
        await claim(connection, worker, 1)
    await claim(connection, worker, 1)
    found = await connection.fetch(
        "select task_id, detail ->> 'found_by' from rowbell.journal where event = 'STARTED'"
    )
    assert sorted(tuple(row) for row in found) == [(tasks[0], "sweep"), (tasks[1], None)]
