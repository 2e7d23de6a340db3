"""Plain functions run in threads, which cannot be ended: they are told, and left behind."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

from rowbell.db.tasks import as_result
from rowbell.engine.executors.call import Call, arguments_of


class Threads:
    """An Executor; threads are made as they are needed, one a slot at the most."""

    def __init__(self, slots: int) -> None:
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="rowbell handler")
        self._busy = 0

    @property
    def busy(self) -> int:
        """Threads that still run a handler, abandoned ones included."""
        return self._busy

    async def run(self, call: Call) -> str | None:
        self._busy += 1
        context = contextvars.copy_context()
        thread = self._pool.submit(context.run, self._perform, call)
        call.began()
        call.lingering = thread
        result: str | None = await asyncio.wrap_future(thread)
        return result

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _perform(self, call: Call) -> str | None:
        call.thread = threading.get_ident()
        try:
            arguments = arguments_of(call.handler, call.payload, call.context)
            return as_result(call.handler.function(**arguments))
        except StopIteration as error:
            # asyncio cannot carry a StopIteration: the attempt would wait for ever.
            raise RuntimeError("the handler raised StopIteration") from error
        finally:
            call.thread = None
            self._busy -= 1
