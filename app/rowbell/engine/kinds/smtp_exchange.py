"""One conversation with an SMTP server: connect, protect, log in, hand over, leave."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPStatus,
)

from rowbell.engine.kinds.mail_content import Mail
from rowbell.errors import GiveUp
from rowbell.smtp_server import SmtpServer

ANSWER_CHARACTERS = 500
QUIT_SECONDS = 2.0


class MailFailed(Exception):
    """No server took the mail, but another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipient that the server did not take."""

    address: str
    code: int
    answer: str

    def __str__(self) -> str:
        return f"{self.address}: {self.code} {self.answer}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mail that was taken."""

    accepted: tuple[str, ...]
    refused: tuple[Refusal, ...]
    answer: str


class _Client(SMTP):
    def close(self) -> None:
        """Close at once: over TLS, the library's close waits up to 30 s for the other side."""
        transport = cast(asyncio.WriteTransport | None, self.transport)
        super().close()
        if transport is not None:
            transport.abort()


async def hand_over(
    server: SmtpServer, mail: Mail, *, tls: ssl.SSLContext, own_name: str, seconds: float
) -> Receipt:
    """Hand a mail to the server within so many seconds; a cancel closes the connection.

    Raises GiveUp with what the server said, if that was a 5xx; else MailFailed.
    """
    client = _Client(
        hostname=server.host,
        port=server.port,
        use_tls=server.is_tls,
        start_tls=False,
        tls_context=tls,
        local_hostname=own_name,
        timeout=None,  # asyncio.timeout has it: Python 3.11 loses a cancel that meets a wait_for
    )
    try:
        async with asyncio.timeout(seconds):
            await client.connect()
            await _introduce(client, server)
            receipt = await _send(client, server, mail)
        await _leave(client)
    except SMTPResponseException as error:
        raise _verdict(server, error) from None
    except TimeoutError:
        raise MailFailed(f"{server} did not take the mail within {seconds:g} s.") from None
    except (SMTPException, OSError) as error:
        raise MailFailed(f"{server} did not take the mail: {cleaned(str(error))}.") from None
    finally:
        client.close()
    return receipt


async def _introduce(client: SMTP, server: SmtpServer) -> None:
    await client.ehlo()
    if server.starttls != "never":
        if client.supports_extension("starttls"):
            await client.starttls()
            await client.ehlo()
        elif server.starttls == "required":
            raise GiveUp(
                f"{server} offers no STARTTLS, so nothing was sent. If the way to it is trusted, "
                "add ?starttls=never to ROWBELL_SMTP_URL."
            )
    if server.user is not None:
        await client.login(server.user, server.password)


async def _send(client: SMTP, server: SmtpServer, mail: Mail) -> Receipt:
    options = []
    if mail.needs_utf8:
        if not client.supports_extension("smtputf8"):
            raise GiveUp(
                f"{server} offers no SMTPUTF8, which an address of this mail needs: "
                "use addresses that are ASCII before the @."
            )
        options.append("SMTPUTF8")
    if client.supports_extension("size"):
        options.append(f"SIZE={len(mail.content)}")
    encoding = "utf-8" if mail.needs_utf8 else "ascii"
    await client.mail(mail.sender, options=options, encoding=encoding)
    refused = await _name_recipients(client, mail.recipients, encoding)
    if len(refused) == len(mail.recipients):
        raise _all_refused(server, refused)
    response = await client.data(mail.content)
    names = {refusal.address for refusal in refused}
    accepted = tuple(address for address in mail.recipients if address not in names)
    return Receipt(accepted, refused, f"{response.code} {cleaned(response.message)}".rstrip())


async def _name_recipients(
    client: SMTP, recipients: tuple[str, ...], encoding: str
) -> tuple[Refusal, ...]:
    refused = []
    for address in recipients:
        try:
            await client.rcpt(address, encoding=encoding)
        except SMTPRecipientRefused as error:
            if error.code == SMTPStatus.domain_unavailable:  # 421: it hangs up
                raise
            refused.append(Refusal(address, error.code, cleaned(error.message)))
    return tuple(refused)


async def _leave(client: SMTP) -> None:
    """Say goodbye; the mail is taken, so nothing that goes wrong here matters."""
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(QUIT_SECONDS):
            await client.quit()


def _verdict(server: SmtpServer, error: SMTPResponseException) -> Exception:
    return _outcome(error.code)(f"{server} answered {error.code} {cleaned(error.message)}")


def _all_refused(server: SmtpServer, refused: tuple[Refusal, ...]) -> Exception:
    """One that was refused for now is reason enough to try again."""
    first = next((each for each in refused if _outcome(each.code) is MailFailed), refused[0])
    others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return _outcome(first.code)(f"{server} refused every recipient: {first}{others}")


def _outcome(code: int) -> type[GiveUp | MailFailed]:
    return GiveUp if 500 <= code < 600 else MailFailed


def cleaned(text: str) -> str:
    """What a server said, on one line that PostgreSQL can store."""
    words = " ".join(text.split()).encode("utf-8", "replace").decode()
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    return printable[:ANSWER_CHARACTERS].rstrip(".")
