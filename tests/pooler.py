"""Debian's pgbouncer in front of a server of the tests."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from deadline import DEADLINE_SECONDS
from postgres import Server

PROGRAM = Path("/usr/sbin/pgbouncer")


class Pooler:
    """One pgbouncer on a free port; `url(direct)` is the way through it to a database."""

    def __init__(self, server: Server, mode: str) -> None:
        if not PROGRAM.exists():
            pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
        self.folder = server.folder / f"pgbouncer-{mode}"
        self.folder.mkdir()
        self.port = _free_port()
        self.settings = self.folder / "pgbouncer.ini"
        self.settings.write_text(
            "\n".join(
                [
                    "[databases]",
                    f"* = host={server.folder} user=postgres",
                    "[pgbouncer]",
                    "listen_addr = 127.0.0.1",
                    f"listen_port = {self.port}",
                    "unix_socket_dir =",
                    "auth_type = any",
                    f"pool_mode = {mode}",
                    f"logfile = {self.folder / 'log'}",
                    "",
                ]
            )
        )
        owner: pwd.struct_passwd | None = server.owner
        if owner:
            for path in (self.folder, self.settings):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.process = subprocess.Popen(
            [PROGRAM, "-q", self.settings],
            user=owner.pw_uid if owner else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_it_listens()

    def url(self, direct: str) -> str:
        name = direct.partition("@/")[2].partition("?")[0]
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait_until_it_listens(self) -> None:
        until = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < until, "pgbouncer does not listen"
                time.sleep(0.01)
            else:
                return


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
    return port
