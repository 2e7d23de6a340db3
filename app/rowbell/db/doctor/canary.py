"""A task through the real path: inserted as an application would, run by a live worker."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import asyncpg

from rowbell.db.doctor.finding import Answer, Finding, note, problem, warning
from rowbell.db.doctor.patient import Patient
from rowbell.db.pool import Connection

KIND = "echo"
QUEUE = "rowbell_doctor"
WAIT_SECONDS = 10.0
SLOW_SECONDS = 1.0
"""Beyond this no bell has brought it, but a sweep."""

_SERVED = """
with live as (
  select w.queues from rowbell.workers w
  where w.stopped_at is null and w.lost_at is null and w.draining_at is null
    and w.beat_at + w.lease >= now() and $1 = any (w.kinds))
select case when bool_or('*' = any (l.queues)) then $2 else (
  select min(q) from live s, unnest(s.queues) q
  where not exists (select from rowbell.queues p where p.name = q and p.paused_at is not null)) end
from live l
"""
_INSERT = """
insert into rowbell.tasks (kind, queue, payload, description, max_attempts)
values ($1, $2, '{"canary": true}', 'canary of rowbell doctor', 1) returning id, created_at
"""
_LOOK = "select status::text, started_at, finished_at from rowbell.tasks where id = $1"
_AWAY = "delete from rowbell.tasks where id = $1 and finished_at is not null"


async def canary(patient: Patient) -> Answer:
    """How long it takes from the INSERT to the first line of a handler, and to the end."""
    if patient.is_read_only:
        return Answer("not sent: the server is read-only", is_skipped=True)
    connection = patient.connection
    queue = await connection.fetchval(_SERVED, KIND, QUEUE)
    if queue is None:
        return Answer("not sent", [_unserved()])
    try:
        task, created_at = await connection.fetchrow(_INSERT, KIND, queue)
    except asyncpg.InsufficientPrivilegeError:
        sentence = "This role may not insert tasks, so no canary was sent."
        return Answer("not sent", [note("canary.refused", sentence)])
    try:
        seen = await _outcome(connection, task)
    finally:
        await _clear_away(connection, task)
    if seen is None:
        return Answer("sent", [_unanswered(queue)])
    began, ended = (moment - created_at for moment in seen)
    said = f"a task of kind {KIND} in queue {queue} began after {_ms(began)}, done {_ms(ended)}"
    if began.total_seconds() > SLOW_SECONDS:
        return Answer(said, [_slow(began)])
    return Answer(said)


def _unserved() -> Finding:
    sentence = (
        f"No live worker knows kind {KIND} and serves a queue that is not paused: no canary sent."
    )
    return problem("canary.unserved", sentence, command="rowbell worker")


def _unanswered(queue: str) -> Finding:
    sentence = (
        f"A task of kind {KIND} in queue {queue} was not done within {WAIT_SECONDS:g} s, although a"
        " live worker serves it: its slots may be full, or its process may hang."
    )
    return problem("canary.unanswered", sentence, sql="select * from rowbell.worker_overview;")


def _slow(began: timedelta) -> Finding:
    sentence = (
        f"The canary began only after {_ms(began)}: the bell did not reach the worker, or its slots"
        " were full. The log of the worker says which (listener.deaf, sweep.found)."
    )
    return warning("canary.slow", sentence, sql="select rowbell.bell_problem();")


async def _outcome(connection: Connection, task: int) -> tuple[datetime, datetime] | None:
    """When it began and ended; None if it has not, in time."""
    pause = 0.002
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                row = await connection.fetchrow(_LOOK, task)
                if row["finished_at"]:
                    return row["started_at"], row["finished_at"]
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.25)
    except TimeoutError:
        return None


async def _clear_away(connection: Connection, task: int) -> None:
    with suppress(asyncpg.PostgresError):  # it is final already, or this role may not cancel
        await connection.execute("select rowbell.cancel($1)", task)
    with suppress(asyncpg.InsufficientPrivilegeError):  # then the retention will
        await connection.execute(_AWAY, task)


def _ms(duration: timedelta) -> str:
    return f"{duration.total_seconds() * 1000:.1f} ms"
