"""What the drill asks of the database; it touches only rows that it has made itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rowbell.db.doctor.patient import Patient
from rowbell.errors import Unavailable

RECOVERY_SECONDS = 60.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a task."""

    status: str
    attempt: int
    worker: int | None
    process: int | None


async def end_session(patient: Patient, name: str) -> None:
    """End the session of this application_name, of which there is one."""
    ended = await patient.connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = $1 and usename = current_user",
        name,
    )
    if len(ended) != 1:
        raise Unavailable(f"{len(ended)} sessions are named {name}, and not one.")


async def insert(patient: Patient, kind: str) -> int:
    """A task in a queue of the same name, so that the workers of nobody else take it."""
    task: int = await patient.connection.fetchval(
        "insert into rowbell.tasks (kind, queue, description)"
        " values ($1, $1, 'drill of rowbell doctor') returning id",
        kind,
    )
    return task


async def until_held(patient: Patient, task: int, *, attempt: int) -> Holder:
    """Who has the task in this attempt, or a later one. Raises Unavailable when nobody has."""
    query = (
        "select t.status::text, t.attempt, t.worker, w.process from rowbell.tasks t"
        " left join rowbell.workers w on w.id = t.worker where t.id = $1"
    )
    async with recovery(f"nobody began attempt {attempt} at task {task}"):
        while True:
            holder = Holder(*await patient.connection.fetchrow(query, task))
            if holder.attempt >= attempt and holder.status != "PENDING":
                return holder
            await asyncio.sleep(LOOK_SECONDS)


async def until_registered(patient: Patient, process: int, *, after: int) -> int:
    """The id that a process of this machine has got as a worker after another one."""
    query = (
        "select max(id) from rowbell.workers"
        " where process = $1 and id > $2 and stopped_at is null and lost_at is null"
    )
    async with recovery(f"process {process} did not register"):
        while True:
            if worker := await patient.connection.fetchval(query, process, after):
                return int(worker)
            await asyncio.sleep(LOOK_SECONDS)


async def clear_away(patient: Patient, kind: str) -> None:
    """Tasks, workers and the kind of the drill; the journal keeps what happened."""
    for statement in (
        "select rowbell.cancel(id) from rowbell.tasks"
        " where kind = $1 and status in ('PENDING', 'PROCESSING')",
        "delete from rowbell.tasks where kind = $1 and finished_at is not null",
        "delete from rowbell.workers where queues = array[$1]",
        "delete from rowbell.kinds where name = $1",
    ):
        await patient.connection.execute(statement, kind)


@asynccontextmanager
async def recovery(otherwise: str) -> AsyncIterator[None]:
    """At most RECOVERY_SECONDS; raises Unavailable with this sentence then."""
    try:
        async with asyncio.timeout(RECOVERY_SECONDS):
            yield
    except TimeoutError:
        raise Unavailable(f"{otherwise} within {RECOVERY_SECONDS:g} s.") from None
