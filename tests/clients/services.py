"""Several processes of the service on one database, and psql beside them."""

import itertools
import subprocess
from pathlib import Path

import httpx

from rowbell.db.embedded import psql_path

from deadline import DEADLINE_SECONDS
from e2e.service import Service

# The advisory lock that a process holds while anybody watches through it.
_WATCHERS = """
select count(*) from pg_locks
where locktype = 'advisory' and classid = 1919907682 and objid = 2 and granted
  and database = (select oid from pg_database where datname = current_database())
"""


class Services:
    """Processes on one database; `psql` is another application on it."""

    def __init__(self, database_url: str, home: Path) -> None:
        self.database_url = database_url
        self.running: list[Service] = []
        self._home = home
        self._queues = itertools.count(1)

    @property
    def addresses(self) -> list[str]:
        return [each.address for each in self.running]

    def start(self, *commands: str, **env: str) -> list[str]:
        """One process for each command, `serve` or `api`; returns their addresses."""
        started = []
        for command in commands:
            started.append(self._start(command, **env))
            self.running.append(started[-1])
        return [each.address for each in started]

    def _start(self, command: str, **env: str) -> Service:
        settings = {"sweep_seconds": "0.5", "drain_seconds": "5", "log_format": "json", **env}
        return Service(command, home=self._home, database_url=self.database_url, **settings)

    def hold(self) -> str:
        """The name of a new queue whose tasks wait until `release`."""
        queue = f"held_{next(self._queues)}"
        self.psql(f"select rowbell.pause('{queue}')")
        return queue

    def release(self, queue: str) -> None:
        self.psql(f"select rowbell.resume('{queue}')")

    def at(self, address: str) -> Service:
        """The process behind an address of HTTP or WebSocket."""
        place = address.partition("://")[2].partition("/")[0]
        return next(each for each in self.running if each.address.endswith(place))

    def psql(self, statement: str) -> str:
        """What psql prints, unaligned and without headers."""
        done = subprocess.run(
            [psql_path(), self.database_url, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def insert(self, description: str = "", *, queue: str = "default", kind: str = "echo") -> str:
        """Insert a task with psql; returns its id."""
        return self.psql(
            "insert into rowbell.tasks (kind, description, queue, audience)"
            f" values ('{kind}', '{description}', '{queue}', '{{ops}}') returning id"
        )

    def watching(self) -> bool:
        """Whether any process has a subscriber."""
        return self.psql(_WATCHERS) != "0"

    def end(self) -> None:
        for each in self.running:
            each.kill()


def has_event_stream(address: str) -> bool:
    """Whether the service answers a subscription over HTTP with server-sent events."""
    with httpx.stream(
        "POST",
        f"{address}/graphql",
        json={"query": 'subscription { task(id: "0") { id } }'},
        headers={"accept": "text/event-stream"},
        timeout=DEADLINE_SECONDS,
    ) as response:
        return response.headers.get("content-type", "").startswith("text/event-stream")
