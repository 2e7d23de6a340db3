"""http_request and where it connects to: nothing but real sockets can prove it."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rowbell.engine.kinds.http_answer import HttpFailed
from rowbell.engine.kinds.http_payload import HttpRequest
from rowbell.engine.kinds.http_reach import AddressRefused
from rowbell.engine.kinds.http_request import HttpCaller

from loopback import Server, Told, answer_of, serving

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        server.answers["/"] = answer_of(200, b"reached")
        yield server


async def call(url: str, *allow: str) -> object:
    caller = HttpCaller(allow)
    try:
        result = await caller.run(HttpRequest(url=url), Told())
    finally:
        await caller.close()
    return result["body"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.255.255.254",
        "2130706433",
        "017700000001",
        "0x7f.1",
        "0x7f000001",
        "0",
        "0.0.0.0",  # noqa: S104
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ],
)
async def test_loopback_is_refused_however_it_is_spelled(server: Server, host: str) -> None:
    with pytest.raises(AddressRefused, match="is not a public address"):
        await call(server.url(host=host))
    assert server.connections == 0


async def test_an_odd_spelling_of_an_allowed_address_is_that_address(server: Server) -> None:
    assert await call(server.url(host="2130706433"), "127.0.0.1") == "reached"
    assert await call(server.url(host="[::ffff:127.0.0.1]"), "127.0.0.1") == "reached"
    assert server.requests[0].headers["host"] == f"2130706433:{server.port}"
    assert server.requests[1].headers["host"] == f"[::ffff:127.0.0.1]:{server.port}"


async def test_an_allowed_host_name_is_called_by_that_name_only(server: Server) -> None:
    assert await call(server.url(host="localhost."), "localhost") == "reached"
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"
    with pytest.raises(AddressRefused):
        await call(server.url(), "localhost")


async def test_an_allowed_network_is_called(server: Server) -> None:
    assert await call(server.url(), "127.0.0.0/8") == "reached"


async def test_an_entry_with_a_port_allows_no_other(server: Server) -> None:
    assert await call(server.url(), f"127.0.0.1:{server.port}") == "reached"
    with pytest.raises(AddressRefused, match=f"on port {server.port}"):
        await call(server.url(), f"127.0.0.1:{server.port - 1}")


async def test_a_name_is_resolved_once_and_called_at_the_address_that_was_judged(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def changing(host: str, port: int, *_: object, **__: object) -> list[object]:
        assert host == "rebound.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    assert await call(server.url(host="rebound.example"), "127.0.0.1") == "reached"
    assert list(answers) == ["127.0.0.2"]


async def test_a_name_that_turns_to_loopback_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loopback(host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", loopback)
    with pytest.raises(AddressRefused, match=r"may not call rebound\.example .* 127\.0\.0\.1"):
        await call(server.url(host="rebound.example"))
    assert server.connections == 0


async def test_the_next_address_of_a_name_is_tried(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(host: str, port: int, *_: object, **__: object) -> list[object]:
        found = [("127.0.0.2", port), ("127.0.0.1", port)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    assert await call(server.url(host="two.example"), "two.example") == "reached"


async def test_a_port_where_nobody_listens_is_tried_again() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(HttpFailed, match=r"GET http://127\.0\.0\.1:\d+/ failed: .*Errno"):
            await call(f"http://127.0.0.1:{port}/", "127.0.0.1")


async def test_a_name_that_cannot_be_resolved_is_tried_again() -> None:
    with pytest.raises(HttpFailed, match="failed: "):
        await call(f"http://{'a' * 64}/")


async def test_proxies_of_the_environment_are_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await call(server.url(), "127.0.0.1") == "reached"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that signs itself, and its key, in one file."""
    path, key = tmp_path / "localhost.pem", tmp_path / "key.pem"
    options = "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", *options.split(), *names, "-keyout", key, "-out", path]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + path.read_bytes())
    return path


@pytest.fixture
async def tls_server(certificate: Path) -> AsyncIterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serving(tls=context) as server:
        server.answers["/"] = answer_of(200, b"reached")
        yield server


@needs_openssl
async def test_a_certificate_is_checked_for_the_name_and_not_for_the_number(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert await call(tls_server.url(host="localhost.", scheme="https"), "127.0.0.1") == "reached"
    with pytest.raises(HttpFailed, match="IP address mismatch"):
        await call(tls_server.url(scheme="https"), "127.0.0.1")


@needs_openssl
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls_server: Server) -> None:
    with pytest.raises(HttpFailed, match=r"self.signed certificate"):
        await call(tls_server.url(host="localhost", scheme="https"), "127.0.0.1")
    assert tls_server.requests == []
