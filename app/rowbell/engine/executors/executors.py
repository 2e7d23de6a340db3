"""The three places where a handler may run, as one."""

from rowbell.engine.executors.executor import Executor
from rowbell.engine.executors.loop import Loop
from rowbell.engine.executors.processes import Processes
from rowbell.engine.executors.threads import Threads
from rowbell.handlers import Handlers, RunsIn


class Executors:
    """An Executor for each value of `runs_in`."""

    def __init__(self, handlers: Handlers, *, slots: int, process_slots: int) -> None:
        self._threads = Threads(slots)
        self._places: dict[RunsIn, Executor] = {
            "loop": Loop(),
            "thread": self._threads,
            "process": Processes(process_slots, _modules(handlers)),
        }

    @property
    def in_threads(self) -> int:
        """Threads that still run a handler, abandoned ones included."""
        return self._threads.busy

    def __getitem__(self, runs_in: RunsIn) -> Executor:
        return self._places[runs_in]

    async def close(self) -> None:
        """Take no more; threads that still run a handler cannot be ended, only left behind."""
        for executor in self._places.values():
            await executor.close()


def _modules(handlers: Handlers) -> list[str]:
    """What a process imports before its first call."""
    return sorted({h.function.__module__ for h in handlers if h.runs_in == "process"})
