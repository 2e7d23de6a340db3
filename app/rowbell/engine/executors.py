"""Where a handler runs: on the event loop, or in a thread of its own."""

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rowbell.handlers import Handler


class Executors:
    """Runs handlers; threads are made as they are needed, one a slot at the most."""

    def __init__(self, slots: int) -> None:
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="rowbell handler")
        self._in_threads = 0

    @property
    def in_threads(self) -> int:
        """Threads that still run a handler, abandoned ones included."""
        return self._in_threads

    async def run(self, handler: Handler, arguments: dict[str, Any]) -> Any:
        """What the handler returns; raises what it raises."""
        if handler.runs_in == "loop":
            return await handler.function(**arguments)
        self._in_threads += 1
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, contextvars.copy_context().run, self._call, handler, arguments
        )
        return await future

    def close(self) -> None:
        """Take no more; threads that still run a handler cannot be stopped, only left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, handler: Handler, arguments: dict[str, Any]) -> Any:
        try:
            return handler.function(**arguments)
        except StopIteration as error:
            # asyncio cannot carry a StopIteration: the attempt would wait for ever.
            raise RuntimeError("the handler raised StopIteration") from error
        finally:
            self._in_threads -= 1
