"""What the operations page shows: every field of it, read from a real database."""

from collections.abc import AsyncIterator

import pytest

from rowbell.db import queues
from rowbell.db.pool import Database

from graphql_server import Served, serving
from integration.conftest import both_servers

pytestmark = both_servers

OVERVIEW = """
at counts { pending processing completed failed cancelled } stats { pending processing completed
throughput waitSeconds { p50 p95 p99 } } queues { name paused pausedAt pausedBy pending due
scheduled held isCapped processing oldestDueSeconds maxRunning rate burst throughput kinds workers
} attention { id severity topic sentence remedy remedyKind view filter since } now { at seconds
created started completed failed cancelled retried lost waitSeconds { p50 } runSeconds { p99 } }
workers slots busy
"""
WORKERS = """
id host pid version state queues kinds slots busy startedAt lastSeenAt silentSeconds leaseSeconds
draining endedAt onDutyFor bell { workerId host pid at listening deaf probedAt probeSeconds probes
reconnects gaps heard looks emptyLooks failedLooks answered sweptTasks sweeps rescued tally }
running { taskId kind queue description attempt startedAt seconds progress cancelRequested }
"""
BELL = """
processes { workerId listening tally } problem triggers { name table inForce remedy } queueUsage
holders { pid application remedy }
"""
DATABASE = """
at version bytes tables { name bytes indexBytes liveRows deadRows bloat lastVacuumAt lastAnalyzeAt
vacuumAtRows } partitions { name day bytes rows } snapshots { pid application role state seconds
behind query remedy } connections maxConnections ownConnections startedAt isReplica walBytes
replicas { name state behindBytes } problems { id sentence remedy }
"""
ERRORS = """
fingerprint kind errorType title count firstSeenAt lastSeenAt trend queues message traceback
lastTaskId failedNow
"""
SCHEDULES = "name state nextRuns nextRunLocal queue payload source pausedBy createdBy explanation"
FIELDS = {
    "overview": OVERVIEW,
    "history": "at seconds created started completed failed waitSeconds { p50 p95 p99 }",
    "queues": "name pending due",
    "workers": WORKERS,
    "bell": BELL,
    "database": DATABASE,
    "errors": ERRORS,
    "schedules": SCHEDULES,
}
TASK = """
query ($id: ID!) { task(id: $id) { attempts { number outcome startedAt endedAt seconds error {
code fingerprint } traceback lines { at text fields } workerId } lines { attempt text } position
expectedStartSeconds can { cancel retry } worker { id } cancelRequestedAt timeline { at kind
sentence status attempt waitSeconds runSeconds foundBy rang role application subject workerId
detail } } }
"""


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def busy(served: Served) -> None:
    """Some of everything."""
    await served.connection.execute(
        "insert into rowbell.schedules (name, kind, cron) values ('nightly', 'echo', '30 2 * * *')"
    )
    await served.insert(queue="mail", kind="stranger")
    await served.connection.execute("select rowbell.pause('mail')")
    await served.insert()
    await served.insert()
    await served.complete(*await served.claim())
    task, attempt = await served.claim()
    error = (
        '{"type": "ValueError", "message": "row 7", "traceback": "  File \\"a.py\\", line 1, in f"}'
    )
    await served.connection.execute(
        "select id from rowbell.fail($1, $2, $3, '{null}')", [task], [attempt], [error]
    )


@pytest.mark.parametrize("field", FIELDS)
async def test_every_field_can_be_asked_for_and_watched(served: Served, field: str) -> None:
    await busy(served)
    asked = f"{{ {field} {{ {FIELDS[field]} }} }}"
    told = (await served.data(asked))[field]
    assert told not in ([], None) or field in ("history", "errors")
    async with served.socket() as client:
        await client.subscribe(f"subscription {asked}")
        assert type((await client.data())[field]) is type(told)


async def test_however_many_watch_one_reads_and_nobody_reads_for_nobody(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = queues.queues

    async def counted(database: Database, *also: str) -> list[queues.QueueLine]:
        nonlocal reads
        reads += 1
        return await read(database, *also)

    monkeypatch.setattr(queues, "queues", counted)
    async with served.socket() as client:
        for number in range(20):
            # Each is another document: an equal one might be carried out once for all.
            query = f'subscription {{ queues(every: "PT60S") {{ n{number}: name }} }}'
            await client.subscribe(query, id=str(number))
        for _ in range(20):
            assert (await client.data())["queues"] == []
        assert reads == 1


async def test_a_subscription_tells_what_has_changed_and_nothing_else(served: Served) -> None:
    async with served.socket() as client:
        await client.subscribe('subscription { queues(every: "PT1S") { name paused } }')
        assert (await client.data())["queues"] == []
        await served.data('mutation { pauseQueue(name: "mail") { name } }')
        assert (await client.data())["queues"] == [{"name": "mail", "paused": True}]


async def test_limits_are_set_one_by_one_and_null_takes_them_away(served: Served) -> None:
    setting = """mutation ($limits: LimitsInput!) {
      setQueueLimits(name: "mail", limits: $limits) { maxRunning rate burst } }"""
    await served.data(setting, {"limits": {"maxRunning": 3, "rate": 1.5}})
    told = await served.data(setting, {"limits": {"rate": None, "burst": 7}})
    assert told["setQueueLimits"] == {"maxRunning": 3, "rate": None, "burst": 7}
    error = await served.error(setting, {"limits": {"rate": -1}})
    assert error["extensions"]["code"] == "INVALID_ARGUMENT"
    error = await served.error(
        'mutation { setKindLimits(name: "nobody", limits: {maxRunning: 1}) { name } }'
    )
    assert error["extensions"]["code"] == "NOT_FOUND"


async def test_a_timeline_tells_who_did_what_and_what_brought_it_to_a_worker(
    served: Served,
) -> None:
    task, attempt = (await served.insert(), await served.claim())[1]
    await served.complete(task, attempt)
    told = (await served.data(TASK, {"id": str(task)}))["task"]
    assert [(each["kind"], each["foundBy"], each["rang"]) for each in told["timeline"]] == [
        ("CREATED", None, True),
        ("STARTED", "BELL", False),
        ("COMPLETED", None, False),
    ]
    assert told["timeline"][0]["role"] == "postgres"
    assert [each["outcome"] for each in told["attempts"]] == ["COMPLETED"]


async def test_what_is_retried_and_cancelled_can_be_taken_back(served: Served) -> None:
    ids = [str(await served.insert()) for _ in range(3)]
    cancel = 'mutation { cancelTasks(filter: {kind: ["echo"]}) { changed undoIds } }'
    done = (await served.data(cancel))["cancelTasks"]
    assert (done["changed"], sorted(done["undoIds"])) == (3, ids)
    undo = """mutation ($ids: [ID!]) {
      retryTasks(filter: {ids: $ids, status: [CANCELLED]}) { changed undoIds } }"""
    assert (await served.data(undo, {"ids": ids}))["retryTasks"]["changed"] == 3
