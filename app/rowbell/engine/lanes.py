"""Slots for each kind of place: what waits for a free process must not hold up the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from rowbell.engine.slots import Slots
from rowbell.handlers import Handlers

AHEAD = 2
"""For each process one task runs and one waits: the next begins without a claim in between, and
other workers find the rest."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds that share slots."""

    kinds: list[str]
    slots: Slots


class Lanes:
    """One lane for what runs in this process, one more if some kinds run in processes."""

    def __init__(self, handlers: Handlers, slots: int, process_slots: int) -> None:
        apart = [handler.kind for handler in handlers if handler.runs_in == "process"]
        here = [kind for kind in handlers.kinds if kind not in set(apart)]
        self._lanes = [Lane(here, Slots(slots))] if here or not apart else []
        if apart:
            self._lanes.append(Lane(sorted(apart), Slots(process_slots * AHEAD)))
        self._by_kind = {kind: lane for lane in self._lanes for kind in lane.kinds}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes)

    def __getitem__(self, kind: str) -> Lane:
        return self._by_kind[kind]

    @property
    def total(self) -> int:
        return sum(lane.slots.total for lane in self._lanes)

    @property
    def busy(self) -> int:
        return sum(lane.slots.busy for lane in self._lanes)
