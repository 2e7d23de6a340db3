"""Applications that insert single rows as fast as they can, in processes of their own."""

import asyncio
import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from rowbell.cli.serve import event_loop
from rowbell.db.bench import Bench

PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Clients:
    """So many connections, for so many seconds."""

    url: str
    kind: str
    queue: str
    clients: int
    seconds: float

    async def insert(self) -> tuple[float, list[float]]:
        """Rows a second, and the seconds that each INSERT took."""
        context = multiprocessing.get_context("spawn")
        pipes, processes = [], []
        at = time.monotonic() + 1.0  # all begin together, once all are connected
        for number in range(min(PROCESSES, self.clients)):
            here, there = context.Pipe(duplex=False)
            share = self.clients // PROCESSES + (number < self.clients % PROCESSES)
            process = context.Process(target=_insert, args=(self, share, at, there), daemon=True)
            process.start()
            there.close()
            pipes.append(here)
            processes.append(process)
        try:
            taken = [each for pipe in pipes for each in await asyncio.to_thread(pipe.recv)]
        finally:
            for process in processes:
                process.terminate()
                await asyncio.to_thread(process.join)
        return len(taken) / self.seconds, taken


def _insert(clients: Clients, share: int, at: float, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        pipe.send(runner.run(_insert_all(clients, share, at)))


async def _insert_all(clients: Clients, share: int, at: float) -> list[float]:
    taken: list[float] = []
    connected = asyncio.Barrier(share)

    async def insert() -> None:
        async with Bench.opened(clients.url) as bench:
            await connected.wait()
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            until = time.monotonic() + clients.seconds
            while (began := time.monotonic()) < until:
                await bench.insert(clients.kind, clients.queue, "{}")
                taken.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(share):
            group.create_task(insert())
    return taken
