"""Writers: transactions of psql of every sort, and mutations."""

import asyncio
import contextlib
from random import Random

import httpx

from rowbell.db.embedded import psql_path

from clients.documents import CREATE_TASK

INSERT = "insert into rowbell.tasks (kind, description) values ('echo', '{}') returning id;"
KEPT, DROPPED = INSERT.format("kept"), INSERT.format("dropped")
SLOW = f"begin; {KEPT} select pg_sleep({{}}); {KEPT} commit;"
ABORTED = f"begin; {DROPPED} {DROPPED} rollback;"
SAVEPOINTS = (
    f"begin; {KEPT} savepoint a; {DROPPED} rollback to a; savepoint b; {KEPT} release b; commit;"
)
ALL_SORTS = (KEPT, SLOW, ABORTED, SAVEPOINTS)
LONGEST_TRANSACTION_SECONDS = 1.5
PAUSE_SECONDS = 0.05
LOST = ("terminating connection", "server closed the connection", "connection to server")
"""What psql says of a server that ends, has ended, or is not there yet."""


class SqlWriter:
    """A psql that runs one transaction after the other; another one if its connection is lost."""

    def __init__(self, database_url: str, dice: Random) -> None:
        self._url = database_url
        self._dice = dice

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        while not stopping.is_set():
            psql = await asyncio.create_subprocess_exec(
                *(psql_path(), self._url, "-XqAt", "-v", "ON_ERROR_STOP=1"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            writing = asyncio.create_task(self._write(psql, stopping))
            assert psql.stderr
            said = (await psql.stderr.read()).decode()
            await writing
            assert await psql.wait() == 0 or any(word in said for word in LOST), said
            await asyncio.sleep(PAUSE_SECONDS)

    async def _write(self, psql: asyncio.subprocess.Process, stopping: asyncio.Event) -> None:
        assert psql.stdin and psql.stdout
        with contextlib.suppress(ConnectionError):  # psql has ended
            while not stopping.is_set():
                text = self._dice.choice(ALL_SORTS)
                text = text.format(self._dice.uniform(0, LONGEST_TRANSACTION_SECONDS))
                psql.stdin.write(f"{text}\n\\echo done\n".encode())
                await psql.stdin.drain()
                while (line := await psql.stdout.readline()) != b"done\n":
                    if not line:
                        return
                await asyncio.sleep(self._dice.uniform(0, PAUSE_SECONDS))
        psql.stdin.close()


class ApiWriter:
    """Creates tasks by mutations, each time on any of the processes."""

    def __init__(self, addresses: list[str], dice: Random) -> None:
        self._addresses = addresses
        self._dice = dice

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        async with httpx.AsyncClient(timeout=60) as http:
            while not stopping.is_set():
                response = await http.post(
                    f"{self._dice.choice(self._addresses)}/graphql",
                    json={"query": CREATE_TASK, "variables": {"input": {"description": "kept"}}},
                )
                for error in response.json().get("errors", []):
                    assert error["extensions"]["code"] == "UNAVAILABLE", error
                await asyncio.sleep(self._dice.uniform(0, PAUSE_SECONDS))
