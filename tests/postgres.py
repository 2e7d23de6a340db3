"""PostgreSQL servers for tests: real ones, started from binaries, that may be broken at will."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from rowbell.db.embedded import programs

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


class Server:
    """One server on a Unix socket of its own; `url(name)` is where a database of it is."""

    def __init__(self, label: str, binaries: Path, *settings: str) -> None:
        self._prepare(label, binaries)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        self._configure("max_connections = 200", "fsync = off", *settings)
        self.start()

    def standby(self) -> Self:
        """A streaming replica of this server."""
        replica = object.__new__(type(self))
        replica._prepare(self.label, self.binaries)
        copy = [
            "-D",
            str(replica.data),
            "-d",
            self.url(),
            "--checkpoint=fast",
            "--write-recovery-conf",
        ]
        replica._run("pg_basebackup", *copy)
        replica._configure()
        replica.start()
        return replica

    def _prepare(self, label: str, binaries: Path) -> None:
        self.label = label
        self.binaries = binaries
        self.owner: pwd.struct_passwd | None = programs.account() if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="rowbell-test-", dir="/tmp"))
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.data = self.folder / "data"

    def _configure(self, *settings: str) -> None:
        place = ("listen_addresses = ''", f"unix_socket_directories = '{self.folder}'")
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join([*place, *settings, ""]))

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """fast, smart, or immediate: as after a crash of the machine."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def promote(self) -> None:
        """Make this replica a primary."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "promote")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP to all its processes: connections stay open, and nothing answers."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGSTOP)  # from here on it starts none, and reaps none
        children = _children_of(postmaster)
        try:
            _send(signal.SIGSTOP, children)
            yield
        finally:
            _send(signal.SIGCONT, [postmaster, *children])

    def kill(self) -> None:
        """SIGKILL to the postmaster: its children follow."""
        os.kill(self._postmaster(), signal.SIGKILL)

    def _postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def remove(self) -> None:
        subprocess.run(
            [self.binaries / "pg_ctl", "-D", self.data, "-m", "immediate", "stop"],
            capture_output=True,
            check=False,
            user=self.owner.pw_uid if self.owner else None,
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        programs.run_as(
            self.owner,
            [str(self.binaries / program), *arguments],
            folder=Path("/"),
            seconds=60,
        )


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a session that has ended in the meantime
            os.kill(pid, number)


def _children_of(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=True
    )
    return [int(pid) for pid in listed.stdout.split()]


def embedded_binaries() -> Path:
    if os.geteuid() == 0:
        return programs.reachable(programs.account())
    return programs.packaged()


def available() -> dict[str, Path]:
    """Label to binaries: the packaged server, and Debian's 15 where it is installed."""
    found = {"packaged": embedded_binaries()}
    if DEBIAN_15.exists():
        found["debian15"] = DEBIAN_15
    return found
