"""rowbell_service is enough for all that the service does."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from rows import Ear

from rowbell.db import (
    attention,
    bell,
    condition,
    history,
    inserts,
    journal,
    overview,
    past,
    queues,
    roster,
    schedules,
    stacks,
    tasks,
    workers,
)
from rowbell.db.error_groups import ErrorFilter, error_groups
from rowbell.db.migrate import migrate
from rowbell.db.pool import Database
from rowbell.handlers import Handlers
from rowbell.task import Filter, NewTask, Status

SERVICE = "rowbell_service"


async def test_the_service_can_do_everything_that_the_service_does(
    login_url: Callable[..., Awaitable[str]],
) -> None:
    url = await login_url(SERVICE)
    assert await migrate(url) == []
    database = await Database.open(url, name="rowbell tests")
    worker = await workers.register(
        database, queues=("*",), slots=5, lease_seconds=30, handlers=Handlers()
    )
    assert await workers.heartbeat(database, worker, busy=0, draining=False)
    for _ in range(4):
        await inserts.create(database, NewTask(kind="echo", payload={"a": 1}), subject="ann")
    soon = NewTask(kind="echo", run_in=timedelta(seconds=30))
    scheduled = await inserts.create(database, soon)
    assert await workers.waiting_queues(database)
    claims = await tasks.claim(database, "default", worker, 4, ["echo"])
    ids = [claim.id for claim in claims]
    await tasks.report_progress(database, ids, [1] * 4, [0.5] * 4)
    assert await tasks.complete(database, ids[:1], [1], ['{"b": 2}']) == []
    failed = await tasks.fail(database, ids[1:2], [1], ["{}"], [None])
    assert failed[ids[1]].status is Status.FAILED
    assert await tasks.release(database, ids[2:3], [1])
    await tasks.cancel(database, ids[3], subject="ann")
    assert await workers.cancel_requests(database, worker) == [ids[3]]
    await tasks.retry(database, ids[1], subject="ann")
    await tasks.pause(database, "default", subject="ann")
    assert await overview.paused_queues(database) == {"default"}
    await tasks.resume(database, "default", subject="ann")
    assert await workers.next_run_in(database, "default", ["echo"]) is not None
    assert await workers.bell_problem(database) is None
    assert await workers.live_kinds(database) == set()
    assert await workers.release_strays(database, worker, ids) == []
    await schedules.declare(database, [])
    await schedules.keep_declared(database, ["nightly"])
    assert await schedules.undeclared(database) == []
    every = timedelta(hours=1)
    await schedules.add(database, schedules.NewSchedule(name="nightly", kind="echo", every=every))
    (planned,) = await schedules.due(database)
    assert await schedules.plan(database, planned, planned.asked_at)
    (planned,) = await schedules.due(database)
    assert await schedules.tick(database, planned, [], planned.asked_at + every) == []
    start = await journal.now(database)
    assert (await journal.read(database, start, most=10)).entries == []
    assert await journal.fold(database) > 10
    assert await journal.keep(database, days=7) == 0
    await workers.sign_off(database, worker)
    assert [each.tasks for each in await workers.rescue(database)] == [1]
    assert await workers.prune(database, older_than_days=7, most=10) == 0
    assert await overview.task(database, scheduled.id)
    assert len(await overview.tasks(database, Filter(), limit=10)) == 5
    assert await overview.known_kinds(database) == []
    await database.close()


async def test_the_service_may_listen(login_url: Callable[..., Awaitable[str]]) -> None:
    ear = await Ear.open(await login_url(SERVICE), "rowbell_bell", "rowbell_cancel")
    assert await ear.heard() == []
    await ear.close()


async def test_the_service_may_read_all_that_operators_are_shown(
    login_url: Callable[..., Awaitable[str]],
) -> None:
    database = await Database.open(await login_url(SERVICE), name="rowbell tests")
    task = await inserts.create(database, NewTask())
    await queues.limit_queue(database, "default", {"max_running": 1}, subject="ann")
    await queues.limit_key(database, "customer 1", 2, subject=None)
    assert [each.name for each in await queues.queues(database)] == ["default"]
    assert [each.topic for each in await attention.attention(database)] == ["no_worker"]
    assert (await condition.condition(database)).tables
    assert len((await bell.bell(database)).triggers) == 11
    assert await roster.workers(database, ended=True) == []
    assert await history.history(database, window=timedelta(hours=1)) == []
    assert await error_groups(database, ErrorFilter(), most=5) == []
    assert [each.event for each in await past.moments(database, task.id)] == ["CREATED"]
    assert await stacks.ask(database, [task.id], seconds=0) == {}
    await stacks.tell(database, task_id=task.id, attempt=1, worker=1, stack="here", reason="")
    await database.close()
