"""The delivery log of http_request: one line with the attempt for each request that it made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from rowbell.context import Context
from rowbell.engine.kinds.http_hop import Hop


@dataclass(slots=True)
class Delivery:
    """What came back; `status` stays None if nothing did."""

    status: int | None = None
    read_bytes: int = 0
    """Of the body, at most as much as is kept."""


@contextmanager
def delivering(hop: Hop, context: Context) -> Iterator[Delivery]:
    """Write the line at the end of a request, however it ends."""
    delivery = Delivery()
    started = perf_counter()
    try:
        yield delivery
    finally:
        context.log(
            "delivered" if delivery.status else "not delivered",
            method=hop.method,
            url=hop.shown_url(),
            status=delivery.status,
            seconds=round(perf_counter() - started, 3),
            sent_bytes=len(hop.content or b""),
            read_bytes=delivery.read_bytes,
        )
