"""How long the service needed after faults."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from faults.chaos.evidence import Evidence

NORMAL_SECONDS = 1.0
"""A due task that waits no longer than this is no backlog."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """The slowest of each, in seconds."""

    first_completion: float
    """From a fault to the first task COMPLETED after it."""
    after: str
    """The sort of that fault."""
    server_back: float
    """From a server that takes connections again to the first task COMPLETED."""
    backlog: float
    """The longest time in which some task was due for more than a second, or nobody could tell."""
    rescue: float
    """From the end of a killed process to the next attempt at what it ran."""


def recovery(evidence: Evidence) -> Recovery:
    completions = sorted(c["at"] for c in evidence.changes if c["after"] == "COMPLETED")
    waits = [(_until(completions, fault.began), fault.sort) for fault in evidence.faults]
    slowest, after = max(waits, default=(0.0, ""))
    back = _server_back(evidence, completions)
    return Recovery(slowest, after, back, _backlog(evidence), _rescue(evidence))


def _server_back(evidence: Evidence, completions: list[float]) -> float:
    """Not of servers that were broken again before the service could be back."""
    outages = [f for f in evidence.faults if f.sort.lower().startswith("post")]
    longest = 0.0
    for outage, following in zip_longest(outages, outages[1:]):
        seconds = _until(completions, outage.ended or outage.began)
        if not following or following.began > (outage.ended or outage.began) + seconds:
            longest = max(longest, seconds)
    return longest


def _until(times: list[float], since: float) -> float:
    place = bisect_right(times, since)
    return times[place] - since if place < len(times) else 0.0


def _backlog(evidence: Evidence) -> float:
    longest, since = 0.0, None
    for at, seconds in evidence.watch.waiting:
        if seconds <= NORMAL_SECONDS:
            since = None
        else:
            since = since or at
            longest = max(longest, at - since)
    return longest


def _rescue(evidence: Evidence) -> float:
    lives = evidence.life_of
    longest = 0.0
    for runs in evidence.runs.values():
        for lost, heir in pairwise(runs):
            died = lives[lost.process].ended
            if lost.ended is None and died and lives[lost.process].asked == "killed":
                longest = max(longest, heir.began - died)
    return longest
