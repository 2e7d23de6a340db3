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

CALM = "-DMISFORTUNES=0"

WRONG = {
    "look before the lock": ("-DLOOK_BEFORE_LOCK", CALM),
    "clear the wake flag after the look": ("-DCLEAR_AFTER_LOOK", CALM),
    "sleep without the lock": ("-DSLEEP_WITHOUT_LOCK", CALM),
    "listen after the look": ("-DLISTEN_AFTER_LOOK", CALM),
    "give the share lock back before the commit": ("-DSHARE_ENDS_EARLY", CALM),
    "keep the chair while full": ("-DKEEP_CHAIR", CALM),
    "wait for the lock for as long as it takes": ("-DWAIT_FOR_LOCK", CALM),
    "die in a claim whose rows another has skipped": ("-DCLAIM_IS_LOST",),
}

RIGHT = {
    "two inserters": (CALM,),
    "two inserters, two slots each": (CALM, "-DSLOTS=2"),
    "a death or a cut connection": ("-DINSERTERS=1",),
}


def violations(folder: Path, *options: str) -> int:
    """How often the whole state space of the model breaks the promise; spin stops at the first."""

    def run(*command: str) -> str:
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=100
        ).stdout

    run("spin", *options, "-a", str(MODEL))
    run("gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
    report = run("./pan", "-m100000")
    assert "Search not completed" not in report or "errors: 1" in report, report
    return int(report.split("errors: ")[1].split()[0])


@pytest.mark.parametrize("options", RIGHT.values(), ids=RIGHT)
def test_no_row_waits_while_somebody_could_run_it_and_all_are_still(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert violations(tmp_path, *options) == 0


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_spin_catches_the_variant_that_would(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert violations(tmp_path, *options) == 1


def test_the_state_in_which_all_sleep_is_reached(tmp_path: Path) -> None:
    assert violations(tmp_path, "-DNOBODY_SLEEPS", CALM) == 1


def test_every_wrong_variant_of_the_model_is_tried() -> None:
    told = MODEL.read_text().split("*/")[0]
    for variant, *_ in WRONG.values():
        assert variant.removeprefix("-D") in told
