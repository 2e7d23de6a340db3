"""`rowbell …` as a process of its own, watched through its log."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from rowbell.db.embedded import psql_path

from deadline import DEADLINE_SECONDS

ROWBELL = Path(sys.executable).with_name("rowbell")


class Service:
    """A running command; its JSON log lines are `events`."""

    def __init__(
        self, *arguments: str, home: Path, modules: Path | None = None, **env: str
    ) -> None:
        self.environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith("ROWBELL_")
            },
            "ROWBELL_HOME": str(home),
            "ROWBELL_PORT": "0",
            "PYTHONPATH": str(modules or ""),
            **{f"ROWBELL_{name.upper()}": value for name, value in env.items()},
        }
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [ROWBELL, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stderr and self.process.stdout
        self._readers = [
            threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True),
            threading.Thread(target=self._read_output, args=(self.process.stdout,), daemon=True),
        ]
        self.output = b""
        for reader in self._readers:
            reader.start()

    def wait_for(self, event: str, *, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The first such event with these fields, from events[since] on; fails with the log."""

        def found() -> dict[str, Any] | None:
            for each in self.events[since:]:
                if each.get("event") == event and fields.items() <= each.items():
                    return each
            return None

        with self._changed:
            if not self._changed.wait_for(found, DEADLINE_SECONDS):
                raise AssertionError(f"no {event} {fields} in the log:\n{self.log()}")
            event_found = found()
        assert event_found
        return event_found

    def greeting(self) -> str:
        """What it says on standard output once it is ready."""
        with self._changed:
            assert self._changed.wait_for(lambda: b"Ctrl-C" in self.output, DEADLINE_SECONDS)
        return self.output.decode()

    @property
    def address(self) -> str:
        return str(self.wait_for("service.ready")["address"])

    def log(self) -> str:
        return "\n".join(str(event.get("message", event)) for event in self.events[-60:])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)
        self._close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(DEADLINE_SECONDS)
        self._close()
        return code

    def psql(self, statement: str, *, text: str | None = None) -> str:
        """What psql prints, unaligned and without headers; `text` is its standard input."""
        return self._run([psql_path(), self.url], statement, text)

    def psql_script(self, text: str) -> str:
        """What psql prints of statements as a person types them, one after the other."""
        return self._run([psql_path(), self.url, "-f", "-"], None, text)

    def psql_until(self, statement: str, wanted: str) -> None:
        """Ask again and again until psql prints this."""
        until = time.monotonic() + DEADLINE_SECONDS
        while (printed := self.psql(statement)) != wanted:
            if time.monotonic() > until:
                raise AssertionError(f"{statement}: {printed} is not {wanted}\n{self.log()}")
            time.sleep(0.05)  # each question is a process

    @cached_property
    def url(self) -> str:
        """Where the database is; asked through `rowbell psql`, as a person would."""
        folder = self._run([ROWBELL, "psql", "--"], "show unix_socket_directories", None)
        folder = folder.strip('"')
        return f"postgresql://postgres@/rowbell?host={folder}"

    def _run(self, command: list[Path | str], statement: str | None, text: str | None) -> str:
        done = subprocess.run(
            [*command, "-XqAt", "-v", "ON_ERROR_STOP=1", *(["-c", statement] if statement else [])],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def _read_log(self, pipe: Any) -> None:
        for line in pipe:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "", "message": line.decode(errors="replace").rstrip()}
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    def _read_output(self, pipe: Any) -> None:
        for line in pipe:
            with self._changed:
                self.output += line
                self._changed.notify_all()
