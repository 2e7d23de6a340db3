"""What one subscriber has yet to be sent: in order, bounded, never waited for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise

import pytest

from rowbell.api import outbox as module
from rowbell.api.channels import SLICE, Channel, Channels
from rowbell.api.execution import Payload
from rowbell.api.feeds import Batch, Feed
from rowbell.api.limits import ClientTooSlow
from rowbell.api.lines import text_frame_head
from rowbell.api.outbox import Deaf, Outbox
from rowbell.api.subscribing import Subscription
from rowbell.errors import NotFound


class Paper:
    """A line that keeps what is written; it takes so many payloads until it is emptied."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.written: list[bytes] = []
        self.room = room
        self._emptied = asyncio.Event()

    @property
    def is_writable(self) -> bool:
        return len(self.written) < self.room

    async def until_writable(self) -> None:
        while not self.is_writable:
            self._emptied.clear()
            await self._emptied.wait()

    def write(self, payloads: Sequence[Payload]) -> None:
        self.written += [payload.text for payload in payloads]

    def empty(self) -> list[bytes]:
        written, self.written = self.written, []
        self._emptied.set()
        return written


def payloads(*texts: str) -> list[Payload]:
    return [Payload(text.encode(), f"after {text}") for text in texts]


async def test_what_is_put_before_the_own_beginning_is_told_follows_it() -> None:
    paper = Paper()
    outbox = Outbox(paper, 1)
    outbox.put(payloads("b"))
    await outbox.send(*payloads("a"))
    outbox.end()
    await outbox.run()
    assert paper.written == [b"a", b"b"]


async def test_what_waits_is_written_in_order_once_the_client_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WRITE_BYTES", 1)
    paper = Paper(room=1)
    outbox = Outbox(paper, 1)
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    outbox.put(payloads("a", "b"))
    outbox.put(payloads("c"))
    outbox.end()
    read = []
    while not running.done():
        read += paper.empty()
        await asyncio.sleep(0)
    assert read + paper.written == [b"a", b"b", b"c"]


async def test_who_falls_behind_is_ended_with_the_place_that_it_has_come_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ROOM", 2)
    paper = Paper(room=1)
    outbox = Outbox(paper, 1)
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    outbox.put(payloads("a"))
    outbox.put(payloads("b", "c"))
    outbox.put(payloads("d"))
    outbox.put(payloads("e"))
    with pytest.raises(ClientTooSlow) as failed:
        await running
    assert failed.value.cursor == "after a"


async def test_the_bytes_that_wait_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM_BYTES", 3)
    outbox = Outbox(Paper(room=0), 1)
    outbox.put(payloads("aa"))
    outbox.put(payloads("bb"))
    with pytest.raises(ClientTooSlow):
        await outbox.run()


async def test_a_newer_state_takes_the_place_of_one_that_waits() -> None:
    paper = Paper()
    outbox = Outbox(paper, 1)
    outbox.put(payloads("a"), replacing=True)
    outbox.put(payloads("b"), replacing=True)
    outbox.end()
    await outbox.run()
    assert paper.written == [b"b"]


async def test_a_client_that_reads_nothing_is_deaf() -> None:
    outbox = Outbox(Paper(room=0), 0.01)
    outbox.put(payloads("a"))
    with pytest.raises(Deaf):
        await outbox.run()


async def test_a_failure_follows_what_waits() -> None:
    paper = Paper()
    outbox = Outbox(paper, 1)
    outbox.put(payloads("a"))
    outbox.end(NotFound("gone"))
    outbox.put(payloads("b"))
    with pytest.raises(NotFound):
        await outbox.run()
    assert paper.written == [b"a"]


async def test_a_failure_before_the_start_is_told_to_who_waits_for_it() -> None:
    outbox = Outbox(Paper(), 1)
    waiting = asyncio.create_task(outbox.started())
    await asyncio.sleep(0)
    outbox.end(NotFound("gone"))
    with pytest.raises(NotFound):
        await waiting


class OneEvent(Feed):
    async def batches(self) -> AsyncGenerator[Batch, None]:
        yield Batch(["event"], self.members)


class Echo:
    async def payload(self, event: str) -> Payload:
        return Payload(event.encode())


async def test_others_get_their_turn_while_thousands_are_told() -> None:
    feed, papers = OneEvent(), [Paper() for _ in range(20 * SLICE)]
    running = []
    for paper in papers:
        outbox = Outbox(paper, 1)
        feed.join(outbox)
        running.append(asyncio.create_task(outbox.run()))
    await asyncio.sleep(0)
    telling = asyncio.create_task(Channel(feed, Echo()).run())  # type: ignore[arg-type]
    told = [0]
    while not telling.done():
        await asyncio.sleep(0)
        told.append(sum(bool(paper.written) for paper in papers))
    assert told[-1] == len(papers)
    assert max(after - before for before, after in pairwise(told)) <= SLICE
    await asyncio.gather(*running)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_head_of_a_frame_has_its_length(size: int, head: bytes) -> None:
    assert text_frame_head(size) == head


async def test_a_source_that_is_a_generator_is_told_to_its_subscriber_alone() -> None:
    async def events() -> AsyncGenerator[str, None]:
        yield "a"
        yield "b"

    paper, channels = Paper(), Channels()
    subscription = Subscription(
        events(),
        Echo(),  # type: ignore[arg-type]
        channels,
        selection=(),
        share=Echo,  # type: ignore[arg-type]
        seconds=1,
    )
    await subscription.run(paper)
    assert paper.written == [b"a", b"b"]
    assert len(channels) == 0
