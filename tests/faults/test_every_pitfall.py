"""Every pitfall from 1 to 39 has a test that names it: "Pitfall 7: …" opens its docstring."""

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NUMBERS = re.compile(r"^Pitfalls? (\d+(?:(?:, | and )\d+)*)")
ROW = re.compile(r"^\| (\d+) \| .*? \| `(test_\w+\.py)` \|$", re.MULTILINE)


def numbers_of(path: Path) -> set[int]:
    """The pitfalls that the tests of a file name."""
    return {
        int(number)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and (named := NUMBERS.match(ast.get_docstring(node) or ""))
        for number in re.findall(r"\d+", named[1])
    }


@pytest.mark.parametrize("number", range(1, 40))
def test_pitfall_has_a_test_where_the_index_says(number: int) -> None:
    index = {int(row[0]): row[1] for row in ROW.findall((FOLDER / "README.md").read_text())}
    path = FOLDER / index[number]
    assert number in numbers_of(path), f"no test in {path.name} says: Pitfall {number}"
