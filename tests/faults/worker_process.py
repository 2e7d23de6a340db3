"""Workers as processes, to be killed and stopped, and a diary that they cannot lose."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.service import Service

HANDLERS = '''
import asyncio, os, time
from pathlib import Path
from pydantic import BaseModel
from rowbell import Context, task

HERE = Path(__file__).parent

def note(word, context):
    """One line, one write: a file keeps what a killed process has written."""
    line = f"{word} {context.task_id} {context.attempt} {os.getpid()}\\n"
    with open(HERE / "diary", "ab", buffering=0) as diary:
        diary.write(line.encode())

@task
def wait_in_a_thread(context: Context) -> int:
    note("began", context)
    while not (HERE / "go").exists():
        time.sleep(0.01)
    note("ended", context)
    return context.attempt

@task
async def wait_for_ever(context: Context) -> None:
    note("began", context)
    await asyncio.Event().wait()

@task
async def hold_locks(context: Context) -> int:
    if context.attempt > 1:
        return context.attempt
    async with context.transaction() as tx:
        await tx.execute("select from rowbell.tasks where id = $1 for update", context.task_id)
        await tx.execute("select pg_advisory_xact_lock(1)")
        note("began", context)
        await asyncio.Event().wait()

@task
async def kill_the_process(context: Context) -> None:
    note("began", context)
    os.kill(os.getpid(), 9)

@task
async def do_nothing() -> None:
    """Nothing to do."""
'''


@dataclass(frozen=True)
class Workers:
    """Starts worker processes on one database."""

    url: str
    folder: Path
    stack: ExitStack

    def start(self, *, ready: bool = True, **settings: Any) -> Service:
        """By default it is ready, has the shortest lease, and sweeps often."""
        given = {"lease_seconds": "3", "sweep_seconds": "0.2", "log_level": "debug", **settings}
        worker = Service(
            "worker",
            home=self.folder,
            modules=self.folder,
            handlers="fault_tasks",
            database_url=self.url,
            drain_seconds="0",
            **given,
        )
        self.stack.callback(end, worker)
        if ready:
            worker.wait_for("service.ready")
        return worker

    def diary(self) -> list[tuple[str, int, int, int]]:
        """What handlers noted, in order: word, task, attempt, process."""
        path = self.folder / "diary"
        lines = path.read_text().splitlines() if path.exists() else []
        notes = (line.split() for line in lines)
        return [(word, int(task), int(n), int(process)) for word, task, n, process in notes]

    def go(self) -> None:
        """Let `wait_in_a_thread` end."""
        (self.folder / "go").touch()


@contextmanager
def workers(url: str, folder: Path) -> Iterator[Workers]:
    (folder / "fault_tasks.py").write_text(HANDLERS)
    with ExitStack() as stack:
        yield Workers(url, folder, stack)


def end(worker: Service) -> None:
    if worker.process.poll() is None:
        os.kill(worker.process.pid, signal.SIGCONT)
    worker.kill()
