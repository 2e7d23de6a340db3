"""Every pitfall from 1 to 39 has a test that names it: "Pitfall 7: …" opens its docstring."""

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NUMBERS = re.compile(r"^Pitfalls? (\d+(?:, \d+)*)")


def tested() -> dict[int, list[str]]:
    """Number to the tests that name it."""
    found: dict[int, list[str]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_test(node.name):
                named = NUMBERS.match(ast.get_docstring(node) or "")
                for number in named[1].split(", ") if named else ():
                    found.setdefault(int(number), []).append(node.name)
    return found


def is_test(name: str) -> bool:
    return name.startswith("test_")


@pytest.mark.parametrize("number", range(1, 40))
def test_pitfall_has_a_test(number: int) -> None:
    assert tested().get(number), f"no test in tests/faults says: Pitfall {number}"
