"""One request as http_request sends it, and the request that a redirect turns it into."""

import re
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

import httpcore
import httpx

from rowbell.errors import GiveUp

URL_CHARACTERS = 2_048
MOST_PORT = 65_535
REDIRECTS = (301, 302, 303, 307, 308)
HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
# What follows a redirect to another origin. Everything else may be a secret: Authorization and
# Cookie always are, and nobody can know about an X-Api-Key.
TRAVELS = (
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "idempotency-key",
    "user-agent",
)

SIGNATURE = ("webhook-id", "webhook-timestamp", "webhook-signature")
"""Headers that sign a request: http_signature.py."""


def target(text: str) -> httpx.URL:
    """The URL to call, without fragment and without the dot that may end a host name.

    Raises ValueError with a sentence if it is not one that http_request calls.
    """
    if len(text) > URL_CHARACTERS:
        raise ValueError(f"The URL is longer than {URL_CHARACTERS} characters.")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"The URL cannot be read: {error}.") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("The URL must start with http:// or https://.")
    if url.userinfo:
        raise ValueError("The URL holds credentials: send them in the header Authorization.")
    if url.port is not None and not 1 <= url.port <= MOST_PORT:
        raise ValueError(f"The port of the URL is not between 1 and {MOST_PORT}.")
    host = url.raw_host.decode("ascii").removesuffix(".")
    if not (_is_ipv6(host) or HOST.fullmatch(host)):
        raise ValueError("The URL names no host, or one that is not written as a host name.")
    return url.copy_with(host=host, fragment=None)


def _is_ipv6(host: str) -> bool:
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Hop:
    """One request: the first, or one that a redirect asked for."""

    method: str
    url: httpx.URL
    headers: httpx.Headers
    content: bytes | None

    def __str__(self) -> str:
        return f"{self.method} {self.shown_url()}"

    def shown_url(self) -> str:
        """The URL without the query, which may hold what belongs in no log."""
        return str(self.url.copy_with(query=None))

    def wire_url(self) -> httpcore.URL:
        return httpcore.URL(
            scheme=self.url.raw_scheme,
            host=self.url.raw_host,
            port=self.url.port,
            target=self.url.raw_path,
        )

    def redirected(self, status: int, location: str) -> "Hop":
        """The request that a redirect asks for.

        A redirected POST becomes a GET without content, unless 307 or 308 says otherwise. Only
        harmless headers go to another origin, and a signature only with its content.
        Raises GiveUp if the location cannot be called.
        """
        try:
            url = target(str(self.url.join(location)))
        except (ValueError, httpx.InvalidURL) as error:
            raise GiveUp(f"{self} was redirected to where it cannot go: {error}") from None
        hop = replace(self, url=url, headers=self.headers.copy())
        if not _same_origin(self.url, url):
            hop = replace(hop, headers=_only(hop.headers, TRAVELS))
        if _becomes_get(status, hop.method):
            hop = replace(hop, method="GET", content=None)
            for name in ("content-type", *SIGNATURE):
                hop.headers.pop(name, None)
        return hop


def location(response: httpcore.Response) -> str | None:
    """Where a response redirects to; None if it does not."""
    if response.status not in REDIRECTS:
        return None
    found = [value for name, value in response.headers if name.lower() == b"location"]
    return found[0].decode("utf-8", "replace") if found else None


def _becomes_get(status: int, method: str) -> bool:
    return (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")


def _only(headers: httpx.Headers, names: tuple[str, ...]) -> httpx.Headers:
    return httpx.Headers([item for item in headers.multi_items() if item[0].lower() in names])


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether it is the same server: also after the usual step from http to https."""
    if one.host != other.host:
        return False
    if (one.scheme, other.scheme) == ("http", "https"):
        return _port(one) == 80 and _port(other) == 443
    return one.scheme == other.scheme and _port(one) == _port(other)


def _port(url: httpx.URL) -> int:
    return url.port or {"http": 80, "https": 443}[url.scheme]
