"""Requests of http_request that prove where they come from (https://www.standardwebhooks.com)."""

from datetime import datetime

from rowbell.engine.kinds.http_hop import Hop
from rowbell.errors import GiveUp
from rowbell.webhook_secrets import WebhookSecrets

SETTING = "ROWBELL_WEBHOOK_SECRETS"
DEFAULT = "default"
"""The name of the secret that `"sign": true` means."""


def sign(hop: Hop, secrets: WebhookSecrets, name: str | bool, task_id: int, now: datetime) -> None:
    """Add the headers of the signature. Raises GiveUp if there is no such secret.

    The id is the task's, so that a receiver knows a repetition; the time is the attempt's, because
    receivers refuse what is some minutes old.
    """
    known = DEFAULT if name is True else str(name)
    if known not in secrets:
        raise GiveUp(f"There is no secret {known!r} to sign with: add it to {SETTING}.")
    timestamp = int(now.timestamp())
    hop.headers.update(secrets.headers(known, f"task_{task_id}", timestamp, hop.content or b""))
