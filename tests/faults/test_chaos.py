"""The chaos run in short; `make chaos` is the long form."""

import subprocess
import sys

import orjson

from faults.chaos.fleet import TESTS

RUN_SECONDS = 240
COMMAND = [sys.executable, "-m", "faults.chaos", "--json"]
SHORT = "--seconds 10 --rate 150 --faults 1 --workers 3 --lease-seconds 3 --seed 8"


def test_promises_are_kept_under_faults_at_random() -> None:
    done = subprocess.run(
        [*COMMAND, *SHORT.split()],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    card = orjson.loads(done.stdout)
    assert card["tasks"]["committed"] > 500
    assert len(card["faults"]) >= 6
