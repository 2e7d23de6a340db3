"""Handlers that do nothing, in the two ways in which a handler may run."""

from rowbell.decorator import task


@task
async def bench_noop() -> None:
    """Do nothing, on the event loop."""


@task
def bench_thread() -> None:
    """Do nothing, in a thread."""
