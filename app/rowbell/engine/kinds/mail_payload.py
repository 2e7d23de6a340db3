"""What send_email is asked for."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rowbell.mail_address import MailAddress, is_one_line

MOST_RECIPIENTS = 100
"""As many as every server has to take in one go (RFC 5321, 4.5.3.1.8)."""
HEADER_CHARACTERS = 900
"""A line may have 998 (RFC 5322, 2.1.1)."""
HEADER_NAME = re.compile(r"[!-9;-~]{1,70}")
# Python decodes such a word when it is given for a header, line breaks in it included.
ENCODED = re.compile(r"=\?.*\?=")
# Set from the other fields, or the business of the servers that a mail passes.
REFUSED_HEADERS = (
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
)
REFUSED_BEGINNINGS = ("arc-", "content-", "resent-")


def _address(text: str) -> str:
    MailAddress.parse(text)
    return text


def _sendable_text(text: str) -> str:
    if len(text) > HEADER_CHARACTERS or not is_one_line(text):
        raise ValueError(f"It must be one line of at most {HEADER_CHARACTERS} characters.")
    if ENCODED.search(text):
        raise ValueError("It is encoded already (=?…?=): give the text itself.")
    return text


def _sendable_headers(headers: dict[str, str]) -> dict[str, str]:
    seen = set()
    for name in headers:
        key = name.lower()
        if not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header.")
        if key in REFUSED_HEADERS or key.startswith(REFUSED_BEGINNINGS):
            raise ValueError(f"The header {name} is not the payload's to set: leave it out.")
        if key in seen:
            raise ValueError(f"The header {name} is given twice.")
        seen.add(key)
    return headers


Address = Annotated[str, AfterValidator(_address)]
Addresses = list[Address]
HeaderText = Annotated[str, AfterValidator(_sendable_text)]


class SendEmail(BaseModel):
    """The payload of send_email. The task is COMPLETED once a server took the mail."""

    # A mail is nobody's business, and the text of a ValidationError ends up in tasks.error.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    to: Addresses = Field(
        default_factory=list, description="ada@example.org, or Ada Lovelace <ada@example.org>."
    )
    cc: Addresses = Field(default_factory=list, description="As `to`.")
    bcc: Addresses = Field(default_factory=list, description="As `to`, but nobody sees them.")
    subject: HeaderText
    text: str | None = Field(default=None, description="The mail as plain text.")
    html: str | None = Field(default=None, description="The mail as HTML; beside text or alone.")
    sender: Address | None = Field(default=None, description="Unset: ROWBELL_SMTP_SENDER.")
    reply_to: Address | None = Field(default=None, description="Where answers go.")
    headers: Annotated[dict[str, HeaderText], AfterValidator(_sendable_headers)] = Field(
        default_factory=dict, description="More headers, such as List-Unsubscribe."
    )
    timeout_seconds: float = Field(
        default=60, ge=1, le=600, description="For everything, from the connection to the answer."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.text is None and self.html is None:
            raise ValueError("Give text, html, or both.")
        if not 1 <= len(self.recipients) <= MOST_RECIPIENTS:
            raise ValueError(f"Give 1 to {MOST_RECIPIENTS} recipients in to, cc and bcc together.")
        return self

    @property
    def recipients(self) -> tuple[MailAddress, ...]:
        """Everyone it goes to, each once."""
        parsed = (MailAddress.parse(text) for text in (*self.to, *self.cc, *self.bcc))
        return tuple({address.spec: address for address in parsed}.values())
