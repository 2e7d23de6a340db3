"""The kinds of the bench by name. Their handlers lie elsewhere: no worker but its own has them."""

from enum import StrEnum


class Load(StrEnum):
    """What a drained task does."""

    NO_OP = "no-op"
    THREAD = "thread"

    @property
    def kind(self) -> str:
        return {Load.NO_OP: "bench_noop", Load.THREAD: "bench_thread"}[self]


PROBE = "bench_probe"
KINDS = [*(load.kind for load in Load), PROBE]
