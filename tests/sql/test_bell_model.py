"""The model of the bell: spin finds no lost wake-up in it, and finds one in every wrong variant."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "docs" / "bell" / "bell.pml"
MISSING = [program for program in ("spin", "gcc") if not shutil.which(program)]

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: apt-get install {' '.join(MISSING)}"
)

ALONE = "-DINSERTERS=1"
RELIEVED = (ALONE, "-DWORKERS=2", "-DWITHOUT_SAVEPOINTS")

WRONG = {
    "give up the lock and pass no gate": ("-DNO_GATE", ALONE),
    "pass the gate before the lock is given up": ("-DGATE_BEFORE_UNLOCK", ALONE),
    "look whether somebody is awake before the gate": ("-DAWAKE_BEFORE_GATE", ALONE),
    "give the share back before the commit": ("-DSHARE_ENDS_EARLY", ALONE),
    "clear the wake flag after the look": ("-DCLEAR_AFTER_LOOK", ALONE),
    "listen after the look": ("-DLISTEN_AFTER_LOOK", ALONE),
    "look at nothing while a long transaction keeps the gate": (
        "-DBLIND_AT_GATE",
        "-DWITHOUT_SAVEPOINTS",
    ),
    "take the chair of the dead and pass no gate": (
        "-DCHAIR_WITHOUT_GATE",
        "-DMISFORTUNES=1",
        "-DWITHOUT_SAVEPOINTS",
        ALONE,
    ),
    "keep the chair while full": ("-DKEEP_CHAIR", "-DBACKLOG", *RELIEVED),
    "die in a claim whose rows another has skipped": (
        "-DCLAIM_IS_LOST",
        "-DMISFORTUNES=1",
        *RELIEVED,
    ),
}

RIGHT = {
    "an inserter with savepoints": (ALONE,),
    "two inserters": ("-DWITHOUT_SAVEPOINTS",),
}

REACHED = {
    "all sleep, and all is done": ("-DNEVER_ASLEEP", ALONE),
    "a row is committed, and nobody was rung": ("-DNEVER_SILENT", ALONE),
}


def violations(folder: Path, *options: str) -> int:
    """How often the whole state space of the model breaks the promise; spin stops at the first."""

    def run(*command: str) -> str:
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=240
        ).stdout

    run("spin", *options, "-a", str(MODEL))
    run("gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
    report = run("./pan", "-E", "-m1000000")
    assert "max search depth too small" not in report
    return int(report.split("errors: ")[1].split()[0])


@pytest.mark.parametrize("options", RIGHT.values(), ids=RIGHT)
def test_no_row_waits_while_somebody_could_run_it_and_all_are_still(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert violations(tmp_path, *options) == 0


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_spin_catches_the_variant_that_would(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert violations(tmp_path, *options) == 1


@pytest.mark.parametrize("options", REACHED.values(), ids=REACHED)
def test_the_model_reaches_the_state(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert violations(tmp_path, *options) == 1


def test_every_wrong_variant_of_the_model_is_tried() -> None:
    told = MODEL.read_text().split("*/")[0]
    for variant, *_ in WRONG.values():
        assert variant.removeprefix("-D") in told
