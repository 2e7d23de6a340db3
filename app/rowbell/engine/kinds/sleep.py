"""The kind sleep: work that takes as long as it is told to, for trying things out."""

import asyncio

from pydantic import BaseModel, ConfigDict, Field

from rowbell.context import Context

STEP_SECONDS = 0.5


class Sleep(BaseModel):
    """How long to sleep."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(default=1, ge=0, le=86_400)


async def sleep(payload: Sleep, context: Context) -> dict[str, float]:
    """Sleep for payload.seconds and report progress on the way."""
    clock = asyncio.get_running_loop().time
    started = clock()
    while (slept := clock() - started) < payload.seconds:
        context.progress(slept / payload.seconds)
        await asyncio.sleep(min(payload.seconds - slept, STEP_SECONDS))
    return {"slept_seconds": payload.seconds}
