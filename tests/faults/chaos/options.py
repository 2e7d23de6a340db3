"""What a chaos run is asked for."""

import argparse
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How long, how fast, how rough. The same seed brings the same faults in the same order."""

    seconds: float
    rate: float
    """Tasks a second."""
    faults: float
    """Faults a second."""
    seed: int
    workers: int
    lease_seconds: float
    as_json: bool
    keep: bool
    """Keep logs and data also when nothing is wrong."""

    @property
    def settle_seconds(self) -> float:
        """How long everything may take to become final once the faults have stopped."""
        return 45 + self.seconds / 4 + 3 * self.lease_seconds


def read(arguments: list[str]) -> Options:
    """The options of a command line; exits with 2 if they are wrong."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long faults fall")
    parser.add_argument("--rate", type=float, default=500, help="tasks a second")
    parser.add_argument("--faults", type=float, default=1, help="faults a second")
    parser.add_argument("--seed", type=int, default=None, help="of the faults; default: a new one")
    parser.add_argument("--workers", type=int, default=4, help="worker processes, 2 or more")
    parser.add_argument("--lease-seconds", type=float, default=4.5, help="of the workers")
    parser.add_argument(
        "--json", dest="as_json", action="store_true", help="print the card as JSON"
    )
    parser.add_argument("--keep", action="store_true", help="keep logs and data in any case")
    given = parser.parse_args(arguments)
    if given.seed is None:
        given.seed = random.randrange(1_000_000)
    if given.workers < 2 or min(given.seconds, given.rate, given.faults) <= 0:
        parser.error("--workers is 2 or more; --seconds, --rate and --faults are above 0")
    return Options(**vars(given))
