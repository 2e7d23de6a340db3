"""Writers: transactions of psql of every sort, and mutations."""

import asyncio
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


class SqlWriter:
    """A psql that runs one transaction after the other."""

    def __init__(self, database_url: str, dice: Random) -> None:
        self._url = database_url
        self._dice = dice

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        psql = await asyncio.create_subprocess_exec(
            psql_path(),
            self._url,
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert psql.stdin and psql.stdout
        while not stopping.is_set():
            text = self._dice.choice(ALL_SORTS)
            text = text.format(self._dice.uniform(0, LONGEST_TRANSACTION_SECONDS))
            psql.stdin.write(f"{text}\n\\echo done\n".encode())
            while (line := await psql.stdout.readline()) != b"done\n":
                assert line, "psql has ended"
            await asyncio.sleep(self._dice.uniform(0, 0.05))
        psql.stdin.close()
        assert await psql.wait() == 0


class ApiWriter:
    """Creates tasks by mutations, each time on any of the processes."""

    def __init__(self, addresses: list[str], dice: Random) -> None:
        self._addresses = addresses
        self._dice = dice

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        async with httpx.AsyncClient(timeout=30) as http:
            while not stopping.is_set():
                answer = await http.post(
                    f"{self._dice.choice(self._addresses)}/graphql",
                    json={"query": CREATE_TASK, "variables": {"input": {"description": "kept"}}},
                )
                assert "errors" not in answer.json(), answer.text
                await asyncio.sleep(self._dice.uniform(0, 0.05))
