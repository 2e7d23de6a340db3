"""Programs for Node: the packages of package-lock.json, and what a program sees, line by line."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from deadline import DEADLINE_SECONDS

HERE = Path(__file__).parent
INSTALL_SECONDS = 300.0

Seen = dict[str, Any]


def installed() -> Path:
    """The folder node_modules with what the lock file names; installed when it has changed."""
    version = subprocess.run(["node", "--version"], capture_output=True, check=True).stdout
    files = [HERE / name for name in ("package.json", "package-lock.json", ".npmrc")]
    key = hashlib.sha256(b"".join([version, *(file.read_bytes() for file in files)])).hexdigest()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = caches / "rowbell-tests" / f"clients-{key[:16]}"
    if not place.exists():
        _install(files, place)
    return place / "node_modules"


def _install(files: list[Path], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        packages = Path(folder) / "packages"
        packages.mkdir()
        for file in files:
            shutil.copy(file, packages)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts"],
            cwd=packages,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
        # Whole, or not at all: another run may be doing the same, and be first.
        try:
            packages.rename(place)
        except OSError:
            if not place.exists():
                raise


class Program:
    """A running client program; what it told is `seen`. It ends when the test leaves it."""

    def __init__(self, script: Path, addresses: list[str], **options: Any) -> None:
        self.seen: list[Seen] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ["node", script, json.dumps({"addresses": addresses, "options": options})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._names = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def tell(self, command: str, name: str = "", **options: Any) -> str:
        """Give a command; returns the name under which its answers come."""
        if not name:
            self._names += 1
            name = f"{command} {self._names}"
        assert self._process.stdin
        line = json.dumps({"command": command, "name": name, **options})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return name

    def ask(self, query: str, variables: Seen | None = None, **options: Any) -> Seen:
        """The first answer to a query or a mutation."""
        return self.first(self.tell("run", query=query, variables=variables, **options))

    def subscribe(self, query: str, variables: Seen | None = None, *, name: str = "") -> str:
        return self.tell("subscribe", name, query=query, variables=variables)

    def first(self, name: str) -> Seen:
        """The first thing told under this name."""
        return self.wait_for(lambda each: each.get("name") == name)

    def wait_for(self, wanted: Callable[[Seen], Any], *, since: int = 0) -> Seen:
        """The first thing told that is wanted, from seen[since] on; fails with what was seen."""

        def found() -> Seen | None:
            return next((each for each in self.seen[since:] if wanted(each)), None)

        with self._changed:
            if not self._changed.wait_for(found, DEADLINE_SECONDS):
                raise AssertionError("not seen; but:\n" + "\n".join(map(str, self.seen[-40:])))
            seen = found()
        assert seen
        return seen

    def event(self, event: str, *, since: int = 0) -> Seen:
        """What became of the connection: connected, or closed."""
        return self.wait_for(lambda each: each.get("event") == event, since=since)

    def data_of(self, name: str) -> list[Any]:
        """The data of everything told under this name so far."""
        return [plain(each["data"]) for each in list(self.seen) if _has_data(each, name)]

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE_SECONDS)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            try:
                seen = json.loads(line)
            except ValueError:
                seen = {"printed": line.rstrip()}
            with self._changed:
                self.seen.append(seen)
                self._changed.notify_all()


def _has_data(seen: Seen, name: str) -> bool:
    return seen.get("name") == name and bool(seen.get("data"))


def plain(data: Any) -> Any:
    """Without the __typename that clients with a cache ask for."""
    if isinstance(data, dict):
        return {name: plain(value) for name, value in data.items() if name != "__typename"}
    return [plain(each) for each in data] if isinstance(data, list) else data


def eventually(holds: Callable[[], Any], words: str) -> None:
    """For what no event tells: asked again and again, up to the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, words
        time.sleep(0.05)
