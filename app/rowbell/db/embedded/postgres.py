"""The users of the embedded PostgreSQL: how a process becomes one, and how it ceases to be."""

import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import Self
from weakref import WeakSet

from rowbell.db.embedded import programs, server
from rowbell.db.embedded.place import Place
from rowbell.db.embedded.warden import PAUSE_SECONDS, START, USERS, WARDEN, can_lock, lock, look
from rowbell.errors import ConfigurationError
from rowbell.logs import log

STOP_SECONDS = 30


class EmbeddedPostgres:
    """One user of the embedded PostgreSQL: join() begins it, leave() or the process's end ends it.

    `url` suits asyncpg and psql. `started` is False when the server was running already. `note` is
    a sentence for the person who started this process, or empty.
    """

    url: str
    started: bool

    def __init__(self, place: Place, users: int) -> None:
        """Call join() instead."""
        self._place = place
        self._users: int | None = users
        self.data: Path = place.data
        self.note: str = place.note
        _joined.add(self)

    @classmethod
    def join(cls, home: Path, *, deadline_seconds: float = 60) -> Self:
        """Become a user of the PostgreSQL under `home`, which is made and started if need be.

        Raises ConfigurationError when it is not ready within the deadline; it says why.
        """
        begun = time.monotonic()
        try:
            place = Place.of(home)
            users = _wait_for(place.folder / USERS, fcntl.LOCK_SH, begun + deadline_seconds)
        except OSError as error:
            raise _unusable(home, error) from error
        embedded = cls(place, users)
        try:
            embedded.started = embedded._serve(begun + deadline_seconds)
        except BaseException:
            embedded._release()
            raise
        event = "embedded.started" if embedded.started else "embedded.joined"
        log.info(event, data=str(place.data), seconds=_since(begun))
        return embedded

    def ensure_running(self, *, deadline_seconds: float = 60) -> bool:
        """Start the server again if it has died; True if this call did. Cheap when it runs.

        Read `url` again afterwards. Raises ConfigurationError as join() does.
        """
        begun = time.monotonic()
        found = look(self.data)
        if found and found.ready:
            return False
        started = self._serve(begun + deadline_seconds)
        if started:
            log.info("embedded.started", data=str(self.data), seconds=_since(begun))
        return started

    def leave(self) -> None:
        """Cease to be a user. The last one waits until the server has stopped, 30 s at the most."""
        if self._users is None:
            return
        begun = time.monotonic()
        self._release()
        if self._wait_until_stopped(begun + STOP_SECONDS):
            log.info("embedded.stopped", data=str(self.data), seconds=_since(begun))

    def destroy(self) -> None:
        """Leave, and delete everything: for data that nobody needs any more, as after tests."""
        sockets = self._place.socket_directory()
        self.leave()
        for folder in (sockets, self._place.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _serve(self, until: float) -> bool:
        """Bring everything up, one process at a time; True if this call started the server."""
        place = self._place
        try:
            start = _wait_for(place.folder / START, fcntl.LOCK_EX, until)
            try:
                server.create_cluster(place, until)
                found, started = server.start(place, until)
                server.adopt(place)
                self.url = server.create_database(place, found, until)
            finally:
                os.close(start)
        except OSError as error:
            raise _unusable(place.folder, error) from error
        return started

    def _wait_until_stopped(self, until: float) -> bool:
        users, warden = self._place.folder / USERS, self._place.folder / WARDEN
        while not can_lock(warden, fcntl.LOCK_EX):
            # A warden that stops the server holds the users' lock exclusively. If it is shared but
            # not free, there are other users.
            used = not can_lock(users, fcntl.LOCK_EX) and can_lock(users, fcntl.LOCK_SH)
            if used or time.monotonic() > until:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def _release(self) -> None:
        users, self._users = self._users, None
        if users is not None:
            os.close(users)


_joined: WeakSet[EmbeddedPostgres] = WeakSet()


def _forget_in_child() -> None:
    # A forked process shares the lock and would be counted for as long as it lives, its parent
    # dead or not. It is no user: it gives its share back.
    for embedded in _joined:
        embedded._release()


os.register_at_fork(after_in_child=_forget_in_child)


def _wait_for(path: Path, how: int, until: float) -> int:
    while True:
        try:
            return lock(path, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise ConfigurationError(
                    "Another process is still starting or stopping the embedded PostgreSQL: "
                    f"{path} stays locked.",
                    hint=f"Try again in a minute. {programs.URL_HINT}",
                ) from None
            time.sleep(PAUSE_SECONDS)


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)


def _unusable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The embedded PostgreSQL cannot use {folder}: {error}.",
        hint="Set ROWBELL_HOME to a folder of this user, on a disk of this machine. "
        + programs.URL_HINT,
    )
