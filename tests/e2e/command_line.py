"""Commands as a person gives them: real processes, whose end is awaited."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import orjson

from deadline import DEADLINE_SECONDS

NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nowhere"
COMMAND = [sys.executable, "-m", "rowbell"]


def environment(url: str = NOWHERE, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROWBELL_")}
    return {**clean, "ROWBELL_DATABASE_URL": url, "COLUMNS": "80", **more}


class CommandLine:
    """`rowbell …` on one database."""

    def __init__(self, url: str = NOWHERE, folder: Path | None = None) -> None:
        self.url = url
        self.folder = folder

    def run(
        self,
        *arguments: str,
        given: str | None = None,
        stdin: IO[bytes] | None = None,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        """The ended process; its standard input is `given`, or the file `stdin`.

        Whatever happens, no person is shown a traceback.
        """
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(self.url, **more),
            cwd=self.folder,
            **({"stdin": stdin} if stdin else {"input": given}),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def says(self, *arguments: str, given: str | None = None) -> str:
        """What a command that succeeds prints; it says nothing on stderr."""
        done = self.run(*arguments, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def tells(self, *arguments: str, given: str | None = None) -> Any:
        """The JSON document that a command prints which succeeds."""
        return orjson.loads(self.says(*arguments, "--json", given=given))

    def refuses(self, *arguments: str, code: int, **more: str) -> str:
        """What a command says on stderr that ends with this code and prints nothing."""
        done = self.run(*arguments, **more)
        assert (done.returncode, done.stdout) == (code, "")
        return done.stderr
