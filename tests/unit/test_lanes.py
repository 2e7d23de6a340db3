"""Lanes: kinds that run in processes have slots of their own; attempts begin in turns."""

import asyncio
from typing import Any, cast

from rowbell.decorator import describe
from rowbell.engine.attempt import Attempt
from rowbell.engine.lanes import AHEAD, Lane, Lanes
from rowbell.handlers import Handlers

from deadline import DEADLINE_SECONDS


async def in_loop() -> None: ...
def in_process() -> None: ...


def test_kinds_that_run_in_processes_share_slots_of_their_own() -> None:
    handlers = Handlers(describe(in_loop), describe(in_process, runs_in="process"))
    here, apart = Lanes(handlers, slots=100, process_slots=2)
    assert (here.kinds, here.slots.total) == (["in_loop"], 100)
    assert (apart.kinds, apart.slots.total) == (["in_process"], 2 * AHEAD)


def test_without_such_kinds_there_is_one_lane() -> None:
    (lane,) = Lanes(Handlers(describe(in_loop)), slots=7, process_slots=2)
    assert lane.slots.total == 7


def test_a_kind_finds_its_lane_and_all_are_counted_together() -> None:
    handlers = Handlers(describe(in_loop), describe(in_process, runs_in="process"))
    lanes = Lanes(handlers, slots=10, process_slots=1)
    lanes["in_process"].slots.free -= 1
    lanes["in_loop"].slots.free -= 3
    assert (lanes.busy, lanes.total) == (4, 10 + AHEAD)


def entered(lane: Lane, number: int, *, alone: bool = False) -> list[Attempt]:
    """What the lane begins of so many attempts; each ends at once."""
    begun: list[Attempt] = []

    def begin(attempt: Attempt) -> None:
        begun.append(attempt)
        lane.leave()

    lane.begin = begin
    for one in range(number):
        lane.enter(cast(Any, one), alone=alone)
    return begun


async def test_attempts_begin_when_the_caller_is_done() -> None:
    begun = entered(Lane(["echo"], 10), 3)
    assert begun == []
    await asyncio.sleep(0)
    assert begun == [0, 1, 2]


async def test_many_attempts_that_end_at_once_leave_turns_to_others() -> None:
    begun = entered(Lane(["echo"], 10), 25)
    turns = []
    for _ in range(3):
        await asyncio.sleep(0)
        turns.append(len(begun))
    assert turns == [10, 20, 25]


async def test_attempt_that_comes_alone_need_not_wait_for_the_loop() -> None:
    assert entered(Lane(["echo"], 10), 1, alone=True) == [0]


async def test_attempts_that_get_no_slot_are_given_back() -> None:
    lane = Lane(["echo"], 1)
    returned: list[Attempt] = []
    given_back = asyncio.Event()

    def give_back(attempt: Attempt) -> None:
        returned.append(attempt)
        given_back.set()

    lane.begin, lane.give_back = lambda _: None, give_back  # the first one never ends
    for one in range(2):
        lane.enter(cast(Any, one))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await given_back.wait()
    assert returned == [1]
