"""JSON Web Tokens: whose they are, if they are genuine, in force, and meant for us (RFC 8725)."""

from collections.abc import Mapping
from typing import Any

import jwt
from jwt.exceptions import ExpiredSignatureError, ImmatureSignatureError, InvalidTokenError

from rowbell.api.admission import Admission
from rowbell.api.key_set import ALGORITHMS, KeySet
from rowbell.config import Settings
from rowbell.errors import Forbidden, Unauthenticated
from rowbell.viewer import Role, Viewer

LEEWAY_SECONDS = 10
"""What the issuer's clock may differ from ours."""

_MOST_AUDIENCES = 100
_LATEST = 2**33
"""Seconds since the epoch, in the year 2242: an exp beyond it would fit no timer."""
_LONGEST_SUBJECT = 200


class WebTokens:
    """Which algorithm is taken is decided by our settings, never by what a token says of itself."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError if the file of the keys cannot be used."""
        self._settings = settings
        secret = settings.jwt_secret
        self._secret = secret.get_secret_value() if secret else None
        self._keys = KeySet(settings.jwt_keys) if settings.jwt_keys else None

    async def read(self, token: str) -> Admission:
        """Raises Unauthenticated, Forbidden (no role of ours), Unavailable (no keys)."""
        try:
            claims = await self._verified(token)
        except ExpiredSignatureError:
            raise Unauthenticated("the JWT has expired.", hint="Sign in again.") from None
        except ImmatureSignatureError:
            raise Unauthenticated(
                "the JWT is not in force yet.", hint="Check the clocks of both machines."
            ) from None
        except (InvalidTokenError, ValueError) as error:
            # The library's words name the claim that is wrong, and never repeat the token.
            words = str(error) if isinstance(error, InvalidTokenError) else "it cannot be read"
            raise Unauthenticated(f"the JWT is not taken: {words}.") from None
        return Admission(self._viewer(claims), expires_at=claims["exp"] + LEEWAY_SECONDS)

    async def _verified(self, token: str) -> dict[str, Any]:
        """Raises InvalidTokenError, Unavailable."""
        if self._secret is not None:
            return self._decode(token, self._secret, "HS256")
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        key = await self._keys.key(kid) if self._keys else None
        if key is None:
            raise InvalidTokenError("no key of the issuer has its kid")
        return self._decode(token, key.key, ALGORITHMS[key.key_type or ""])

    def _decode(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._settings.jwt_issuer,
            audience=self._settings.jwt_audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )
        return {**claims, "exp": min(int(claims["exp"]), _LATEST)}

    def _viewer(self, claims: Mapping[str, Any]) -> Viewer:
        """Raises Unauthenticated, Forbidden."""
        subject = claim(claims, self._settings.jwt_subject_claim)
        if (
            not isinstance(subject, str)
            or not 1 <= len(subject) <= _LONGEST_SUBJECT
            or "\0" in subject
        ):
            raise Unauthenticated(
                f"the JWT has no subject of 1 to {_LONGEST_SUBJECT} characters in the claim"
                f" {self._settings.jwt_subject_claim}."
            )
        names = words(claim(claims, self._settings.jwt_roles_claim))
        roles = [role for role in Role if role in names]
        if not roles:
            raise Forbidden(
                "the JWT gives no role here.",
                hint=f"The claim {self._settings.jwt_roles_claim} has to have one of"
                f" {', '.join(Role)}.",
            )
        audiences = words(claim(claims, self._settings.jwt_audiences_claim))
        if len(audiences) > _MOST_AUDIENCES or any("\0" in each for each in audiences):
            raise Forbidden(f"the JWT has more than {_MOST_AUDIENCES} audiences, or NUL in one.")
        return Viewer(role=roles[-1], subject=subject, audiences=frozenset(audiences))


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name; if there is none, of this path: realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def words(value: object) -> list[str]:
    """Of a list, or of a text with blanks between, as in the claim `scope` of OAuth."""
    if isinstance(value, str):
        return value.split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
