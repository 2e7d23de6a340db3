"""What a run stands on: a server of its own, its schema, the networks and the workers."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from rowbell.db.migrate import migrate

from faults.chaos import fleet, limits
from faults.chaos.fleet import Seat
from faults.chaos.options import Options
from line import Line
from postgres import Server, available

SETTINGS = (
    "fsync = on",
    "track_commit_timestamp = on",
    "recovery_init_sync_method = syncfs",  # one by one, its files take seconds at each start
)
START_SECONDS = 30.0


@dataclass(slots=True)
class Ground:
    """The server and the workers of a run."""

    server: Server
    folder: Path
    """Logs of the workers, and the record of their handlers."""
    seats: list[Seat] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Past every line."""
        return self.server.url()

    async def connect(self, name: str = "chaos") -> Any:
        return await asyncpg.connect(
            self.url, timeout=5, command_timeout=60, server_settings={"application_name": name}
        )

    async def start_server(self) -> None:
        """After a kill the children of the old one may linger: until then it refuses to start."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    return await asyncio.to_thread(self.server.start)
                except subprocess.CalledProcessError:
                    await asyncio.sleep(0.1)


@asynccontextmanager
async def prepared(options: Options, folder: Path) -> AsyncIterator[Ground]:
    """Everything but the load and the faults; the data stay until `remove`."""
    server = await asyncio.to_thread(Server, "chaos", available()["packaged"], *SETTINGS)
    ground = Ground(server, folder)
    try:
        await migrate(ground.url)
        connection = await ground.connect()
        await connection.execute(Path(__file__).with_name("audit.sql").read_text())
        await connection.execute(limits.SET_UP)
        await connection.close()
        async with _fleet(ground, options):
            yield ground
    except BaseException:
        server.remove()
        raise


@asynccontextmanager
async def _fleet(ground: Ground, options: Options) -> AsyncIterator[None]:
    running: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as lines:
        try:
            for number in range(1, options.workers + 1):
                line = await lines.enter_async_context(Line(ground.server).open())
                url = line.url(ground.url)
                surroundings = fleet.environment(url, ground.folder, options.lease_seconds)
                seat = Seat(f"worker{number}", ground.folder, line, surroundings)
                ground.seats.append(seat)
                running.append(asyncio.create_task(seat.run(), name=seat.name))
            yield
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
