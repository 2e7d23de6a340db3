"""Which addresses http_request may call: decisions about values, nothing is connected."""

from ipaddress import ip_address

import pytest

from rowbell.engine.kinds.http_reach import AddressRefused, Allowed, Reach, is_public
from rowbell.errors import ConfigurationError, GiveUp

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_may_not_be_called(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Reach().admits("example.com", ip_address(address), 80)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("10.1.2.3", "any.example", "10.1.2.3", 80),
        ("10.1.2.3", "any.example", "::ffff:10.1.2.3", 80),
        ("::ffff:10.1.2.3", "any.example", "10.1.2.3", 80),
        ("10.0.0.0/8", "any.example", "10.9.9.9", 443),
        ("10.0.0.0/8:8080", "any.example", "10.9.9.9", 8080),
        ("::1", "any.example", "::1", 80),
        ("[::1]", "any.example", "::1", 80),
        ("[::1]:8080", "any.example", "::1", 8080),
        ("fd00::/8", "any.example", "fd12::1", 80),
        ("[fd00::/8]:443", "any.example", "fd12::1", 443),
        ("files.internal", "files.internal", "10.1.2.3", 80),
        ("FILES.internal.", "files.internal", "10.1.2.3", 80),
        ("bücher.internal", "xn--bcher-kva.internal", "10.1.2.3", 80),
        ("files.internal:8080", "files.internal", "10.1.2.3", 8080),
        ("*.internal", "a.b.internal", "10.1.2.3", 80),
        ("*.internal:8080", "a.internal", "10.1.2.3", 8080),
    ],
)
def test_an_entry_admits_what_it_names(entry: str, host: str, address: str, port: int) -> None:
    assert Reach([entry]).admits(host, ip_address(address), port)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("10.1.2.3", "any.example", "10.1.2.4", 80),
        ("10.1.2.3:8080", "any.example", "10.1.2.3", 80),
        ("10.0.0.0/8", "any.example", "64:ff9b::10.0.0.1", 80),
        ("[::1]:8080", "any.example", "::1", 80),
        ("files.internal", "evil.example", "10.1.2.3", 80),
        ("files.internal", "x.files.internal", "10.1.2.3", 80),
        ("files.internal:8080", "files.internal", "10.1.2.3", 80),
        ("*.internal", "internal", "10.1.2.3", 80),
        ("*.internal", "evilinternal", "10.1.2.3", 80),
        ("*.internal", "internal.evil.example", "10.1.2.3", 80),
    ],
)
def test_an_entry_admits_nothing_else(entry: str, host: str, address: str, port: int) -> None:
    assert not Reach([entry]).admits(host, ip_address(address), port)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.*",
        "a.*",
        "10.0.0",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "fd00::/8:443",
        "host:0",
        "host:65536",
        "host:http",
        "http://host",
        "host/path",
        "user@host",
        "[::1",
        "a..b",
    ],
)
def test_an_entry_that_names_nothing_stops_the_start(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="ROWBELL_HTTP_ALLOW") as caught:
        Allowed.parse(entry)
    assert repr(entry) in caught.value.message


def test_only_the_addresses_within_reach_are_chosen() -> None:
    addresses = [ip_address("10.0.0.1"), ip_address("8.8.8.8"), ip_address("::1")]
    assert Reach().choose("mixed.example", addresses, 80) == [ip_address("8.8.8.8")]


def test_a_refusal_names_the_host_the_address_and_the_remedy() -> None:
    with pytest.raises(AddressRefused) as caught:
        Reach().choose("metadata.example", [ip_address("169.254.169.254")], 80)
    assert isinstance(caught.value, GiveUp)
    assert str(caught.value) == (
        "http_request may not call metadata.example on port 80: 169.254.169.254 is not a public "
        "address. If tasks are meant to call it, add 169.254.169.254 to ROWBELL_HTTP_ALLOW."
    )
