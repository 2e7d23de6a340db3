"""The URL of a database, without its secrets."""

from urllib.parse import SplitResult, unquote, urlsplit

SECRETS = ("password", "sslpassword")
MASK = "***"


def masked(url: str) -> str:
    """The URL with a mask in place of every secret."""
    parts = urlsplit(url)
    user, password, hosts = _account(parts)
    pairs = [(name, MASK if name in SECRETS else value) for name, value in _pairs(parts)]
    return _url(parts, _netloc(user, None if password is None else MASK, hosts), pairs)


def without_password(url: str) -> tuple[str, str | None]:
    """The URL without its password, and the password; None if there is none."""
    parts = urlsplit(url)
    user, password, hosts = _account(parts)
    pairs = _pairs(parts)
    quoted = dict(pairs).get("password", password)
    left = [pair for pair in pairs if pair[0] != "password"]
    stripped = _url(parts, _netloc(user, None, hosts), left)
    return stripped, None if quoted is None else unquote(quoted)


def _account(parts: SplitResult) -> tuple[str, str | None, str]:
    """User, password and hosts. By hand: a URL of PostgreSQL may name several hosts, or none."""
    account, _, hosts = parts.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    return user, password if colon else None, hosts


def _netloc(user: str, password: str | None, hosts: str) -> str:
    account = user if password is None else f"{user}:{password}"
    return f"{account}@{hosts}" if account else hosts


def _pairs(parts: SplitResult) -> list[tuple[str, str]]:
    """The parameters as they are written: to decode and encode them could change them."""
    split = (pair.partition("=") for pair in parts.query.split("&") if pair)
    return [(name, value) for name, _, value in split]


def _url(parts: SplitResult, netloc: str, pairs: list[tuple[str, str]]) -> str:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if query else ''}{query}"
