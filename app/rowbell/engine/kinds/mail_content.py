"""A payload of send_email as the mail that goes over the wire."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import quote
from typing import Any

from rowbell.engine.kinds.mail_payload import SendEmail
from rowbell.mail_address import MailAddress

EOL = "\r\n"
BREAK = re.compile(rb"\r\n(?! )|(?<!\r)\n|\r(?!\n)")
LINE_CHARACTERS = 76


class _Policy(EmailPolicy):
    """Folds headers itself where Python's own folding changes what they say.

    Python breaks a long word into encoded ones, also the URL of a List-Unsubscribe and the ids of
    References; and releases before 2025 lose the quotes of a long name, which then reads as other
    addresses (https://github.com/python/cpython/issues/80222, 121284).
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        folded = self._folded(name, value)
        if BREAK.search(folded.removesuffix(EOL.encode())):  # whatever got past the payload
            raise ValueError(f"The header {name} would begin another one.")
        return folded

    def _folded(self, name: str, value: Any) -> bytes:
        if isinstance(value, AddressHeader):
            shown = (self._address(address) for address in value.addresses)
            return f"{name}: {f',{EOL} '.join(shown)}{EOL}".encode()
        text = str(value)
        if text.isascii() and max(map(len, text.split(" "))) > LINE_CHARACTERS - len(name):
            return _at_blanks(name, text).encode()
        return super().fold_binary(name, value)

    def _address(self, address: Address) -> str:
        name, spec = address.display_name, address.addr_spec
        if not name:
            return spec
        if self.utf8 or name.isascii():
            return f'"{quote(name)}" <{spec}>'
        return f"{Header(name, 'utf-8').encode(linesep=EOL)} <{spec}>"


def _at_blanks(name: str, text: str) -> str:
    first, *others = text.split(" ")
    lines = [f"{name}: {first}"]
    for word in others:
        if word and lines[-1].strip() and len(lines[-1]) + len(word) > LINE_CHARACTERS:
            lines.append("")
        lines[-1] += f" {word}"
    return "".join(line + EOL for line in lines)


# Seven bits for every body: no server has to be asked whether it takes eight.
POLICY = _Policy(linesep=EOL, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Mail:
    """What is handed to a server: the envelope, and the content."""

    mail_id: str
    """Its Message-ID, the same on every attempt."""
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    needs_utf8: bool
    """Whether an address of it can only go over SMTPUTF8."""


def compose(payload: SendEmail, sender: str, task_id: int, now: datetime) -> Mail:
    """The mail of a task. `sender` is used if the payload names none."""
    author = MailAddress.parse(payload.sender or sender)
    shown = [author, *map(MailAddress.parse, (*payload.to, *payload.cc))]
    if payload.reply_to:
        shown.append(MailAddress.parse(payload.reply_to))
    needs_utf8 = any(address.needs_utf8 for address in (*shown, *payload.recipients))
    policy = POLICY.clone(utf8=needs_utf8)
    mail_id = _mail_id(payload, author, task_id)
    message = EmailMessage(policy)
    message["From"] = _header(author)
    for name, addresses in (("To", payload.to), ("Cc", payload.cc)):
        if addresses:
            message[name] = [_header(MailAddress.parse(text)) for text in addresses]
    if payload.reply_to:
        message["Reply-To"] = _header(MailAddress.parse(payload.reply_to))
    message["Subject"] = payload.subject
    message["Date"] = now
    message["Message-ID"] = mail_id
    for name, value in payload.headers.items():
        message[name] = value
    _fill(message, payload)
    recipients = tuple(address.spec for address in payload.recipients)
    return Mail(mail_id, author.spec, recipients, message.as_bytes(), needs_utf8)


def _fill(message: EmailMessage, payload: SendEmail) -> None:
    if payload.text is not None:
        message.set_content(payload.text)
        if payload.html is not None:
            message.add_alternative(payload.html, subtype="html")
    elif payload.html is not None:
        message.set_content(payload.html, subtype="html")


def _header(address: MailAddress) -> Address:
    return Address(address.name, address.local, address.domain)


def _mail_id(payload: SendEmail, author: MailAddress, task_id: int) -> str:
    """The same for every attempt, and another for the task of that number elsewhere.

    Mail servers drop what has the Message-ID of a mail they had; two databases that send for one
    domain both have a task 42. Therefore the content goes into it too.
    """
    digest = hashlib.sha256(f"{author.spec}\n{payload.model_dump_json()}".encode())
    return f"<rowbell.{task_id}.{digest.hexdigest()[:24]}@{author.domain}>"
