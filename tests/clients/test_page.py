"""Each program of docs/clients.md runs as it stands, and prints what the page says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients.services import Services
from deadline import DEADLINE_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()
ADDRESS = "127.0.0.1:8000"
LANGUAGES = {"js": "page.mjs", "python": "page.py", "sh": "page.sh"}
PROGRAM = re.compile(
    r"^```(js|python|sh)\n(.*?)^```\n\n```(?:text|json)\n(.*?)^```\n", re.MULTILINE | re.DOTALL
)
PROGRAMS = PROGRAM.findall(PAGE)


def heading(program: str) -> str:
    """The heading of the page that a program stands under."""
    return re.findall(r"^## (.*)$", PAGE[: PAGE.index(program)], re.MULTILINE)[-1]


@pytest.mark.parametrize(
    ("language", "program", "printed"), PROGRAMS, ids=[heading(each[1]) for each in PROGRAMS]
)
def test_a_program_of_the_page_prints_what_the_page_says(
    standing: Services, programs: Path, language: str, program: str, printed: str
) -> None:
    if "curl " in program and shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    # In turns, so that what works only by a second process is seen to work.
    addresses = iter(standing.addresses * program.count(ADDRESS))
    program = re.sub(re.escape(ADDRESS), lambda _: next(addresses).removeprefix("http://"), program)
    file = programs / LANGUAGES[language]
    file.write_text(program)
    runs = {"js": "node", "python": sys.executable, "sh": "sh"}[language]
    done = subprocess.run(
        [runs, file], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == printed.strip()


def test_every_program_of_the_page_is_run() -> None:
    assert len(PROGRAMS) == len(re.findall(r"^```(?:js|python|sh)$", PAGE, re.MULTILINE)) == 6
