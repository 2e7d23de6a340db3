"""The public keys of who signs JWTs: a JSON Web Key Set in a file or behind a URL (RFC 7517)."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from rowbell.errors import ConfigurationError, Unavailable
from rowbell.logs import log

ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
"""What a key of each type may have signed. Symmetric keys have no place in a public set."""

FETCH_SECONDS = 5.0
FLOOR_SECONDS = 30.0
"""Between two reads: whoever invents kids must not make us ask the issuer for each."""

STALE_SECONDS = 3_600.0
"""Keys that are older are read again, so that one that was taken back is not taken for ever."""

MOST_BYTES = 1_048_576
_SHORTEST_RSA_BITS = 2_048


class KeySet:
    """Read when first asked for, for an unknown kid, and hourly; meanwhile the old keys stay."""

    def __init__(self, place: str, *, floor_seconds: float = FLOOR_SECONDS) -> None:
        self._place = place
        self._is_url = "://" in place
        self._floor = floor_seconds
        self._keys: dict[str | None, PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()
        if not self._is_url:
            self._keys = self._read_file()

    async def key(self, kid: str | None) -> PyJWK | None:
        """None if there is no such key. Raises Unavailable if no set could ever be read."""
        now = asyncio.get_running_loop().time()
        if self._find(kid) is None or self._read_at is None or now - self._read_at > STALE_SECONDS:
            await self._refresh()
        if self._read_at is None and not self._keys:
            raise Unavailable(
                "the keys that JWTs are checked with cannot be read.",
                hint="Try again in a minute; the log says why (keys.failed).",
            )
        return self._find(kid)

    def _find(self, kid: str | None) -> PyJWK | None:
        """A token without a kid means the only key, where there is only one."""
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        async with self._reading:  # whoever waited here finds that it has been tried just now
            now = asyncio.get_running_loop().time()
            if self._tried_at is not None and now - self._tried_at < self._floor:
                return
            self._tried_at = now
            try:
                self._keys = await self._fetch() if self._is_url else self._read_file()
                self._read_at = now
            except (httpx.HTTPError, TimeoutError, ConfigurationError) as error:
                log.warning(
                    "keys.failed", reason=str(error) or "no answer in time", kept=len(self._keys)
                )

    async def _fetch(self) -> dict[str | None, PyJWK]:
        body = bytearray()
        async with (
            asyncio.timeout(FETCH_SECONDS),
            httpx.AsyncClient(timeout=FETCH_SECONDS) as client,
            client.stream("GET", self._place, headers={"Accept": "application/json"}) as response,
        ):
            response.raise_for_status()  # a redirect is refused, too
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ConfigurationError(f"ROWBELL_JWT_KEYS has more than {MOST_BYTES} bytes.")
        return read(bytes(body))

    def _read_file(self) -> dict[str | None, PyJWK]:
        """Raises ConfigurationError."""
        try:
            return read(Path(self._place).read_bytes())
        except OSError as error:
            raise ConfigurationError(
                f"ROWBELL_JWT_KEYS: {self._place} cannot be read: {error.strerror}.",
                hint="Give the path of a JSON Web Key Set, or its https URL.",
            ) from error


def read(text: bytes) -> dict[str | None, PyJWK]:
    """The keys that verify RS256 or ES256, by kid. Raises ConfigurationError if there is none."""
    try:
        listed: Any = orjson.loads(text)["keys"]
        keys = {
            entry.get("kid"): PyJWK(entry, ALGORITHMS[entry["kty"]])
            for entry in listed
            if _fits(entry)
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError, PyJWTError):
        keys = {}
    if not keys:
        raise ConfigurationError(
            "ROWBELL_JWT_KEYS is no JSON Web Key Set with a public key for RS256 or ES256.",
            hint='It looks like {"keys": [{"kty": "RSA", "kid": "…", "n": "…", "e": "AQAB"}]}.',
        )
    return keys


def _fits(entry: dict[str, Any]) -> bool:
    algorithm = ALGORITHMS.get(entry.get("kty", ""))
    return (
        algorithm is not None
        and entry.get("alg", algorithm) == algorithm
        and entry.get("use", "sig") == "sig"
        and (entry["kty"] != "EC" or entry.get("crv") == "P-256")
        and (entry["kty"] != "RSA" or len(entry.get("n", "")) * 6 >= _SHORTEST_RSA_BITS)
    )
