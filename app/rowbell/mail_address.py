"""An address that a mail goes to or comes from, and the name before it."""

import re
import unicodedata
from dataclasses import dataclass

import idna

LOCAL_BYTES = 64
DOMAIN_CHARACTERS = 253
NAME_CHARACTERS = 200
NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<spec>[^<>]*)>")
ATOM = r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
LOCAL = re.compile(rf"{ATOM}(\.{ATOM})*")
CONTROL = ("Cc", "Cs", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class MailAddress:
    """`local@domain`; the domain as it goes over the wire, in ASCII."""

    local: str
    domain: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "MailAddress":
        """Read `ada@example.org` or `Ada Lovelace <ada@example.org>`.

        Raises ValueError with a sentence that does not repeat it. Quoted local parts and domains
        in brackets, which nobody uses, are refused.
        """
        named = NAMED.fullmatch(text.strip(" "))
        name, spec = (named["name"], named["spec"]) if named else ("", text.strip(" "))
        local, at, domain = spec.rpartition("@")
        if not at or not LOCAL.fullmatch(local) or not local.isprintable():
            raise ValueError(
                "It is no address: write ada@example.org or Ada Lovelace <ada@example.org>."
            )
        if len(local.encode()) > LOCAL_BYTES:
            raise ValueError(f"What is before the @ is longer than {LOCAL_BYTES} bytes.")
        return cls(local, _domain(domain), _name(name))

    @property
    def spec(self) -> str:
        """The address alone."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()


def _domain(text: str) -> str:
    try:
        domain = idna.encode(text.removesuffix("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"The domain of the address cannot be used: {error}.") from None
    if len(domain) > DOMAIN_CHARACTERS:
        raise ValueError(f"The domain is longer than {DOMAIN_CHARACTERS} characters.")
    return domain


def _name(text: str) -> str:
    name = text.strip(" ")
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if len(name) > NAME_CHARACTERS or not is_one_line(name):
        raise ValueError(
            f"The name must be one line of at most {NAME_CHARACTERS} characters, without < and >."
        )
    return name


def is_one_line(text: str) -> bool:
    """Whether a text can go into a header: no line break of any kind, no control character."""
    return not any(unicodedata.category(character) in CONTROL for character in text)
