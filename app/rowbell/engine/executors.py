"""Where plain functions run: each in a thread of its own."""

import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from rowbell.handlers import Handler


class Executors:
    """Runs plain functions; threads are made as they are needed, one a slot at the most."""

    def __init__(self, slots: int) -> None:
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="rowbell handler")
        self._in_threads = 0

    @property
    def in_threads(self) -> int:
        """Threads that still run a handler, abandoned ones included."""
        return self._in_threads

    def start(self, handler: Handler, arguments: dict[str, Any]) -> Future[Any]:
        """Run a handler in a thread; the future is done when the thread is."""
        self._in_threads += 1
        context = contextvars.copy_context()
        return self._threads.submit(context.run, self._call, handler, arguments)

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
