"""send_email and its connection: TLS, log-in, and servers that hang or vanish."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest

from rowbell.engine.kinds.mail_payload import SendEmail
from rowbell.engine.kinds.send_email import MailSender
from rowbell.engine.kinds.smtp_exchange import MailFailed
from rowbell.errors import GiveUp

from loopback import Told
from mail_server import PASSWORD, USER, Inbox, certified, needs_openssl, receiving, silent

HANG_SECONDS = 5


async def send(inbox: Inbox, seconds: float = 20, **server: Any) -> dict[str, Any]:
    payload = SendEmail(to=["bob@example.net"], subject="Hi", text="Hello", timeout_seconds=seconds)
    return await MailSender(inbox.server(**server), "rowbell@example.org").run(payload, Told())


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SSLContext]:
    """A server's context, whose certificate the clients of this test trust."""
    context, certificate = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield context


@needs_openssl
async def test_a_mail_goes_over_starttls_after_logging_in(tls: SSLContext) -> None:
    async with receiving(starttls=tls, auth_required=True) as inbox:
        await send(inbox, starttls="required", user=USER, password=PASSWORD)
        assert inbox.sessions[0].ssl
        assert inbox.sessions[0].authenticated


@needs_openssl
async def test_a_mail_goes_over_tls_from_the_first_byte(tls: SSLContext) -> None:
    async with receiving(tls=tls) as inbox:
        result = await send(inbox, is_tls=True, user=USER, password=PASSWORD)
        assert result["accepted"] == ["bob@example.net"]
        assert inbox.sessions[0].authenticated


@needs_openssl
@pytest.mark.parametrize("how", [{"is_tls": True}, {"starttls": "opportunistic"}])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    context, _ = certified(tmp_path)
    both = {"tls": context} if "is_tls" in how else {"starttls": context}
    async with receiving(**both) as inbox:
        with pytest.raises(MailFailed, match=r"self.signed certificate"):
            await send(inbox, **how)
        await send(inbox, verifies=False, **how)
        assert len(inbox.mails) == 1


@needs_openssl
async def test_a_certificate_is_checked_for_the_name(tls: SSLContext) -> None:
    async with receiving(tls=tls) as inbox:
        with pytest.raises(MailFailed, match="IP address mismatch"):
            await send(inbox, is_tls=True, host="127.0.0.1")


async def test_a_server_without_the_starttls_that_is_required_gets_nothing() -> None:
    async with receiving() as inbox:
        with pytest.raises(GiveUp, match=r"offers no STARTTLS.*\?starttls=never"):
            await send(inbox, starttls="required", user=USER, password=PASSWORD)
        assert (inbox.mails, inbox.sessions) == ([], [])


async def test_starttls_that_is_welcome_and_not_offered_is_left_out() -> None:
    async with receiving() as inbox:
        await send(inbox, starttls="opportunistic")
        assert len(inbox.mails) == 1


async def test_a_wrong_password_fails_for_good_and_is_not_repeated() -> None:
    async with receiving() as inbox:
        with pytest.raises(GiveUp, match="answered 535") as caught:
            await send(inbox, user=USER, password="wrong-secret")
        assert "wrong-secret" not in str(caught.value)


async def test_a_port_where_nobody_listens_is_tried_again() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(MailFailed, match="did not take the mail: "):
            await send(Inbox(port=reserved.getsockname()[1]))


async def test_a_name_that_cannot_be_resolved_is_tried_again() -> None:
    with pytest.raises(MailFailed, match="did not take the mail: "):
        await send(Inbox(port=25), host="smtp.invalid")


@pytest.mark.parametrize("greeting", [b"", b"220 here\r\n"])
async def test_a_server_that_hangs_costs_no_more_than_the_timeout(greeting: bytes) -> None:
    async with silent(greeting) as inbox, asyncio.timeout(HANG_SECONDS):
        with pytest.raises(MailFailed, match=f"localhost:{inbox.port} .* within 1 s"):
            await send(inbox, seconds=1)
        await inbox.disconnected.wait()


@pytest.mark.parametrize("greeting", [b"", b"220 here\r\n"])
async def test_a_cancel_closes_the_connection(greeting: bytes) -> None:
    async with silent(greeting) as inbox, asyncio.timeout(HANG_SECONDS) as deadline:
        sending = asyncio.create_task(send(inbox))
        await inbox.connected.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not deadline.expired()
        await inbox.disconnected.wait()


async def test_a_connection_that_is_dropped_after_the_data_is_tried_again() -> None:
    async with receiving() as inbox:
        inbox.drops_after_data = True
        with pytest.raises(MailFailed, match="did not take the mail: "):
            await send(inbox)
        inbox.drops_after_data = False
        await send(inbox)
        first, second = (mail.content for mail in inbox.mails)
        assert _mail_id(first) == _mail_id(second)


async def test_a_greeting_that_sends_everybody_away_for_now_is_tried_again() -> None:
    async with silent(b"421 Too many connections\r\n") as inbox:
        with pytest.raises(MailFailed, match="answered 421 Too many connections"):
            await send(inbox)


async def test_what_is_no_smtp_is_tried_again() -> None:
    async with silent(b"HTTP/1.1 400 Bad Request\r\n\r\n") as inbox:
        with pytest.raises(MailFailed, match="Malformed SMTP response"):
            await send(inbox)


def _mail_id(content: object) -> list[bytes]:
    assert isinstance(content, bytes)
    return [line for line in content.splitlines() if line.startswith(b"Message-ID:")]
