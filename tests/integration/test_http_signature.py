"""http_request and signatures: receivers that verify them as Standard Webhooks says."""

import base64
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from rowbell.engine.kinds.http_payload import HttpRequest
from rowbell.engine.kinds.http_request import HttpCaller
from rowbell.errors import GiveUp
from rowbell.webhook_secrets import WebhookSecrets

from loopback import Request, Server, Told, answer_of, serving

NEW, OLD, OTHER = ("whsec_" + base64.b64encode(key * 32).decode() for key in (b"n", b"o", b"x"))
SIGNATURE = {"webhook-id", "webhook-timestamp", "webhook-signature"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        server.answers["/"] = answer_of(200)
        server.answers["/end"] = answer_of(200)
        yield server


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    secrets = WebhookSecrets.parse(f"default={NEW},{OLD} crm={OTHER}")
    caller = HttpCaller(("127.0.0.1",), secrets)
    yield caller
    await caller.close()


async def call(caller: HttpCaller, url: str, told: Told | None = None, **fields: object) -> None:
    payload = HttpRequest.model_validate({"url": url, "method": "POST"} | fields)
    await caller.run(payload, told or Told())


def verify(request: Request, key: str) -> None:
    Webhook(key).verify(request.content, request.headers, json_parse=False)


@pytest.mark.parametrize("content", [{"json": {"ä": [1, None]}}, {"body": "grüß dich"}, {}])
async def test_a_receiver_verifies_what_was_sent(
    server: Server, caller: HttpCaller, content: dict[str, object]
) -> None:
    await call(caller, server.url(), sign="crm", **content)
    verify(server.requests[0], OTHER)
    with pytest.raises(WebhookVerificationError):
        verify(server.requests[0], NEW)


async def test_while_a_key_is_replaced_receivers_know_either(
    server: Server, caller: HttpCaller
) -> None:
    await call(caller, server.url(), sign=True, json={"a": 1})
    verify(server.requests[0], NEW)
    verify(server.requests[0], OLD)


async def test_another_attempt_has_the_same_id(server: Server, caller: HttpCaller) -> None:
    await call(caller, server.url(), Told(7, attempt=1), sign=True)
    await call(caller, server.url(), Told(7, attempt=2), sign=True)
    assert [each.headers["webhook-id"] for each in server.requests] == ["task_7", "task_7"]


async def test_without_sign_nothing_is_signed(server: Server, caller: HttpCaller) -> None:
    await call(caller, server.url())
    assert not SIGNATURE & set(server.requests[0].headers)


@pytest.mark.parametrize("secrets", ["crm=" + OTHER, ""])
async def test_a_secret_that_is_not_there_fails_for_good(server: Server, secrets: str) -> None:
    caller = HttpCaller(("127.0.0.1",), WebhookSecrets.parse(secrets))
    with pytest.raises(GiveUp, match=r"no secret .default. .* ROWBELL_WEBHOOK_SECRETS"):
        await call(caller, server.url(), sign=True)
    assert server.connections == 0


async def test_a_signature_is_not_taken_to_another_origin(
    server: Server, caller: HttpCaller
) -> None:
    async with serving() as other:
        other.answers["/end"] = answer_of(200)
        server.answers["/"] = answer_of(307, Location=other.url("/end"))
        await call(caller, server.url(), sign=True, json={"a": 1})
        assert set(server.requests[0].headers) >= SIGNATURE
        assert other.requests[0].content == b'{"a": 1}'
        assert not SIGNATURE & set(other.requests[0].headers)


async def test_a_signature_stays_with_its_content_within_the_origin(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(308, Location="/end")
    await call(caller, server.url(), sign=True, json={"a": 1})
    verify(server.requests[1], NEW)


async def test_a_signature_does_not_go_without_its_content(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(303, Location="/end")
    await call(caller, server.url(), sign=True, json={"a": 1})
    assert (server.requests[1].method, server.requests[1].content) == ("GET", b"")
    assert not SIGNATURE & set(server.requests[1].headers)


@pytest.mark.parametrize(
    "fields",
    [
        {"sign": "Bad Name"},
        {"sign": 1.5},
        {"sign": None},
        {"sign": True, "headers": {"Webhook-Id": "mine"}},
    ],
)
def test_a_payload_that_cannot_be_signed_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HttpRequest.model_validate({"url": "https://example.com/"} | fields)


async def test_each_request_is_a_line_of_the_attempt(server: Server, caller: HttpCaller) -> None:
    server.answers["/?key=hush"] = answer_of(307, Location="/end?key=hush")
    server.answers["/end?key=hush"] = answer_of(200, b"hello")
    told = Told()
    await call(caller, server.url("/?key=hush"), told, body="abc")
    assert [text for text, _ in told.lines] == ["delivered", "delivered"]
    first, second = (fields for _, fields in told.lines)
    assert isinstance(first.pop("seconds"), float)
    assert first == {
        "method": "POST",
        "url": server.url("/"),
        "status": 307,
        "sent_bytes": 3,
        "read_bytes": 0,
    }
    assert (second["url"], second["status"], second["read_bytes"]) == (server.url("/end"), 200, 5)


async def test_a_request_that_got_no_answer_is_a_line_too(caller: HttpCaller) -> None:
    told = Told()
    with pytest.raises(Exception, match="failed"):
        await call(caller, "http://127.0.0.1:1/", told)
    ((text, fields),) = told.lines
    assert (text, fields["status"]) == ("not delivered", None)
