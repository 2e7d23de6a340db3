"""Where the embedded PostgreSQL lives: one folder with data, log, locks and socket for a home."""

import hashlib
import os
import pwd
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rowbell.db.embedded import programs
from rowbell.errors import ConfigurationError

# Linux allows 107 bytes, macOS 103; the name of the socket takes 15 of them.
SOCKET_DIRECTORY_BYTES = 103 - len("/.s.PGSQL.5432")

HOME_TEXT = """\
The embedded PostgreSQL of Rowbell (ROWBELL_HOME). Its data: {folder}
To delete everything, stop Rowbell and delete that folder.
"""


@dataclass(frozen=True)
class Place:
    """One embedded PostgreSQL on this machine. `owner` is None when it runs as this user."""

    folder: Path
    binaries: Path
    owner: pwd.struct_passwd | None = None

    @classmethod
    def of(cls, home: Path) -> Self:
        """The place of this home; folders, account and programs are made ready.

        Raises ConfigurationError when the home belongs to another user's PostgreSQL or the
        account cannot be made, OSError when a folder cannot be.
        """
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        plain, shared = home / "postgres", programs.SHARED / _short_hash(home)
        if os.geteuid() == 0:
            _refuse_second_place(plain, "the user who owns that folder")
            owner = programs.account()
            place = cls(shared, programs.reachable(owner), owner)
            programs.make_readable(shared)
        else:
            _refuse_second_place(shared, "root")
            place = cls(plain, programs.packaged())
            plain.mkdir(mode=0o700, exist_ok=True)
        text = HOME_TEXT.format(folder=place.folder)
        if not (home / "README").exists():
            (home / "README").write_text(text, encoding="utf-8", errors="surrogateescape")
        return place

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def note(self) -> str:
        """What a person should know before being surprised; empty when there is nothing."""
        if self.owner is None:
            return ""
        return (
            f"PostgreSQL refuses to run as root, so it runs as the user {self.owner.pw_name} "
            f"and keeps its data in {self.data}."
        )

    @property
    def account(self) -> str:
        """The account for the warden: "uid:gid", or "" for the user of this process."""
        return f"{self.owner.pw_uid}:{self.owner.pw_gid}" if self.owner else ""

    def run(self, program: str, *arguments: str, until: float, text: str = "") -> None:
        """Run a program of PostgreSQL as the owner, with `text` as its input.

        `until` is a time.monotonic(). Raises ConfigurationError with what the program said.
        """
        try:
            programs.run_as(
                self.owner,
                [str(self.binaries / program), *arguments],
                folder=self.folder,
                seconds=max(until - time.monotonic(), 0.1),
                text=text,
            )
        except subprocess.CalledProcessError as error:
            said = error.output.strip()
            raise ConfigurationError(
                f"{program} of the embedded PostgreSQL failed: {said}", hint=programs.URL_HINT
            ) from error
        except subprocess.TimeoutExpired as error:
            raise ConfigurationError(
                f"{program} of the embedded PostgreSQL did not end in {error.timeout:.0f} s.",
                hint=programs.URL_HINT,
            ) from error

    def make_private(self, folder: Path) -> Path:
        """Make the folder if it is missing, and let only the account of the server enter it.

        Raises ConfigurationError when somebody else made it or others may enter.
        """
        folder.mkdir(mode=0o700, exist_ok=True)
        uid = self.owner.pw_uid if self.owner else os.geteuid()
        if self.owner and folder.lstat().st_uid == os.geteuid():
            os.chown(folder, uid, self.owner.pw_gid, follow_symlinks=False)
        found = folder.lstat()
        if found.st_uid != uid or found.st_mode & 0o170077 != 0o040000:
            raise ConfigurationError(
                f"{folder} is not a private folder of the user with id {uid}.",
                hint=f"Delete it, or give it to that user with mode 0700. {programs.URL_HINT}",
            )
        return folder

    def socket_directory(self) -> Path:
        """A private folder for the Unix socket; there is no password, so entering it is the key."""
        folder = self.folder / "socket"
        fits = len(os.fsencode(folder)) <= SOCKET_DIRECTORY_BYTES
        # A comma divides hosts in a connection URL, and a line break lines in postmaster.pid.
        if not fits or "," in str(folder) or not str(folder).isprintable():
            name = f"rowbell-{os.geteuid()}-{_short_hash(self.folder)}"
            folder = Path(tempfile.gettempdir()).resolve() / name
        return self.make_private(folder)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _refuse_second_place(other: Path, who: str) -> None:
    # Two places for one home would be two databases, and tasks would seem to vanish.
    if other.exists():
        raise ConfigurationError(
            f"The embedded PostgreSQL of this home was made by another user: {other}.",
            hint=f"Run Rowbell as {who}, or set ROWBELL_HOME to another folder.",
        )
