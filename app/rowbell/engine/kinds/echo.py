"""The kind echo: what a task does that was made with a description alone."""

from typing import Any


async def echo(payload: Any) -> Any:
    """Give the payload back as the result."""
    return payload
