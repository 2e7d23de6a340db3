"""The one shape of every place where a handler may run."""

from typing import Protocol

from rowbell.engine.executors.call import Call


class Executor(Protocol):
    """Runs handlers; each place in its own way."""

    async def run(self, call: Call) -> str | None:
        """Run a handler to its end; returns its result as JSON text.

        Says `call.began()` when the handler begins. Raises what the handler raised, or a
        RemoteFailure that says it in words. Cancelling ends the handler as far as it can be ended;
        what cannot be is left in `call.lingering`.
        """

    async def close(self) -> None:
        """Take no more, and leave nothing behind that can be ended. May be called twice."""
