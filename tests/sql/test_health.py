"""rowbell.health: what is wrong is named, and what it says to paste mends it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from rows import insert, register

from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from postgres import Server, available

TOLD = "select topic, severity, sentence, remedy, remedy_in from rowbell.health"


def now() -> datetime:
    return datetime.now(UTC)


async def told(connection: asyncpg.Connection, topic: str) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(f"{TOLD} where topic = $1", topic)
    return rows


async def mend(connection: asyncpg.Connection, topic: str) -> str:
    """Paste what it says, until nothing of the topic is left; returns the sentences."""
    sentences = []
    for row in await told(connection, topic):
        assert row["remedy_in"] == "psql", row
        sentences.append(row["sentence"])
        for statement in filter(None, (each.strip() for each in row["remedy"].split(";"))):
            await connection.execute(statement)
    assert [row for row in await told(connection, topic) if row["severity"] != "note"] == []
    return "\n".join(sentences)


async def work(connection: asyncpg.Connection, **columns: object) -> None:
    """A live worker that knows kind aaa, and a task."""
    await register(connection, at=now())
    await insert(connection, **{"run_at": now() - timedelta(minutes=5), **columns})


async def test_a_sound_database_with_a_worker_has_no_problem_of_ours(
    connection: asyncpg.Connection,
) -> None:
    await register(connection, at=now())
    await connection.execute("update rowbell.workers set version = '99'")
    rows = await connection.fetch(f"{TOLD} where severity <> 'note'")
    assert {row["topic"] for row in rows} <= {"setting.fsync"}  # off on servers of tests


async def test_no_worker_is_worse_when_tasks_are_due(connection: asyncpg.Connection) -> None:
    ((_, idle, *_),) = await told(connection, "worker.none")
    await insert(connection, run_at=now())
    ((_, due, _, remedy, place),) = await told(connection, "worker.none")
    assert (idle, due, remedy, place) == ("warning", "problem", "rowbell worker", "shell")


async def test_a_paused_queue_with_work_is_mended_by_resuming_it(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("select rowbell.pause('default')")
    assert await told(connection, "queue.paused") == []
    await work(connection)
    assert "Queue default is paused" in await mend(connection, "queue.paused")


@pytest.mark.parametrize("most", [0, 1])
async def test_a_full_limit_of_a_queue_is_mended_by_raising_it(
    connection: asyncpg.Connection, most: int
) -> None:
    await connection.execute(
        "insert into rowbell.queues (name, max_running) values ('default', $1)", most
    )
    await work(connection)
    await insert(connection)
    await connection.execute(
        "update rowbell.tasks set status = 'PROCESSING', attempt = 1 where id = 2 and $1 > 0", most
    )
    assert f"runs {most} of {most}" in await mend(connection, "limit.full")


async def test_a_full_limit_of_a_kind_is_named(connection: asyncpg.Connection) -> None:
    await work(connection)
    await connection.execute("update rowbell.kinds set max_running = 0 where name = 'aaa'")
    assert "The kind aaa runs 0 of 0" in await mend(connection, "limit.full")


async def test_a_rate_that_holds_tasks_back_is_named(connection: asyncpg.Connection) -> None:
    await connection.execute("insert into rowbell.queues (name, rate) values ('default', 0.01)")
    await connection.execute("insert into rowbell.buckets values ('queue', 'default', 0, now())")
    await work(connection)
    ((_, severity, sentence, remedy, _),) = await told(connection, "limit.full")
    assert (severity, "0.010 tasks a second" in sentence) == ("warning", True)
    assert remedy == "update rowbell.queues set rate = 0.02 where name = 'default';"


async def test_a_kind_that_no_worker_ever_knew_can_be_cancelled(
    connection: asyncpg.Connection,
) -> None:
    await work(connection, kind="misspelt")
    assert "No worker has ever known it" in await mend(connection, "kind.unknown")


async def test_a_kind_whose_worker_is_gone_names_its_module(
    connection: asyncpg.Connection,
) -> None:
    await register(connection, "aaa", at=now())
    await register(connection, "gone", at=now() - timedelta(hours=1))
    await connection.execute("update rowbell.kinds set module = 'acme.tasks' where name = 'gone'")
    await insert(connection, kind="gone", run_at=now())
    ((*_, remedy, place),) = await told(connection, "kind.unknown")
    assert (remedy, place) == ("rowbell worker --handlers acme.tasks", "shell")


async def test_a_queue_that_no_worker_serves_is_named(connection: asyncpg.Connection) -> None:
    await register(connection, at=now(), queues=("mail",))
    await insert(connection, run_at=now())
    ((*_, remedy, _),) = await told(connection, "queue.unserved")
    assert remedy == "rowbell worker --queues default"


async def test_full_workers_are_named(connection: asyncpg.Connection) -> None:
    await work(connection)
    await connection.execute("update rowbell.workers set busy = slots")
    assert len(await told(connection, "workers.full")) == 1


async def test_a_silent_worker_is_mended_by_a_rescue(connection: asyncpg.Connection) -> None:
    await register(connection, at=now() - timedelta(minutes=1))
    assert "is silent for 60 s" in await mend(connection, "worker.silent")
    ((_, severity, *_),) = await told(connection, "worker.lost")
    assert severity == "note"


async def test_a_worker_older_than_the_schema_is_named(connection: asyncpg.Connection) -> None:
    await register(connection, at=now())
    ((*_, remedy, place),) = await told(connection, "worker.old")
    assert (remedy, place) == ("kill -TERM 1", "shell")


@pytest.mark.parametrize(("hours", "word"), [(2, "ahead of"), (-2, "behind")])
async def test_a_clock_of_a_worker_that_is_wrong_is_named(
    connection: asyncpg.Connection, hours: int, word: str
) -> None:
    worker = await register(connection, at=now())
    await connection.execute("select rowbell.tell_clock($1, $2)", worker, now())
    assert await told(connection, "worker.clock") == []
    moved = now() + timedelta(hours=hours)
    await connection.execute("select rowbell.tell_clock($1, $2)", worker, moved)
    ((_, _, sentence, _, place),) = await told(connection, "worker.clock")
    assert (word in sentence, place) == (True, "shell")


async def test_schedules_that_do_not_run_are_named(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "insert into rowbell.schedules (name, kind, cron) values"
        " ('unread', 'aaa', '0 1 * * *'), ('late', 'aaa', '0 1 * * *')"
    )
    await connection.execute(
        "update rowbell.schedules set problem = 'no such day' where name = 'unread'"
    )
    await connection.execute(
        "update rowbell.schedules set next_run_at = now() - interval '1 h' where name = 'late'"
    )
    assert "no such day" in await mend(connection, "schedule.unreadable")
    ((*_, remedy, _),) = await told(connection, "schedule.overdue")
    assert remedy == "rowbell worker"


async def test_missing_partitions_of_the_journal_are_made(connection: asyncpg.Connection) -> None:
    tomorrow = (now() + timedelta(days=1)).strftime("%Y_%m_%d")
    await connection.execute(f"drop table rowbell.journal_{tomorrow}")
    assert tomorrow.replace("_", "-") in await mend(connection, "journal.partitions")


async def test_a_journal_that_is_not_counted_is_counted(connection: asyncpg.Connection) -> None:
    await insert(connection)
    assert await told(connection, "journal.behind") == []
    await connection.execute("update rowbell.journal set at = date_trunc('day', now())")
    if now().hour == 0 and now().minute < 3:
        pytest.skip("the day has just begun: nothing of it is old yet")
    assert "is counted up to" in await mend(connection, "journal.behind")


async def test_an_open_transaction_is_named_and_ended(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    await other.execute("begin; select count(*) from rowbell.tasks")
    assert await told(connection, "session.snapshot") == []
    await connection.execute("set rowbell.long_transaction = '0 s'")
    holder = other.get_server_pid()
    told_of = await told(connection, "session.snapshot")
    assert f"select pg_terminate_backend({holder});" in [row["remedy"] for row in told_of]
    await mend_until(connection, "session.snapshot")


async def mend_until(connection: asyncpg.Connection, topic: str) -> None:
    """A session that is told to end takes a moment."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while rows := await told(connection, topic):
            for row in rows:
                await connection.execute(row["remedy"].rstrip(";"))
            await asyncio.sleep(0.01)


async def test_a_forgotten_prepared_transaction_is_rolled_back() -> None:
    """On a server of its own: the others allow no prepared transaction."""
    server = Server(
        "packaged", available()["packaged"], "max_prepared_transactions = 2", "fsync = on"
    )
    try:
        await migrate(server.url())
        connection = await asyncpg.connect(server.url())
        await connection.execute("set rowbell.long_transaction = '0 s'")
        await connection.execute("begin; create table t (); prepare transaction 'forgotten'")
        assert "forgotten" in await mend(connection, "session.prepared")
        await connection.close()
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "off"),
        ("default_transaction_isolation", "serializable"),
        ("statement_timeout", "5s"),
        ("idle_session_timeout", "10s"),
    ],
)
async def test_a_risky_setting_of_the_database_is_mended_where_it_was_made(
    connection: asyncpg.Connection, database_url: str, setting: str, value: str
) -> None:
    name = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database {name} set {setting} = '{value}'")
    again = await asyncpg.connect(database_url)
    ((_, _, sentence, remedy, _),) = await told(again, f"setting.{setting}")
    assert setting in sentence
    await again.execute(remedy)
    await again.close()
    mended = await asyncpg.connect(database_url)
    assert await told(mended, f"setting.{setting}") == []
    await mended.close()


async def test_autovacuum_that_is_off_for_a_table_is_named(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("alter table rowbell.tasks set (autovacuum_enabled = off)")
    assert "rowbell.tasks" in await mend(connection, "autovacuum.off")


async def test_many_dead_rows_are_named_and_vacuumed(connection: asyncpg.Connection) -> None:
    await connection.execute("alter table rowbell.tasks set (autovacuum_enabled = off)")
    await insert(connection, count=21_000)
    await connection.execute("delete from rowbell.tasks")
    await flush_statistics(connection, "autovacuum.behind")
    assert "dead rows" in await mend_statistics(connection)


async def flush_statistics(connection: asyncpg.Connection, topic: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await told(connection, topic):
            await connection.execute("select pg_stat_force_next_flush()")


async def mend_statistics(connection: asyncpg.Connection) -> str:
    ((_, _, sentence, remedy, _),) = await told(connection, "autovacuum.behind")
    await connection.execute(remedy)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await told(connection, "autovacuum.behind"):
            await connection.execute("select pg_stat_force_next_flush()")
    return str(sentence)


async def test_an_index_that_is_not_valid_is_named_and_made_anew(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute(
        "update pg_index set indisvalid = false"
        " where indexrelid = 'rowbell.tasks_batches'::regclass"
    )
    assert "tasks_batches" in await mend(connection, "index.invalid")


@pytest.mark.parametrize(
    ("breaking", "topic"),
    [
        ("alter table rowbell.kinds set unlogged", "table.unlogged"),
        ("alter table rowbell.tasks enable row level security", "table.hidden"),
        ("alter sequence rowbell.tasks_id_seq restart 1", "sequence.behind"),
        ("alter sequence rowbell.tasks_id_seq maxvalue 60", "sequence.end"),
        ("alter role current_user connection limit 3", "connections.limit"),
        ("alter table rowbell.tasks enable replica trigger bell_for_inserts", "trigger"),
    ],
)
async def test_what_somebody_has_altered_is_named_and_altered_back(
    connection: asyncpg.Connection, breaking: str, topic: str
) -> None:
    await insert(connection, count=55)
    assert await told(connection, topic) == []
    await connection.execute(breaking)
    assert await mend(connection, topic)
    await insert(connection, count=10)


async def test_one_is_not_several(connection: asyncpg.Connection) -> None:
    """Every sentence of what needs somebody, and why a task waits, says 1 task, not 1 tasks."""
    await connection.execute("insert into rowbell.kinds (name, max_running) values ('bbb', 1)")
    await connection.execute("insert into rowbell.queues (name, paused_at) values ('off', now())")
    await register(connection, at=now() - timedelta(seconds=20))
    await connection.execute("update rowbell.workers set lease = '30 s', busy = 1, slots = 1")
    await register(connection, "bbb", at=now(), queues=("far",))
    due = now() - timedelta(minutes=2)
    tasks = []
    for of in ({}, {"kind": "misspelt"}, {"kind": "bbb"}, {"queue": "off"}, {"queue": "batch"}):
        tasks += await insert(connection, **{"run_at": due, "batch": "b", **of})
    tasks += await insert(connection, after_batch="b")
    await connection.execute(
        'update rowbell.tasks set failures = 1, error = \'{"type": "E", "message": "m"}\','
        " run_at = now() + interval '1 h' where queue = 'batch'"
    )
    await connection.execute(
        "insert into rowbell.minutes values"
        " (date_trunc('minute', now()), 'default', 'aaa', 0, 0, 0, 1, 0, 0, 0, '{}', '{}')"
    )
    said = [row["sentence"] for row in await connection.fetch("table rowbell.health")]
    said += [row["sentence"] for row in await connection.fetch("select * from rowbell.attention()")]
    for task in tasks:
        said += [r[0] for r in await connection.fetch("select * from rowbell.explain($1)", task)]
    text = "\n".join(said)
    for one in ("1 task of it is due", "1 task of kind aaa", "1 of 1 slot", "after 1 failure ("):
        assert one in text, text
    assert re.findall(r"\b1 (?:\w+ )?(?:tasks|slots|failures|workers|run|are|were)\b", text) == []


async def test_a_trigger_that_is_off_or_gone_is_told_in_health_too(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("alter table rowbell.tasks disable trigger bell_for_inserts")
    assert "bell_for_inserts of rowbell.tasks" in await mend(connection, "trigger")
    await connection.execute("drop trigger bell_for_updates on rowbell.tasks")
    ((*_, remedy, place),) = await told(connection, "trigger")
    assert remedy == "rowbell migrate --reapply triggers/bell_for_updates.sql"
    assert place == "shell"


async def test_a_worker_that_hears_nothing_is_named(connection: asyncpg.Connection) -> None:
    await register(connection, at=now())
    assert await told(connection, "worker.deaf") == []
    await connection.execute("update rowbell.workers set tally = '{\"is_deaf\": true}'")
    assert len(await told(connection, "worker.deaf")) == 1


async def test_a_reader_may_ask_what_is_wrong(
    connection: asyncpg.Connection, login: Callable[..., Awaitable[asyncpg.Connection]]
) -> None:
    reader = await login("rowbell_reader")
    assert await told(reader, "worker.none")
