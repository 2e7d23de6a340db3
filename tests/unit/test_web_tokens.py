"""JSON Web Tokens: which are taken, and every way to forge one that is known."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from rowbell.api.key_set import KeySet, read
from rowbell.api.web_tokens import LEEWAY_SECONDS, WebTokens, claim
from rowbell.config import Settings
from rowbell.errors import ConfigurationError, Forbidden, RowbellError, Unauthenticated
from rowbell.viewer import Role, Viewer

SECRET = "s" * 40
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OURS = {"ROWBELL_JWT_ISSUER": "https://id.example", "ROWBELL_JWT_AUDIENCE": "rowbell"}


def claims(**changes: Any) -> dict[str, Any]:
    """Of a good token; None leaves a claim out."""
    given = {
        "iss": "https://id.example",
        "aud": "rowbell",
        "exp": int(time.time()) + 3_600,  # they are made when tests are collected
        "sub": "ann",
        "roles": ["producer"],
        "audiences": ["ops", "dev"],
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def rsa_entry(kid: str = "r1", key: rsa.RSAPrivateKey = RSA_KEY, **more: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


def ec_entry(kid: str = "e1", **more: Any) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": kid, **more}


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(rsa_entry(), ec_entry()))
    return file


@pytest.fixture
def shared() -> WebTokens:
    """Takes HS256."""
    return WebTokens(Settings.load({**OURS, "ROWBELL_JWT_SECRET": SECRET}))


@pytest.fixture
def public(keys_file: Path) -> WebTokens:
    """Takes RS256 and ES256."""
    return WebTokens(Settings.load({**OURS, "ROWBELL_JWT_KEYS": str(keys_file)}))


def signed(payload: dict[str, Any] | None = None, **headers: Any) -> str:
    return jwt.encode(payload or claims(), SECRET, "HS256", headers=headers)


def by_rsa(payload: dict[str, Any] | None = None, kid: str | None = "r1") -> str:
    return jwt.encode(payload or claims(), RSA_KEY, "RS256", headers={"kid": kid} if kid else None)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def replace(file: Path, text: bytes) -> None:
    file.write_bytes(text)


def by_hand(header: dict[str, Any], signature: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims()).encode())}"
    return f"{text}.{encoded(signature(text.encode()))}"


def hmac_with(key: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.new(key, text, hashlib.sha256).digest()


async def test_a_good_token_of_a_shared_secret_is_taken(shared: WebTokens) -> None:
    given = claims()
    admission = await shared.read(signed(given))
    assert admission.viewer == Viewer(
        role=Role.PRODUCER, subject="ann", audiences=frozenset({"ops", "dev"})
    )
    assert admission.expires_at == given["exp"] + LEEWAY_SECONDS
    assert admission.token is None


@pytest.mark.parametrize(
    "token",
    [by_rsa(), jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "e1"})],
    ids=["RS256", "ES256"],
)
async def test_a_good_token_of_a_public_key_is_taken(public: WebTokens, token: str) -> None:
    assert (await public.read(token)).viewer.subject == "ann"


WRONG = {
    "no exp": claims(exp=None),
    "no iss": claims(iss=None),
    "no aud": claims(aud=None),
    "no sub": claims(sub=None),
    "expired": claims(exp=int(time.time()) - LEEWAY_SECONDS - 1),
    "another issuer": claims(iss="https://evil.example"),
    "another audience": claims(aud="shop"),
    "audience that begins alike": claims(aud="rowbell2"),
    "not yet in force": claims(nbf=int(time.time()) + 3_600),
    "made in the future": claims(iat=int(time.time()) + 3_600),
    "exp that is a text": claims(exp="soon"),
    "exp that is no number": claims(exp=True, nbf=int(time.time()) + 3_600),
    "iss that is a list": claims(iss=["https://id.example"]),
    "subject of nothing": claims(sub=""),
    "subject that is long": claims(sub="a" * 201),
    "subject that is a number": claims(sub=7),
    "subject with NUL": claims(sub="a\0b"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_claim_that_is_wrong_is_refused(shared: WebTokens, wrong: str) -> None:
    text = json.dumps(WRONG[wrong]).encode()
    token = f"{encoded(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{encoded(text)}"
    signature = encoded(hmac_with(SECRET.encode())(token.encode()))
    with pytest.raises(Unauthenticated):
        await shared.read(f"{token}.{signature}")


PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

FORGED_FOR_PUBLIC = {
    "none": by_hand({"alg": "none", "kid": "r1"}, lambda _: b""),
    "None": by_hand({"alg": "NONE", "kid": "r1"}, lambda _: b""),
    "no algorithm": by_hand({"kid": "r1"}, lambda _: b""),
    "HS256 with the public key": by_hand({"alg": "HS256", "kid": "r1"}, hmac_with(PEM)),
    "HS256 with its DER": by_hand({"alg": "HS256", "kid": "r1"}, hmac_with(DER)),
    "HS256 with the entry": by_hand(
        {"alg": "HS256", "kid": "r1"}, hmac_with(json.dumps(rsa_entry()).encode())
    ),
    "HS256 with an empty key": by_hand({"alg": "HS256", "kid": "r1"}, hmac_with(b"")),
    "RS256 of another key": jwt.encode(claims(), OTHER_RSA_KEY, "RS256", headers={"kid": "r1"}),
    "a key in the header": jwt.encode(
        claims(), OTHER_RSA_KEY, "RS256", headers={"kid": "x", "jwk": rsa_entry("x", OTHER_RSA_KEY)}
    ),
    "an address of keys in the header": jwt.encode(
        claims(), OTHER_RSA_KEY, "RS256", headers={"kid": "x", "jku": "http://127.0.0.1:1/keys"}
    ),
    "the kid of the other type": by_rsa(kid="e1"),
    "an unknown kid": by_rsa(kid="nobody"),
    "a path as kid": by_rsa(kid="../../../etc/passwd"),
    "no kid, where there are two keys": by_rsa(kid=None),
    "RS384 with the right key": jwt.encode(claims(), RSA_KEY, "RS384", headers={"kid": "r1"}),
    "PS256 with the right key": jwt.encode(claims(), RSA_KEY, "PS256", headers={"kid": "r1"}),
    "an unknown critical header": jwt.encode(
        claims(), RSA_KEY, "RS256", headers={"kid": "r1", "crit": ["cap"], "cap": 1}
    ),
    "a cut signature": by_rsa()[:-4],
    "no signature": by_rsa().rpartition(".")[0] + ".",
    "two parts": by_rsa().rpartition(".")[0],
    "no token": "abc",
    "dots": "...",
    "a header that is no object": encoded(b"[]") + ".e30.e30",
    "a kid that is no text": by_hand({"alg": "RS256", "kid": ["r1"]}, lambda _: b"x"),
}


@pytest.mark.parametrize("forgery", FORGED_FOR_PUBLIC)
async def test_a_forged_token_of_a_public_key_is_refused(public: WebTokens, forgery: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await public.read(FORGED_FOR_PUBLIC[forgery])
    assert FORGED_FOR_PUBLIC[forgery] not in str(refused.value)


FORGED_FOR_SHARED = {
    "none": by_hand({"alg": "none"}, lambda _: b""),
    "another secret": jwt.encode(claims(), "t" * 40, "HS256"),
    "an empty secret": by_hand({"alg": "HS256"}, hmac_with(b"")),
    "HS512 with the secret": jwt.encode(claims(), SECRET * 2, "HS512"),
    "RS256": by_rsa(),
    "a cut signature": signed()[:-4],
}


@pytest.mark.parametrize("forgery", FORGED_FOR_SHARED)
async def test_a_forged_token_of_a_shared_secret_is_refused(
    shared: WebTokens, forgery: str
) -> None:
    with pytest.raises(Unauthenticated):
        await shared.read(FORGED_FOR_SHARED[forgery])


async def test_a_changed_payload_is_refused(shared: WebTokens) -> None:
    header, _, signature = signed().split(".")
    other = encoded(json.dumps(claims(roles=["admin"])).encode())
    with pytest.raises(Unauthenticated):
        await shared.read(f"{header}.{other}.{signature}")


async def test_an_end_beyond_all_time_is_no_trouble(shared: WebTokens) -> None:
    admission = await shared.read(signed(claims(exp=10**400)))
    assert admission.expires_at is not None
    assert admission.expires_at < 10**11


async def test_a_clock_that_is_a_little_behind_is_forgiven(shared: WebTokens) -> None:
    token = signed(claims(exp=int(time.time()) - 2, nbf=int(time.time()) + 2))
    assert (await shared.read(token)).viewer.subject == "ann"


@pytest.mark.parametrize(
    ("given", "role"),
    [
        (["producer", "operator", "reader"], Role.OPERATOR),
        ("reader producer", Role.PRODUCER),
        (["admin", 7, None, "chef"], Role.ADMIN),
    ],
)
async def test_the_highest_role_counts(shared: WebTokens, given: Any, role: Role) -> None:
    assert (await shared.read(signed(claims(roles=given)))).viewer.role is role


@pytest.mark.parametrize("given", [None, [], "", "administrator", {"admin": True}, 7, ["Admin"]])
async def test_a_token_without_a_role_of_ours_is_forbidden(shared: WebTokens, given: Any) -> None:
    with pytest.raises(Forbidden, match="roles"):
        await shared.read(signed(claims(roles=given)))


async def test_the_names_of_claims_are_settings() -> None:
    names = {
        "ROWBELL_JWT_SUBJECT_CLAIM": "email",
        "ROWBELL_JWT_ROLES_CLAIM": "realm_access.roles",
        "ROWBELL_JWT_AUDIENCES_CLAIM": "https://acme.example/teams",
    }
    reads = WebTokens(Settings.load({**OURS, **names, "ROWBELL_JWT_SECRET": SECRET}))
    token = signed(
        claims(
            email="ann@acme.example",
            realm_access={"roles": ["operator"]},
            **{"https://acme.example/teams": "ops"},
        )
    )
    viewer = (await reads.read(token)).viewer
    assert viewer == Viewer(
        role=Role.OPERATOR, subject="ann@acme.example", audiences=frozenset({"ops"})
    )


def test_a_claim_of_a_name_with_dots_goes_before_a_path() -> None:
    assert claim({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert claim({"a": {"b": 2}}, "a.b") == 2
    assert claim({"a": "text"}, "a.b") is None


async def test_a_file_of_keys_is_read_again_for_a_new_kid(keys_file: Path) -> None:
    keys = KeySet(str(keys_file), floor_seconds=0)
    assert await keys.key("r2") is None
    replace(keys_file, key_set(rsa_entry("r2", OTHER_RSA_KEY)))
    assert await keys.key("r2")
    assert await keys.key("r1") is None


async def test_unknown_kids_do_not_make_us_read_again_and_again(keys_file: Path) -> None:
    keys = KeySet(str(keys_file))
    await asyncio.gather(*(keys.key(f"x{number}") for number in range(100)))
    replace(keys_file, key_set(rsa_entry("x1")))
    assert await keys.key("x1") is None


async def test_keys_stay_while_a_file_is_broken(keys_file: Path) -> None:
    keys = KeySet(str(keys_file), floor_seconds=0)
    replace(keys_file, b"{")
    assert await keys.key("new") is None
    assert await keys.key("r1")


def test_only_keys_that_verify_are_read() -> None:
    unfit = [
        {"kty": "oct", "k": encoded(b"x" * 40), "kid": "shared"},
        rsa_entry("encrypts", use="enc"),
        rsa_entry("ps", alg="PS256"),
        {**ec_entry("curve"), "crv": "P-384"},
        rsa_entry("short", SHORT_RSA_KEY),
        {"kid": "nothing"},
    ]
    assert list(read(key_set(*unfit, rsa_entry("good", use="sig", alg="RS256")))) == ["good"]
    with pytest.raises(ConfigurationError, match="ROWBELL_JWT_KEYS"):
        read(key_set(*unfit))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7]}', b"\xff"])
def test_what_is_no_key_set_is_told(text: bytes) -> None:
    with pytest.raises(ConfigurationError, match="Key Set"):
        read(text)


def test_a_file_that_is_not_there_is_told_at_start() -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        WebTokens(Settings.load({**OURS, "ROWBELL_JWT_KEYS": "/nowhere/keys.json"}))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"JWT_SECRET": "short"}, "32 bytes"),
        ({"JWT_SECRET": SECRET, "JWT_AUDIENCE": ""}, "ROWBELL_JWT_AUDIENCE: set it"),
        ({"JWT_SECRET": SECRET, "JWT_ISSUER": ""}, "ROWBELL_JWT_ISSUER: set it"),
        ({"JWT_SECRET": SECRET, "JWT_KEYS": "a.json"}, "set one of them"),
        ({"JWT_KEYS": "http://id.example/keys"}, "https://"),
        ({"JWT_KEYS": "ftp://id.example/keys"}, "https://"),
        ({"JWT_KEYS": "http://localhost.evil.example/keys"}, "https://"),
        ({"JWT_KEYS": "http://localhost@evil.example/keys"}, "https://"),
        ({"JWT_KEYS": "http://localhost:80@evil.example/keys"}, "https://"),
        ({"OPEN": "perhaps"}, "ROWBELL_OPEN"),
    ],
)
def test_wrong_settings_are_told_and_secrets_are_not(given: dict[str, str], sentence: str) -> None:
    environment = {**OURS, **{f"ROWBELL_{name}": value for name, value in given.items()}}
    with pytest.raises(RowbellError, match=sentence) as refused:
        Settings.load(environment)
    assert SECRET not in str(refused.value)
    assert "short" not in str(refused.value)


def test_a_secret_is_masked_but_reaches_worker_processes() -> None:
    settings = Settings.load({**OURS, "ROWBELL_JWT_SECRET": SECRET})
    assert SECRET not in repr(settings)
    assert settings.environment()["ROWBELL_JWT_SECRET"] == SECRET


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.8.8", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "", "example.org")],  # noqa: S104
)
def test_only_loopback_is_loopback(host: str, is_loopback: bool) -> None:
    settings = Settings.load({}, host=host)
    assert settings.listens_on_loopback() is is_loopback
