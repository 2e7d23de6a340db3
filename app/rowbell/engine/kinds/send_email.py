"""The kind send_email: hand a mail to the SMTP server of the settings."""

import asyncio
import socket
import ssl
from dataclasses import asdict
from datetime import UTC, datetime
from time import perf_counter

import httpx

from rowbell.context import Context
from rowbell.engine.kinds.mail_content import Mail, compose
from rowbell.engine.kinds.mail_payload import SendEmail
from rowbell.engine.kinds.smtp_exchange import Receipt, hand_over
from rowbell.errors import GiveUp
from rowbell.smtp_server import SmtpServer

CONNECTIONS = 10
"""To the server at once: more than that from one client, and some servers turn it away."""
MAX_ATTEMPTS = 8
FIRST_SECONDS = 30.0
"""Of the backoff: greylisting wants minutes, and eight attempts take half an hour on average."""


class MailSender:
    """Runs send_email; one for a worker."""

    def __init__(self, server: SmtpServer | None, sender: str | None = None) -> None:
        """`server` and `sender` are ROWBELL_SMTP_URL and ROWBELL_SMTP_SENDER; None: unset."""
        self._server = server
        self._sender = sender
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._tls: ssl.SSLContext | None = None
        self._own_name = ""

    async def run(self, payload: SendEmail, context: Context) -> dict[str, object]:
        """Send a mail.

        Raises MailFailed if another attempt may succeed, GiveUp if none can.
        """
        server, sender = self._server, payload.sender or self._sender
        if server is None:
            raise GiveUp("No SMTP server is configured: set ROWBELL_SMTP_URL on the workers.")
        if sender is None:
            raise GiveUp("The payload names no sender: give one, or set ROWBELL_SMTP_SENDER.")
        mail = compose(payload, sender, context.task_id, datetime.now(UTC))
        async with self._free:
            started = perf_counter()
            receipt = await self._hand_over(server, mail, payload.timeout_seconds)
        context.log(
            "mail taken",
            server=str(server),
            accepted=len(receipt.accepted),
            refused=len(receipt.refused),
            bytes=len(mail.content),
            seconds=round(perf_counter() - started, 3),
        )
        return {
            "message_id": mail.mail_id,
            "accepted": list(receipt.accepted),
            "refused": [asdict(each) for each in receipt.refused],
            "answer": receipt.answer,
        }

    async def _hand_over(self, server: SmtpServer, mail: Mail, seconds: float) -> Receipt:
        if self._tls is None:  # the certificates that http_request trusts too
            self._tls = httpx.create_ssl_context(verify=server.verifies)
        if not self._own_name:
            self._own_name = await asyncio.to_thread(socket.getfqdn)
        return await hand_over(
            server, mail, tls=self._tls, own_name=self._own_name, seconds=seconds
        )
