"""The built-in kinds as the settings make them: from a row to what a server got."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from standardwebhooks import Webhook

from rowbell.config import Settings
from rowbell.db.pool import Database
from rowbell.engine.kinds import built_in

from integration.conftest import Engine, Tasks, until_event
from loopback import answer_of, serving
from mail_server import receiving

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
MAIL = json.dumps({"to": ["Bob <bob@example.net>"], "subject": "Hi", "text": "Hello"})


@asynccontextmanager
async def running(settings: Settings, **values: Any) -> AsyncIterator[None]:
    """An engine with the built-in kinds of these settings."""
    adjusted = Settings.load({}, **settings.model_dump() | values)
    database = await Database.open(adjusted.database_url or "", name="rowbell engine")
    try:
        async with built_in(adjusted) as handlers:
            engine = Engine(database, handlers, adjusted)
            await engine.start()
            try:
                yield
            finally:
                await engine.stop()
                await engine.worker.attempts.executors.close()
    finally:
        await database.close()


async def test_a_row_becomes_a_mail(settings: Settings, tasks: Tasks) -> None:
    async with receiving() as inbox:
        url = f"smtp://localhost:{inbox.port}?starttls=never"
        async with running(settings, smtp_url=url, smtp_sender="rowbell@example.org"):
            task = await tasks.insert("send_email", payload=MAIL)
            row = await tasks.until_status(task, "COMPLETED")
        assert json.loads(row["result"])["accepted"] == ["bob@example.net"]
        assert inbox.arrived()["Message-ID"].startswith(f"<rowbell.{task}.")


async def test_a_mail_fails_for_good_where_no_server_is_set(
    settings: Settings, tasks: Tasks
) -> None:
    async with running(settings):
        task = await tasks.insert("send_email", payload=MAIL)
        row = await tasks.until_status(task, "FAILED")
    assert "set ROWBELL_SMTP_URL" in json.loads(row["error"])["message"]
    assert row["failures"] == 1


async def test_a_row_becomes_a_signed_request_with_a_line_for_its_log(
    settings: Settings, tasks: Tasks, events: list[Any]
) -> None:
    async with serving() as server:
        server.answers["/"] = answer_of(200)
        secrets = {"http_allow": "127.0.0.1", "webhook_secrets": f"default={KEY}"}
        async with running(settings, **secrets):
            payload = {"url": server.url(), "method": "POST", "json": {"a": 1}, "sign": True}
            task = await tasks.insert("http_request", payload=json.dumps(payload))
            await tasks.until_status(task, "COMPLETED")
            line = await until_event(events, "task.logged", task=task, text="delivered")
    request = server.requests[0]
    assert request.headers["webhook-id"] == f"task_{task}"
    assert Webhook(KEY).verify(request.content, request.headers) == {"a": 1}
    assert (line["status"], line["url"]) == (200, server.url())
