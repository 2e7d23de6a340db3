"""The kinds of the bench by name. Their handlers lie elsewhere: no worker but its own has them."""

from enum import StrEnum


class Load(StrEnum):
    """What a task of the bench does."""

    NO_OP = "no-op"
    THREAD = "thread"
    CPU_THREAD = "cpu-thread"
    CPU_PROCESS = "cpu-process"

    @property
    def kind(self) -> str:
        return "bench_noop" if self is Load.NO_OP else f"bench_{self}".replace("-", "_")


PROBE = "bench_probe"
KINDS = [*(load.kind for load in Load), PROBE]
