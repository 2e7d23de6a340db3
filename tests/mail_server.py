"""A real SMTP server on loopback, aiosmtpd, that refuses what a test tells it to."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from rowbell.smtp_server import SmtpServer

USER, PASSWORD = "ada@example.org", "p@ss/wörd:?"

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")


@dataclass
class Inbox:
    """What arrived, and what is refused: `answers` maps an address or a command to an answer."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    drops_after_data: bool = False

    def server(self, **fields: Any) -> SmtpServer:
        plain: dict[str, Any] = {
            "host": "localhost", "port": self.port, "user": None, "password": "",
            "is_tls": False, "starttls": "never", "verifies": True,
        }  # fmt: skip
        return SmtpServer(**plain | fields)

    def arrived(self) -> EmailMessage:
        """The one that arrived."""
        (envelope,) = self.mails
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    # What aiosmtpd calls. Any other answer than None is what the client gets.

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.answers.get("MAIL"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.answers.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        self.sessions.append(session)
        if self.drops_after_data:
            assert server.transport
            server.transport.abort()
        return self.answers.get("DATA", "250 2.0.0 queued as 4711")

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.disconnected.set()
        return self.answers.get("QUIT", "221 Bye")


def _authenticated(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def receiving(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Inbox]:
    """An inbox that listens: with TLS from the first byte, or with STARTTLS, or plain."""
    inbox, opened = Inbox(), []
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        protocol = SMTP(
            inbox,
            hostname="localhost",
            tls_context=starttls,
            authenticator=_authenticated,
            auth_require_tls=starttls is not None,
            loop=loop,
            **options,
        )
        opened.append(protocol)
        return protocol

    listening = await loop.create_server(session, "127.0.0.1", 0, ssl=tls)
    inbox.port = listening.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        listening.close()
        for protocol in opened:
            if protocol.transport:
                protocol.transport.abort()
        await asyncio.sleep(0)  # lets the transports close, before the loop does
        await asyncio.sleep(0)


@asynccontextmanager
async def silent(greeting: bytes = b"") -> AsyncIterator[Inbox]:
    """A server that sends a greeting and then nothing more, and says who came and went."""
    inbox, running = Inbox(), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inbox.connected.set()
            writer.write(greeting)
            with suppress(ConnectionError):
                while await reader.read(1_000):
                    pass
            inbox.disconnected.set()
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.append(asyncio.create_task(serve(reader, writer)))

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    inbox.port = listening.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        listening.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close, before the loop does


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The context of a server with a certificate for localhost that signs itself, and its file."""
    path, key = folder / "localhost.pem", folder / "key.pem"
    options = "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", *options.split(), *names, "-keyout", key, "-out", path]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key)
    return context, path
