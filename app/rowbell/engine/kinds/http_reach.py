"""Which addresses http_request may call, checked on the address that is really connected to.

A check of the URL alone cannot hold: a name resolves to one address when it is checked and to
another when it is called, and `127.0.0.1` has a dozen spellings. Therefore the connection itself
is the gate: it resolves the name once, judges numbers, and connects to the number it judged.
"""

import asyncio
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpcore
import httpx

from rowbell.errors import ConfigurationError, GiveUp

Address = IPv4Address | IPv6Address

SETTING = "ROWBELL_HTTP_ALLOW"
TRY_SECONDS = 5.0
"""How long one address of a name may take to connect while another is left to try."""

GLOBAL_UNICAST = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")
# Addresses that `ipaddress` calls global, in all or some versions, and that no task should call.
NEVER_PUBLIC = (
    ip_network("168.63.129.16/32"),  # Azure answers with its metadata here
    ip_network("192.0.0.0/24"),  # protocol assignments; Oracle Cloud's metadata
    ip_network("192.88.99.0/24"),  # relays of 6to4
    ip_network("2001::/23"),  # protocol assignments: Teredo, ORCHID
    ip_network("3fff::/20"),  # documentation
)
NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]*[a-z0-9_])?")


class AddressRefused(GiveUp):
    """The address is not public and not allowed: no further attempt can succeed."""


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped one (::ffff:127.0.0.1) is; any other is itself."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one would be translated or tunnelled to."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public(address: Address) -> bool:
    """Whether anybody on the internet may call it: not private, loopback, link-local and so on."""
    if isinstance(address, IPv6Address):
        inner = carried(address)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NEVER_PUBLIC)
    )


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of ROWBELL_HTTP_ALLOW: a host name or a network, and a port unless it is None."""

    target: str | IPv4Network | IPv6Network
    port: int | None = None

    @classmethod
    def parse(cls, entry: str) -> "Allowed":
        """`name`, `*.name`, an address or a network; `:port` after it (IPv6 then in brackets).

        Raises ConfigurationError with a sentence that quotes the entry.
        """
        bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", entry)
        ported = re.fullmatch(r"([^:]+):(\d+)", entry)
        match = bracketed or ported
        target, port = match.groups() if match else (entry, None)
        if port is not None and not 1 <= int(port) <= 65_535:
            raise _wrong(entry, "its port is not between 1 and 65535")
        return cls(_target(target, entry), int(port) if port else None)

    def admits(self, host: str, address: Address, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if not isinstance(self.target, str):
            return plain(address) in self.target
        if self.target.startswith("*."):
            return host.endswith(self.target[1:])
        return host == self.target


def _target(text: str, entry: str) -> str | IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise _wrong(entry, str(error)) from None
    else:
        mapped = isinstance(network, IPv6Network) and network.network_address.ipv4_mapped
        if mapped and network.prefixlen == network.max_prefixlen:
            return ip_network(mapped)
        return network
    try:
        name = httpx.URL(scheme="http", host=text.removesuffix(".")).raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise _wrong(entry, str(error)) from None
    if not NAME.fullmatch(name):
        raise _wrong(entry, "it is neither a host name nor an address nor a network")
    return name


def _wrong(entry: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{SETTING}: {entry!r} cannot be used: {why}.",
        hint="Give host names, *.names, addresses or networks, each with :port if only that one.",
    )


class Reach:
    """Every public address, and what ROWBELL_HTTP_ALLOW adds to them."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allowed = tuple(Allowed.parse(entry) for entry in allow)

    def admits(self, host: str, address: Address, port: int) -> bool:
        return is_public(address) or any(
            entry.admits(host, address, port) for entry in self._allowed
        )

    def choose(self, host: str, addresses: Iterable[Address], port: int) -> list[Address]:
        """The addresses that may be called, in their order. Raises AddressRefused if none may."""
        found = list(addresses)
        chosen = [address for address in found if self.admits(host, address, port)]
        if not chosen:
            numbers = ", ".join(str(address) for address in found[:3])
            raise AddressRefused(
                f"http_request may not call {host} on port {port}: {numbers} is not a public "
                f"address. If tasks are meant to call it, add {found[0]} to {SETTING}."
            )
        return chosen


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore's pool, only to addresses within reach; no Unix sockets."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused, httpcore.ConnectError or httpcore.ConnectTimeout."""
        *first, last = self._reach.choose(host, await _resolve(host, port), port)
        for address in first:
            try:
                return await self._inner.connect_tcp(str(address), port, TRY_SECONDS, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(
            str(last), port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _resolve(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of more than 63 characters
        raise httpcore.ConnectError(str(error)) from error
    return [ip_address(numeric[0]) for *_, numeric in found]
