"""Handlers of a shop, as a user of Rowbell would write them."""

import time

from pydantic import BaseModel

from rowbell import Context, GiveUp, RetryLater, task


class Order(BaseModel):
    order: int


@task(max_attempts=3)
async def order_ship(payload: Order, context: Context) -> dict[str, int]:
    """Ship an order, and ask for its invoice."""
    async with context.transaction() as tx:
        await tx.execute(
            "insert into orders_shipped values ($1, $2)", payload.order, context.attempt
        )
        await tx.execute(
            "insert into rowbell.tasks (kind, payload) values ('order_invoice', $1)",
            f'{{"order": {payload.order}}}',
        )
        context.result({"shipped": payload.order})
    return {}


@task
def order_invoice(payload: Order) -> str:
    """Write an invoice, in a thread."""
    return f"invoice {payload.order}"


@task(max_attempts=3, backoff=[60, 3600])
async def order_pay(payload: Order, context: Context) -> int:
    """Fails twice, then succeeds."""
    if payload.order < 0:
        raise GiveUp("there are no such orders")
    if context.attempt < 3:
        raise ConnectionError("the bank does not answer")
    return context.attempt


@task
async def order_remind(payload: Order, context: Context) -> int:
    """Asks for another hour once."""
    if context.attempt == 1:
        raise RetryLater(3600, "not yet")
    return context.attempt


@task(timeout=0.1)
def order_dawdle() -> None:
    """Takes longer than it may."""
    time.sleep(0.5)
