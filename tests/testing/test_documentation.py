"""The example of docs/handlers.md does what the page says."""

import re
from pathlib import Path

from testing.test_example import run_pytest

PAGE = Path(__file__).parents[2] / "docs" / "handlers.md"
FILE = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def test_the_example_of_the_page_passes(tmp_path: Path) -> None:
    _, _, section = PAGE.read_text().partition("\n## Testing handlers\n")
    files = FILE.findall(section)
    assert [name for name, _ in files] == ["conftest.py", "acme_orders.py", "test_acme_orders.py"]
    for name, text in files:
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
