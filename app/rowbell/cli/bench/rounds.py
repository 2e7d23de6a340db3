"""Legs of a comparison in turns: what the machine does meanwhile meets all of them."""

import statistics
from collections.abc import Awaitable, Callable, Sequence

from rowbell.cli.bench.progress import Progress

Figures = dict[str, float]


async def in_turns(
    rounds: int, legs: Sequence[str], run: Callable[[str], Awaitable[Figures]]
) -> dict[str, list[Figures]]:
    """What `run` measured of each leg, round by round; every second round runs backwards."""
    measured: dict[str, list[Figures]] = {leg: [] for leg in legs}
    with Progress("measuring", rounds * len(legs)) as progress:
        for turn in range(rounds):
            for number, leg in enumerate(legs if turn % 2 == 0 else legs[::-1]):
                measured[leg].append(await run(leg))
                progress.show(turn * len(legs) + number + 1)
    return measured


def medians(figures: Sequence[Figures]) -> Figures:
    """Of each figure."""
    return {
        name: round(statistics.median(each[name] for each in figures), 4) for name in figures[0]
    }


def ratio(over: Sequence[Figures], under: Sequence[Figures], name: str) -> float | None:
    """The median of the ratios of neighbours; None: there is nothing to divide by."""
    ratios = [o[name] / u[name] for o, u in zip(over, under, strict=True) if u[name]]
    return round(statistics.median(ratios), 3) if ratios else None
