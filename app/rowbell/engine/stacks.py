"""Answers to those who ask where a handler is."""

import asyncio
import sys

from rowbell.db import stacks
from rowbell.db.pool import Database
from rowbell.engine.attempt import Attempt
from rowbell.engine.frames import STACK_CHARACTERS, stack_of_coroutine, stack_of_frame
from rowbell.engine.lines import fit
from rowbell.errors import RowbellError
from rowbell.logs import log

CHILD_SECONDS = 1.0
"""How long a process may take; one that is in C code, or that is stopped, does not answer."""

_NOT_BEGUN = "it waits for a free thread or process, or has just ended."
_IN_PROCESS = (
    f"the process that it runs in did not answer within {CHILD_SECONDS:g} s: it is in C code,"
    " or stopped."
)


async def tell(database: Database, worker: int, attempt: Attempt) -> None:
    """Write where the handler of an attempt is, or why nobody knows."""
    stack, reason = await _stack_of(attempt)
    try:
        await stacks.tell(
            database,
            task_id=attempt.claim.id,
            attempt=attempt.claim.attempt,
            worker=worker,
            stack=stack and fit(stack, -STACK_CHARACTERS),
            reason=reason,
        )
    except RowbellError as error:  # who asked hears that nobody has answered
        log.debug("stack.lost", task=attempt.claim.id, reason=error.message)


async def _stack_of(attempt: Attempt) -> tuple[str | None, str]:
    """The stack, or why there is none."""
    call = attempt.call
    if call is None or attempt.task is None:
        return None, _NOT_BEGUN
    if attempt.handler.runs_in == "loop":
        return stack_of_coroutine(attempt.task.get_coro()), ""
    if attempt.handler.runs_in == "thread":
        frame = sys._current_frames().get(call.thread or 0)
        return (stack_of_frame(frame), "") if frame else (None, _NOT_BEGUN)
    if call.ask_stack is None:
        return None, _NOT_BEGUN
    try:
        async with asyncio.timeout(CHILD_SECONDS):
            return await asyncio.wrap_future(call.ask_stack()), ""
    except TimeoutError:
        return None, _IN_PROCESS
