"""Alerts arrive, signed, and come again if they did not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from rowbell.config import Settings
from rowbell.db.alerts import Alert
from rowbell.db.pool import Database
from rowbell.engine import alert_posts
from rowbell.engine.alert_posts import AlertPosts, sentence
from rowbell.engine.alerts import Alerts
from rowbell.tally import Tally

from deadline import DEADLINE_SECONDS
from loopback import Server, answer_of, serving

SECRET = "whsec_" + "eHh4" * 8


@pytest.fixture
async def receiver() -> AsyncIterator[Server]:
    async with serving() as server:
        server.answers["/"] = answer_of(204)
        yield server


def told_of(receiver: Server, settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "alert_url": SecretStr(receiver.url()),
            "alert_secret": SecretStr(SECRET),
            "sweep_seconds": 0.05,
        }
    )


@asynccontextmanager
async def alerting(database: Database, settings: Settings, counted: Tally) -> AsyncIterator[None]:
    running = asyncio.create_task(Alerts(database, settings, counted).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def arrived(receiver: Server, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(receiver.requests) < count:
            await asyncio.sleep(0.01)
    return [orjson.loads(request.content) for request in receiver.requests]


async def test_a_backlog_arrives_signed_and_so_does_its_end(
    database: Database, settings: Settings, connection: asyncpg.Connection, receiver: Server
) -> None:
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at) values ('mail', now() - interval '1 hour')"
    )
    listens = Tally(is_listening=True)
    async with alerting(database, told_of(receiver, settings), listens):
        (firing,) = await arrived(receiver, 1)
        await connection.execute("delete from rowbell.tasks")
        _, resolved = await arrived(receiver, 2)
    assert (firing["type"], resolved["type"]) == ("rowbell.alert.firing", "rowbell.alert.resolved")
    assert firing["data"]["condition"] == "backlog"
    assert firing["data"]["kind"] == "mail"
    assert "a mail task of the queue default is due for 36" in firing["text"]
    request = receiver.requests[0]
    assert Webhook(SECRET).verify(request.content, request.headers) == firing


async def test_a_task_that_died_is_told_with_its_kind(
    database: Database, settings: Settings, connection: asyncpg.Connection, receiver: Server
) -> None:
    await connection.execute("select * from rowbell.look_for_alerts(1, '0', '15 min')")
    await connection.execute(
        "insert into rowbell.tasks (kind) values ('mail');"
        "update rowbell.tasks set status = 'PROCESSING', attempt = 1, started_at = now();"
        "update rowbell.tasks set status = 'FAILED', failures = 1, finished_at = now()"
    )
    await connection.execute("select rowbell.fold_journal()")
    async with alerting(database, told_of(receiver, settings), Tally(is_listening=True)):
        (firing,) = await arrived(receiver, 1)
    assert firing["data"]["tasks"] == 1
    assert "1 task has FAILED (mail 1)" in firing["text"]


async def test_a_lost_listener_is_told_although_postgresql_is_gone(
    database: Database, settings: Settings, receiver: Server
) -> None:
    database.hang_up()
    counted = Tally()
    limited = told_of(receiver, settings).model_copy(update={"alert_listener_seconds": 0.01})
    async with alerting(database, limited, counted):
        (firing,) = await arrived(receiver, 1)
        counted.is_listening = True
        _, resolved = await arrived(receiver, 2)
    assert firing["data"]["condition"] == resolved["data"]["condition"] == "listener"
    assert "hears no bell" in firing["text"]
    assert resolved["type"] == "rowbell.alert.resolved"


async def test_what_is_not_taken_is_sent_again_with_the_same_id(
    settings: Settings, receiver: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_posts, "PAUSE_SECONDS", 0.01)
    receiver.answers["/"] = answer_of(503)
    posts = AlertPosts(told_of(receiver, settings))
    assert not await posts.send(Alert("backlog", False, datetime.now(UTC)))
    assert len(receiver.requests) == alert_posts.TRIES
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_an_alert_that_did_not_arrive_is_not_noted_as_told(
    database: Database,
    settings: Settings,
    connection: asyncpg.Connection,
    receiver: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_posts, "PAUSE_SECONDS", 0.0)
    receiver.answers["/"] = answer_of(500)
    await connection.execute(
        "insert into rowbell.tasks (kind, run_at) values ('mail', now() - interval '1 hour')"
    )
    async with alerting(database, told_of(receiver, settings), Tally(is_listening=True)):
        await arrived(receiver, alert_posts.TRIES)
    row = await connection.fetchrow("select * from rowbell.alerts where condition = 'backlog'")
    assert (row["is_firing"], row["told_at"]) == (True, None)


def test_every_condition_has_a_sentence_for_its_end() -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    for condition in ("dead_tasks", "backlog", "listener"):
        assert sentence(Alert(condition, False, since)).endswith(".")
