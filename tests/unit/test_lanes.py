"""Lanes: kinds that run in processes have slots of their own."""

from rowbell.decorator import describe
from rowbell.engine.lanes import AHEAD, Lanes
from rowbell.handlers import Handlers


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
