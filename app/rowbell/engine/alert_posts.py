"""How an alert gets to ROWBELL_ALERT_URL: a POST, signed as Standard Webhooks describes."""

import asyncio
import os
import socket
import uuid
from datetime import UTC, datetime

import httpx
import orjson

from rowbell.config import Settings
from rowbell.db.alerts import Alert
from rowbell.logs import log
from rowbell.number import many

TRIES = 4
PAUSE_SECONDS = 1.0
"""Before the second try; twice as long before each further one."""
POST_SECONDS = 10.0


class AlertPosts:
    """Sends alerts one by one; redirects are not followed, and no proxy is taken."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.alert_url.get_secret_value() if settings.alert_url else ""
        self._secrets = settings.secret_for_alerts()

    async def send(self, alert: Alert) -> bool:
        """Whether it arrived; False after TRIES, and the log says why."""
        content = orjson.dumps(body_of(alert))
        webhook_id = f"alert_{uuid.uuid4().hex}"  # of all tries: the receiver knows a repetition
        problem = ""
        for number in range(TRIES):
            if number:
                await asyncio.sleep(PAUSE_SECONDS * 2 ** (number - 1))
            problem = await self._try(content, webhook_id)
            if not problem:
                log.info("alert.sent", condition=alert.condition, firing=alert.is_firing)
                return True
        log.warning("alert.failed", condition=alert.condition, tries=TRIES, reason=problem)
        return False

    async def _try(self, content: bytes, webhook_id: str) -> str:
        """Empty if it arrived, else why not. The URL may be a secret: it is not told."""
        headers = {"content-type": "application/json"}
        if self._secrets:
            now = int(datetime.now(UTC).timestamp())
            headers |= self._secrets.headers("alerts", webhook_id, now, content)
        try:
            async with asyncio.timeout(POST_SECONDS), httpx.AsyncClient(trust_env=False) as client:
                answer = await client.post(self._url, content=content, headers=headers)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            return f"{type(error).__name__}: {str(error) or 'no answer in time'}"
        return "" if answer.is_success else f"the answer was {answer.status_code}"


def body_of(alert: Alert) -> dict[str, object]:
    """type, timestamp and data as Standard Webhooks has them; `text`, for chats, says it all."""
    return {
        "type": f"rowbell.alert.{'firing' if alert.is_firing else 'resolved'}",
        "timestamp": datetime.now(UTC).isoformat(),
        "text": sentence(alert),
        "data": {
            "condition": alert.condition,
            "since": alert.since.isoformat(),
            "tasks": alert.tasks,
            "host": socket.gethostname(),
            "process": os.getpid(),
            **alert.detail,
        },
    }


def sentence(alert: Alert) -> str:
    detail = alert.detail
    if not alert.is_firing:
        return f"Rowbell: {_OVER[alert.condition]}"
    if alert.condition == "backlog":
        return (
            f"Rowbell: a {detail['kind']} task of the queue {detail['queue']} is due for"
            f" {detail['oldest_seconds']:.0f} s. The view rowbell.due_tasks says why."
        )
    if alert.condition == "listener":
        return (
            f"Rowbell: process {os.getpid()} on {socket.gethostname()} hears no bell for"
            f" {detail['seconds']:.0f} s: tasks wait for sweeps."
        )
    kinds = ", ".join(f"{kind} {count}" for kind, count in detail.get("kinds", {}).items())
    tasks = many(alert.tasks, "task has", "tasks have")
    return f"Rowbell: {tasks} FAILED ({kinds}). rowbell errors shows why."


_OVER = {
    "dead_tasks": "no further task has FAILED.",
    "backlog": "no task is due for long any more.",
    "listener": "the bell is heard again.",
}
