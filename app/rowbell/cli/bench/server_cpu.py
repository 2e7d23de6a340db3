"""CPU time of a PostgreSQL server on this machine: its postmaster and all its children."""

import os
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class ServerCpu:
    """`seconds()` so far; None where the server is elsewhere, or nobody may look."""

    def __init__(self, backend: int) -> None:
        """backend: the process of any session."""
        self._postmaster = _parent(backend) if _is_postgres(backend) else None

    def seconds(self) -> float | None:
        if self._postmaster is None:
            return None
        children = (self._postmaster, *_children(self._postmaster))
        return sum(_ticks(each, of_ended=each == self._postmaster) for each in children) / _TICKS


def _is_postgres(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """Those of /proc/PID/stat from the state on; empty: it has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[1]) if fields else None


def _children(parent: int) -> list[int]:
    pids = (int(each.name) for each in PROC.iterdir() if each.name.isdigit())
    return [pid for pid in pids if _parent(pid) == parent]


def _ticks(pid: int, *, of_ended: bool) -> int:
    fields = _fields(pid)
    return sum(int(field) for field in fields[11 : 15 if of_ended else 13])
