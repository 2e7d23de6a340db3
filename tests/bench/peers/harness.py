"""The harness of the peers: Rowbell is put into it, and its tests are run round by round."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]

Records = dict[str, list[dict[str, Any]]]


class Harness:
    """Of a folder that its setup.sh has filled: harness/, venv/, npm/."""

    def __init__(self, root: Path, results: Path) -> None:
        self.root = root
        self.results = results
        self.python = root / "venv" / "bin" / "python"
        results.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Install Rowbell as it stands here, and its driver; start PostgreSQL."""
        install = [self.python, "-m", "pip", "install", "--quiet", "--editable", PROJECT]
        subprocess.run(install, check=True)
        shutil.copy(HERE / "rowbell_driver.py", self.root / "harness/drivers/rowbell.py")
        self._run(["./pg.sh", "start"])

    def clear(self) -> None:
        """Rowbell's schema may have changed: the harness makes its template anew."""
        admin = "from lib import sql; sql('postgres', 'drop database if exists tpl_rowbell')"
        self._run([self.python, "-c", admin])
        for old in self.results.glob("*.jsonl"):
            old.unlink()

    def test(self, name: str, number: int, systems: list[str], *options: str) -> None:
        """One round of one test; odd rounds run backwards."""
        which = ["--systems", ",".join(systems), "--rounds", "1", "--r0", str(number)]
        self._run([self.python, "bench.py", name, *which, *options])

    def records(self) -> Records:
        """What was measured so far, by test."""
        return {
            file.stem: [json.loads(line) for line in file.read_text().splitlines()]
            for file in self.results.glob("*.jsonl")
        }

    def _run(self, command: list[str | Path]) -> None:
        environment = {
            **os.environ,
            "PEERBENCH_ROOT": str(self.root),
            "BENCH_OUT": str(self.results),
        }
        subprocess.run(command, cwd=self.root / "harness", env=environment, check=True)
