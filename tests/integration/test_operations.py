"""What the operations page shows: every field of it, read from a real database."""

from collections.abc import AsyncIterator

import pytest

from graphql_server import Served, serving

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
