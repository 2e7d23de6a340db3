"""Handlers that do nothing, and such that only compute."""

import time

from rowbell.decorator import task


@task
async def bench_noop() -> None:
    """Do nothing, on the event loop."""


@task
def bench_thread() -> None:
    """Do nothing, in a thread."""


@task
def bench_cpu_thread() -> None:
    """Compute for 50 ms, in a thread."""
    compute()


@task(runs_in="process")
def bench_cpu_process() -> None:
    """Compute for 50 ms, in a process."""
    compute()


def compute(seconds: float = 0.05) -> None:
    """So many seconds of CPU: what else runs on the machine does not make it less."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(1_000))
