"""PostgreSQL servers for tests: real ones, started from binaries, that may be broken at will."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from rowbell.db.embedded import programs

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


class Server:
    """One server on a Unix socket of its own; `url(name)` is where a database of it is.

    `more` are lines of postgresql.conf that win over those for tests.
    """

    def __init__(self, label: str, binaries: Path, *more: str) -> None:
        self.label = label
        self.binaries = binaries
        self.owner: pwd.struct_passwd | None = programs.account() if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="rowbell-test-", dir="/tmp"))
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.data = self.folder / "data"
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        settings = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{self.folder}'",
            "max_connections = 200",
            "fsync = off",
            *more,
        ]
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join(settings) + "\n")
        self.start()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """fast, smart, or immediate: as after a crash of the machine."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """SIGKILL to the postmaster: its children follow."""
        os.kill(int((self.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

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
