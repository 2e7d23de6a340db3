"""Coroutines run on the event loop itself."""

from rowbell.db.tasks import as_result
from rowbell.engine.executors.call import Call, arguments_of


class Loop:
    """An Executor: awaits the handler, so that cancelling the call cancels it."""

    async def run(self, call: Call) -> str | None:
        arguments = arguments_of(call.handler, call.payload, call.context)
        call.began()
        return as_result(await call.handler.function(**arguments))

    async def close(self) -> None:
        """There is nothing to close."""
