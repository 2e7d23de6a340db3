"""Rows inserted at a pace by a process of its own, and what became of them."""

import asyncio
import contextlib
import math
import multiprocessing
from dataclasses import dataclass
from typing import Any

from rowbell.cli.bench.herd import Herd
from rowbell.cli.bench.inserter import Note, Rows, insert_rows
from rowbell.errors import RowbellError

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Paced:
    """So many rows at about a rate; `tick`: all that are due within it by one statement."""

    url: str
    kind: str
    queue: str
    number: int
    rate: float
    tick: float = 0.0
    on_floor: bool = False

    async def insert(self) -> list[Note]:
        """One note for each row, in their order. Raises RowbellError."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        rows = Rows(self.kind, self.queue, self.number, self.rate, self.tick, self.on_floor)
        process = context.Process(target=insert_rows, args=(self.url, rows, there), daemon=True)
        process.start()
        there.close()
        try:
            notes: list[Note] = await asyncio.to_thread(here.recv)
        except EOFError:
            raise RowbellError("the process that inserts has failed; why is said above.") from None
        finally:
            process.terminate()
            await asyncio.to_thread(process.join)
            here.close()
        return notes


async def arrived(workers: Herd, rows: int) -> None:
    """Until all have run. Raises RowbellError."""
    count = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (count := await workers.count()) < rows:  # noqa: ASYNC110 - a process is asked
                await asyncio.sleep(POLL_SECONDS)
            return
    raise RowbellError(f"{rows - count} of {rows} rows did not run in {PATIENCE_SECONDS:g} s.")


def percentiles(notes: list[Note], seen: dict[int, float], *, skip: int = 0) -> dict[str, Any]:
    """Milliseconds from the call of INSERT, and from its return, to the handler."""
    counted = range(skip, len(notes))
    from_call = sorted(1_000 * (seen[number] - notes[number][0]) for number in counted)
    from_return = sorted(1_000 * (seen[number] - notes[number][1]) for number in counted)
    return {
        "p50_milliseconds": _at(0.5, from_call),
        "p99_milliseconds": _at(0.99, from_call),
        "p50_from_return_milliseconds": _at(0.5, from_return),
        "p99_from_return_milliseconds": _at(0.99, from_return),
    }


def _at(share: float, ordered: list[float]) -> float:
    return round(ordered[math.ceil(share * len(ordered)) - 1], 3)
