"""Named secrets that sign webhooks as https://www.standardwebhooks.com describes."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from rowbell.task import NAME

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
SHAPE = "write name=whsec_NEW,whsec_OLD and a blank before the next name"


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """Secrets by name; each has several keys while one is replaced by another."""

    _keys: dict[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> "WebhookSecrets":
        """Read `billing=whsec_NEW,whsec_OLD crm=whsec_OTHER`.

        Raises ValueError with a sentence that repeats no key.
        """
        keys: dict[str, tuple[bytes, ...]] = {}
        for position, entry in enumerate(text.split(), 1):
            name, equals, values = entry.partition("=")
            if not equals or not NAME.match(name):
                raise ValueError(f"entry {position} does not begin with a name and =: {SHAPE}")
            if name in keys:
                raise ValueError(f"{name} is given twice: put its keys together, as {name}=NEW,OLD")
            keys[name] = tuple(
                _key(value, f"key {number} of {name}")
                for number, value in enumerate(values.split(","), 1)
            )
        return cls(keys)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def headers(self, name: str, webhook_id: str, timestamp: int, content: bytes) -> dict[str, str]:
        """The headers that prove where a webhook comes from; `timestamp` in seconds of Unix.

        Every key of the name signs, the newest first, so that a receiver may know old or new.
        """
        signed = f"{webhook_id}.{timestamp}.".encode() + content
        digests = (hmac.digest(key, signed, hashlib.sha256) for key in self._keys[name])
        signatures = (f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _key(text: str, where: str) -> bytes:
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        key = b""
    if encoded == text or not key:
        raise ValueError(f"{where} is not {PREFIX} and base64 after it: {SHAPE}")
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"{where} has {len(key)} bytes, not {LEAST_BYTES} to {MOST_BYTES}")
    return key
