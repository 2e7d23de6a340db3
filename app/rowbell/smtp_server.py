"""The SMTP server that mails are handed to, as ROWBELL_SMTP_URL names it."""

from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Starttls = Literal["required", "opportunistic", "never"]

PORTS = {"smtp": 587, "smtps": 465}
SHAPE = (
    "write smtp://user:password@host:587 or smtps://user:password@host:465,"
    " with %40 for @ and %2F for / within user and password"
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where it is, who we are there, and how the connection is protected."""

    host: str
    port: int
    user: str | None
    password: str = field(repr=False)
    is_tls: bool
    """TLS from the first byte (smtps); then `starttls` is never."""
    starttls: Starttls
    verifies: bool
    """Whether its certificate is checked."""

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Raises ValueError with a sentence that repeats nothing of the URL's secrets."""
        parts, port = _split(url)
        options = _options(parts)
        is_tls = parts.scheme == "smtps"
        if is_tls and "starttls" in options:
            raise ValueError("smtps:// is TLS from the first byte: leave starttls out")
        starttls = "never" if is_tls else options.get("starttls", "required")
        if starttls == "opportunistic" and parts.username is not None:
            raise ValueError(
                "with starttls=opportunistic, whoever stands in between could read the password:"
                " say starttls=required"
            )
        return cls(
            host=parts.hostname or "",
            port=port or PORTS[parts.scheme],
            user=None if parts.username is None else unquote(parts.username),
            password=unquote(parts.password or ""),
            is_tls=is_tls,
            starttls=cast(Starttls, starttls),
            verifies=options.get("verify", "yes") == "yes",
        )

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"the URL cannot be read: {SHAPE}") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(f"the URL names no SMTP server: {SHAPE}")
    if parts.fragment or port == 0 or parts.username == "":
        raise ValueError(f"the URL cannot be used: {SHAPE}")
    return parts, port


def _options(parts: SplitResult) -> dict[str, str]:
    known: dict[str, tuple[str, ...]] = {"starttls": get_args(Starttls), "verify": ("yes", "no")}
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in options.items():
        if name not in known:
            raise ValueError("after the ? only starttls=… and verify=… are known")
        if value not in known[name]:
            raise ValueError(f"{name} is one of {', '.join(known[name])}")
    return options
