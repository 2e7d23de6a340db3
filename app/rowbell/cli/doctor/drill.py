"""`rowbell doctor --drill`: breaks what is its own, and times how it recovers.

Its listener, its two worker processes, its queue, its kind and its task are made for the drill and
removed after it; nothing of anybody else is touched.
"""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rowbell.config import Settings
from rowbell.db.doctor import drill
from rowbell.db.doctor.patient import Patient
from rowbell.db.ears import Ears
from rowbell.db.listener import Listener

LEASE_SECONDS = 3
SWEEP_SECONDS = 0.5
END_SECONDS = 10.0
_HANDLERS = "rowbell.cli.doctor.drill_kind"


@dataclass(frozen=True, slots=True)
class Recovery:
    what: str
    did: str
    """What was done to it."""
    seconds: float
    then: str
    """What was there again after so many seconds."""


async def of_listener(patient: Patient, settings: Settings) -> Recovery:
    """From the end of its session until it has proved that it hears again."""
    ready, lost = asyncio.Event(), asyncio.Event()
    name = f"rowbell drill {secrets.token_hex(4)}"
    ears = Ears(ready=ready.set, lost=lost.set)
    listener = Listener(patient.url, settings.probe_seconds, ears, name=name)
    running = asyncio.create_task(listener.run())
    loop = asyncio.get_running_loop()
    try:
        async with drill.recovery("the listener was not ready"):
            await ready.wait()
        ready.clear()
        began = loop.time()
        await drill.end_session(patient, name)
        async with drill.recovery("the listener did not come back"):
            await lost.wait()
            await ready.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return Recovery("listener", "its session was ended", loop.time() - began, "it heard again")


async def of_worker(patient: Patient, settings: Settings) -> list[Recovery]:
    """From SIGSTOP to the next attempt at its task; from SIGCONT until it works again."""
    kind = f"rowbell_drill_{secrets.token_hex(4)}"
    loop = asyncio.get_running_loop()
    try:
        async with _worker(settings, kind) as one, _worker(settings, kind) as another:
            for process in (one, another):
                await drill.until_registered(patient, process, after=0)
            task = await drill.insert(patient, kind)
            first = await drill.until_held(patient, task, attempt=1)
            stopped = one if first.process == one else another
            os.kill(stopped, signal.SIGSTOP)
            began = loop.time()
            await drill.until_held(patient, task, attempt=2)
            taken = loop.time()
            os.kill(stopped, signal.SIGCONT)
            await drill.until_registered(patient, stopped, after=first.worker or 0)
            back = loop.time()
    finally:
        await drill.clear_away(patient, kind)
    return [
        Recovery(
            "worker",
            f"it was stopped (SIGSTOP; lease {LEASE_SECONDS} s)",
            taken - began,
            "another had its task",
        ),
        Recovery("worker", "it was continued (SIGCONT)", back - taken, "it worked again"),
    ]


@asynccontextmanager
async def _worker(settings: Settings, kind: str) -> AsyncIterator[int]:
    """A `rowbell worker` of the drill's own queue; yields its process id, and ends it."""
    environment = settings.environment(
        handlers=(_HANDLERS,),
        queues=(kind,),
        slots=1,
        processes=1,
        lease_seconds=LEASE_SECONDS,
        sweep_seconds=SWEEP_SECONDS,
        drain_seconds=0,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rowbell",
        "worker",
        env=environment | {"DRILL_KIND": kind},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
