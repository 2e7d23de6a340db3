"""Slots: never more than there are, and fair between dispatchers."""

import asyncio

import pytest

from rowbell.engine.slots import Slots


async def test_reserve_takes_all_that_are_free() -> None:
    slots = Slots(3)
    assert (await slots.reserve(5), slots.free, slots.busy) == (3, 0, 3)


async def test_reserve_leaves_what_is_beyond_its_most() -> None:
    slots = Slots(3)
    assert (await slots.reserve(2), slots.free, slots.busy) == (2, 1, 2)


async def test_what_one_leaves_goes_to_the_next_that_waits() -> None:
    slots = Slots(2)
    await slots.reserve(2)
    waiting = [asyncio.create_task(slots.reserve(1)) for _ in range(2)]
    await asyncio.sleep(0)
    slots.release(2)
    assert [await one for one in waiting] == [1, 1]


async def test_reserve_waits_for_a_release() -> None:
    slots = Slots(1)
    await slots.reserve(1)
    waiting = asyncio.create_task(slots.reserve(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release()
    assert await waiting == 1


async def test_whoever_waits_longest_is_served_first() -> None:
    slots = Slots(1)
    await slots.reserve(1)
    served: list[str] = []

    async def dispatcher(name: str) -> None:
        taken = await slots.reserve(1)
        served.append(name)
        slots.release(taken)

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(dispatcher(name))
        await asyncio.sleep(0)
        slots.release()
    assert served == ["first", "second", "third"]


async def test_cancelled_waiter_passes_its_turn_on() -> None:
    slots = Slots(1)
    await slots.reserve(1)
    first, second = (asyncio.create_task(slots.reserve(1)) for _ in range(2))
    await asyncio.sleep(0)
    slots.release()
    first.cancel()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
