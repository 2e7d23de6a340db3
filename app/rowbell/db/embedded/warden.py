"""The warden: starts the embedded PostgreSQL, and stops it when its last user has gone.

A process of its own, in a session of its own, because it must outlive every process of Rowbell:
Ctrl-C and SIGKILL end those, and PostgreSQL is to be stopped after the last one, however it died.
It runs as a script under `python -I -S`, so it imports nothing but the standard library.

The kernel counts the users: each holds `users.lock` shared while it lives, and the warden waits
for it exclusively. Once granted, nobody can become a user until the warden has ended, so
no start can meet a stop.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

USERS = "users.lock"  # shared: every user, for its lifetime; exclusive: a warden that stops
WARDEN = "warden.lock"  # shared: every warden, for its lifetime
START = "start.lock"  # exclusive: whoever creates, starts or checks the server

PAUSE_SECONDS = 0.02
REPEAT_SECONDS = 0.2
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Server(NamedTuple):
    """A server that listens, as its postmaster.pid describes it."""

    pid: int
    socket_directory: str
    port: int
    ready: bool


def look(data: Path) -> Server | None:
    """The server of this data directory; None when nobody listens, whatever postmaster.pid says.

    The socket is asked, not the pid: after a SIGKILL the file stays, and its pid may by now
    belong to another process.
    """
    try:
        lines = os.fsdecode((data / "postmaster.pid").read_bytes()).splitlines()
    except FileNotFoundError:
        return None
    # Eight lines are there once the server listens. The second is its data directory: in a copied
    # folder it names the original, whose server is not ours.
    if len(lines) < 8 or lines[1] != str(data):
        return None
    server = Server(int(lines[0]), lines[4], int(lines[3]), lines[7].strip() == "ready")
    return server if _listens(f"{server.socket_directory}/.s.PGSQL.{server.port}") else None


def _listens(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)
        except (BlockingIOError, TimeoutError):
            return True  # it has more callers than it can answer now
        except OSError:
            return False
    return True


def lock(path: Path, how: int) -> int:
    """Lock the file; the returned descriptor holds the lock until it is closed.

    It is not inherited by child processes. Raises BlockingIOError under LOCK_NB.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def can_lock(path: Path, how: int) -> bool:
    """Whether the lock would be granted now."""
    try:
        os.close(lock(path, how | fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _start(command: list[str], account: str) -> subprocess.Popen[bytes]:
    user, group = (int(part) for part in account.split(":")) if account else (None, None)
    return subprocess.Popen(  # noqa: S603 - the command is Rowbell's own, without a shell
        command,
        stdin=subprocess.DEVNULL,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        umask=0o077,
    )


def _set_signals(action: signal.Handlers) -> None:
    for each in SIGNALS:
        signal.signal(each, action)


def _stop_when_left(folder: Path, server: subprocess.Popen[bytes]) -> None:
    lock(folder / USERS, fcntl.LOCK_EX)
    while True:  # until this process ends with the server
        server.send_signal(signal.SIGINT)  # a fast shutdown: sessions end, everything is written
        time.sleep(REPEAT_SECONDS)


def _stop_adopted_when_left(folder: Path) -> None:
    lock(folder / USERS, fcntl.LOCK_EX)
    while server := look(folder / "data"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGINT)
        time.sleep(REPEAT_SECONDS)


def main(folder: Path, account: str, command: list[str]) -> None:
    """Leave the caller, run `command` as `account` ("uid:gid", or "" for this one) and watch it.

    Without a command, adopt the server that runs: its own warden was killed.
    """
    lock(folder / WARDEN, fcntl.LOCK_SH)  # held to the end of this process, never closed
    if os.fork():
        os._exit(0)  # the caller returns when the lock is held, and has no child to wait for
    os.setsid()
    # A shell ignores SIGINT in what it starts in the background, and PostgreSQL would inherit that:
    # a stop that came before it installed its own handlers would be lost.
    _set_signals(signal.SIG_DFL)
    server = _start(command, account) if command else None
    # A supervisor that signals the whole group must not take the warden away before the users
    # have drained.
    _set_signals(signal.SIG_IGN)
    if server is None:
        _stop_adopted_when_left(folder)
        return
    threading.Thread(target=_stop_when_left, args=(folder, server), daemon=True).start()
    # Ends with the server, whoever stopped it. The parent must be one that waits: PostgreSQL takes
    # its own zombie for a running server and would not start again.
    server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
