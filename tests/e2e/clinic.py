"""A sound database with a live worker, `rowbell doctor`, and hands that paste what it says."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rowbell.db.embedded import psql_path
from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from e2e.command_line import COMMAND, environment
from e2e.service import ROWBELL, Service
from postgres import Server, available

SOUND = (
    "fsync = on",
    "idle_in_transaction_session_timeout = '10min'",
    "max_prepared_transactions = 2",
    "wal_level = logical",
)
REMEDY = re.compile(r"^ +in (psql|a shell): +(.*)$", re.MULTILINE)


class Clinic:
    """One server, one database, one worker with a short lease."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server("packaged", available()["packaged"], *SOUND)
        self.url = self.server.url()
        asyncio.run(migrate(self.url))
        self.started: list[Service] = []
        self.worker = self.start("worker")
        self.worker.wait_for("service.ready")

    def start(self, *arguments: str) -> Service:
        service = Service(
            *arguments,
            home=self.folder,
            modules=self.folder,
            database_url=self.url,
            lease_seconds="3",
            sweep_seconds="0.2",
            drain_seconds="1",
        )
        self.started.append(service)
        return service

    def close(self) -> None:
        for service in self.started:
            service.kill()
        self.server.remove()

    def doctor(
        self, *arguments: str, url: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, "doctor", *arguments],
            env=environment(url or self.url, **more),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def names(self, sentence: str, *, code: int = 1, url: str = "", **more: str) -> str:
        """What the doctor prints, among it this sentence."""
        done = self.doctor(url=url, **more)
        assert sentence in done.stdout, f"{done.stdout}\n{done.stderr}"
        assert done.returncode == code, done.stdout
        return done.stdout

    def is_content(self, **more: str) -> None:
        done = self.doctor("--strict", **more)
        assert done.returncode == 0, done.stdout

    def paste(self, printed: str) -> None:
        """Each remedy, as it is printed, where it says."""
        remedies = REMEDY.findall(printed)
        assert remedies, printed
        for where, text in remedies:
            if where == "psql":
                self.psql(text)
            elif text.startswith("rowbell worker"):
                self.start(*text.split()[1:]).wait_for("service.ready")
            else:
                self.shell(text)

    def psql(self, text: str) -> str:
        """As a person types it: each statement a transaction of its own."""
        done = subprocess.run(
            [psql_path(), "-XqAt", "-v", "ON_ERROR_STOP=1", self.url],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.defpath},
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout.strip()

    def shell(self, text: str, url: str = "") -> str:
        path = f"{ROWBELL.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", text],
            env=environment(url or self.url, PATH=path),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def until(self, question: str) -> None:
        """Until psql prints t."""
        wait_until(lambda: self.psql(question) == "t", question)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.02)


@contextmanager
def lunch(url: str) -> Iterator[None]:
    """A session named lunch that sits in a transaction, as somebody who is away."""
    holder = subprocess.Popen(
        [psql_path(), "-Xq", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "PGAPPNAME": "lunch"},
        text=True,
    )
    assert holder.stdin
    try:
        holder.stdin.write("begin; select count(*) from rowbell.tasks;\n")
        holder.stdin.flush()
        yield
    finally:
        holder.kill()
        holder.communicate()
