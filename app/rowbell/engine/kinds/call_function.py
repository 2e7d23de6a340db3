"""The kind call_function: a SQL function that commits together with the task's completion."""

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from rowbell.context import Context
from rowbell.db import functions


class CallFunction(BaseModel):
    """The payload of call_function."""

    model_config = ConfigDict(extra="forbid")

    function: str = Field(description="As in rowbell.callable_functions, with or without types.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="By name; what is left out takes its default."
    )


async def call_function(payload: CallFunction, context: Context) -> None:
    """Call a SQL function of rowbell.callable_functions, and complete with it in one transaction.

    Raises FunctionFailed if another attempt may succeed, FunctionRefused if none can.
    """
    async with context.transaction() as tx:
        result = await functions.call(tx, payload.function, task_id=context.task_id)
        context.result(None if result is None else orjson.Fragment(result))
