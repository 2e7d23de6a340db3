"""Handlers of the service that the page is tested on: real work of every sort."""

import asyncio
import threading

from pydantic import BaseModel

from rowbell import Context, GiveUp, task


class Pages(BaseModel):
    pages: int = 3


@task
async def render(payload: Pages, context: Context) -> dict[str, int]:
    """Render pages, one after the other."""
    for page in range(payload.pages):
        context.progress(page / payload.pages)
        context.log("rendered", page=page)
    return {"pages": payload.pages}


@task(max_attempts=1)
async def fail_always(context: Context) -> None:
    """Fail, in the same words but for the number."""
    context.log("about to fail", task=context.task_id)
    raise ConnectionError(f"partner 10.0.0.{context.task_id % 9} refused the order")


@task
async def give_up() -> None:
    """Fail for good."""
    raise GiveUp("<img src=x onerror=alert(1)> is no address")


@task
async def wait_for_ever(context: Context) -> None:
    """Run until it is cancelled."""
    context.progress(0.4)
    await asyncio.Event().wait()


@task
def wait_in_a_thread(context: Context) -> None:
    """Run in a thread until it is cancelled."""
    context.progress(0.25)
    while not context.cancelled:
        threading.Event().wait(0.05)
