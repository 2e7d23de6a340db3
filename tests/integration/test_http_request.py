"""http_request against real servers on loopback: what counts as a success, and what is kept."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rowbell.engine.kinds.http_answer import KEPT_BYTES, HttpFailed
from rowbell.engine.kinds.http_payload import HttpRequest
from rowbell.engine.kinds.http_request import HttpCaller
from rowbell.errors import GiveUp, RetryLater

from deadline import DEADLINE_SECONDS
from loopback import Request, Server, Told, answer_of, serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    caller = HttpCaller(("127.0.0.1",))
    yield caller
    await caller.close()


async def call(caller: HttpCaller, url: str, **fields: object) -> dict[str, object]:
    return await caller.run(HttpRequest.model_validate({"url": url} | fields), Told())


async def test_a_json_answer_becomes_the_result(server: Server, caller: HttpCaller) -> None:
    server.answers["/a?b=c"] = answer_of(
        201, b'{"id": 7}', Content_Type="application/json", ETag='"x"', Set_Cookie="a=b"
    )
    result = await call(caller, server.url("/a?b=c"))
    assert isinstance(result.pop("seconds"), float)
    assert result == {
        "status": 201,
        "headers": {"content-type": "application/json", "etag": '"x"'},
        "body": {"id": 7},
        "truncated": False,
        "url": server.url("/a?b=c"),
    }


async def test_a_text_answer_is_kept_as_text(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(200, "grüß dich".encode(), Content_Type="text/plain")
    assert (await call(caller, server.url()))["body"] == "grüß dich"


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("HEAD", 200)])
async def test_an_answer_without_content_has_no_body(
    server: Server, caller: HttpCaller, method: str, status: int
) -> None:
    server.answers["/"] = answer_of(status)
    assert (await call(caller, server.url(), method=method))["body"] is None


async def test_the_request_is_sent_as_given(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(200)
    await call(caller, server.url(), method="POST", json={"a": 1}, headers={"X-Key": "k"})
    request = server.requests[0]
    assert request.method == "POST"
    assert json.loads(request.content) == {"a": 1}
    assert request.headers["x-key"] == "k"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["idempotency-key"] == "rowbell-42"
    assert request.headers["user-agent"].startswith("rowbell/")


async def test_headers_of_the_payload_win_over_the_default_ones(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(200)
    await call(caller, server.url(), headers={"idempotency-key": "mine", "USER-AGENT": "me"})
    assert server.requests[0].headers["idempotency-key"] == "mine"
    assert server.requests[0].headers["user-agent"] == "me"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (304, GiveUp),
        (400, GiveUp),
        (401, GiveUp),
        (404, GiveUp),
        (409, GiveUp),
        (410, GiveUp),
        (422, GiveUp),
        (408, HttpFailed),
        (425, HttpFailed),
        (429, HttpFailed),
        (500, HttpFailed),
        (502, HttpFailed),
        (503, HttpFailed),
        (599, HttpFailed),
    ],
)
async def test_a_status_decides_whether_another_attempt_is_made(
    server: Server, caller: HttpCaller, status: int, error: type[Exception]
) -> None:
    server.answers["/?token=secret"] = answer_of(status)
    with pytest.raises(error, match=f"GET .* was answered {status}") as caught:
        await call(caller, server.url("/?token=secret"))
    assert "secret" not in str(caught.value)


async def test_a_failure_quotes_how_the_answer_begins(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(422, b'{"why": "no"}', Content_Type="application/json")
    with pytest.raises(GiveUp, match=r'422 Unprocessable \w+: \{"why":"no"\}$'):
        await call(caller, server.url())


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_is_honoured(
    server: Server, caller: HttpCaller, status: int
) -> None:
    server.answers["/"] = answer_of(status, Retry_After="17")
    with pytest.raises(RetryLater) as caught:
        await call(caller, server.url())
    assert caught.value.seconds == 17


async def test_retry_after_as_a_date_is_honoured(server: Server, caller: HttpCaller) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.answers["/"] = answer_of(503, Retry_After=moment)
    with pytest.raises(RetryLater) as caught:
        await call(caller, server.url())
    assert 3_500 < caught.value.seconds <= 3_600


async def test_retry_after_changes_nothing_about_a_final_failure(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(403, Retry_After="17")
    with pytest.raises(GiveUp):
        await call(caller, server.url())


async def test_a_server_that_never_answers_meets_the_deadline(
    server: Server, caller: HttpCaller
) -> None:
    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await server.stopping.wait()

    server.answers["/"] = silent
    with pytest.raises(HttpFailed, match=r"was not answered in full within 0\.2 s"):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await call(caller, server.url(), timeout_seconds=0.2)


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "],
    ids=["body", "header"],
)
async def test_a_server_that_drips_for_ever_meets_the_deadline(
    server: Server, caller: HttpCaller, beginning: bytes
) -> None:
    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while not server.stopping.is_set():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)  # the drip itself: nothing waits for it

    server.answers["/"] = drip
    with pytest.raises(HttpFailed, match=r"within 0\.3 s"):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await call(caller, server.url(), timeout_seconds=0.3)


async def test_only_the_beginning_of_an_endless_answer_is_read(
    server: Server, caller: HttpCaller
) -> None:
    left = asyncio.Event()

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while not server.stopping.is_set():
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            left.set()

    server.answers["/"] = endless
    result = await call(caller, server.url())
    assert result["truncated"] is True
    assert result["body"] == "x" * KEPT_BYTES
    await left.wait()


async def test_a_json_answer_that_is_too_long_is_kept_as_text(
    server: Server, caller: HttpCaller
) -> None:
    content = json.dumps(["x" * KEPT_BYTES]).encode()
    server.answers["/"] = answer_of(200, content, Content_Type="application/json")
    result = await call(caller, server.url())
    assert result["truncated"] is True
    assert result["body"] == content.decode()[:KEPT_BYTES]


async def test_a_packed_answer_is_unpacked(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(200, gzip.compress(b"hello"), Content_Encoding="gzip")
    assert (await call(caller, server.url()))["body"] == "hello"


async def test_a_gzip_bomb_takes_no_memory(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(200, gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    server.answers["/warm"] = answer_of(200)
    await call(caller, server.url("/warm"))
    tracemalloc.start()
    result = await call(caller, server.url())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result["body"] == "x" * KEPT_BYTES
    assert peak < 2_000_000


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "gzip"])
async def test_an_answer_that_cannot_be_unpacked_is_still_a_success(
    server: Server, caller: HttpCaller, encoding: str
) -> None:
    server.answers["/"] = answer_of(200, b"not packed", Content_Encoding=encoding)
    result = await call(caller, server.url())
    assert (result["status"], result["body"]) == (200, None)
    assert result["headers"] == {"content-encoding": encoding}


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
async def test_a_connection_that_is_lost_is_tried_again(
    server: Server, caller: HttpCaller, beginning: bytes
) -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)

    server.answers["/"] = hang_up
    with pytest.raises(HttpFailed, match=r"GET .* failed: "):
        await call(caller, server.url())


async def test_an_answer_that_is_not_http_is_tried_again(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = b"220 smtp.example.com ESMTP\r\n\r\n"
    with pytest.raises(HttpFailed, match=r"GET .* failed: "):
        await call(caller, server.url())


async def test_cookies_are_not_kept_from_one_task_to_the_next(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(200, Set_Cookie="session=1")
    await call(caller, server.url())
    await call(caller, server.url())
    assert "cookie" not in server.requests[1].headers


async def test_tasks_share_a_connection(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(200, b"x")
    await call(caller, server.url())
    await call(caller, server.url())
    assert (len(server.requests), server.connections) == (2, 1)


async def test_a_deadline_that_was_missed_leaves_the_caller_usable(server: Server) -> None:
    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await server.stopping.wait()

    server.answers |= {"/silent": silent, "/": answer_of(200)}
    caller = HttpCaller(("127.0.0.1",), connections=1)
    with pytest.raises(HttpFailed):
        await call(caller, server.url("/silent"), timeout_seconds=0.1)
    assert (await call(caller, server.url()))["status"] == 200
    await caller.close()


async def test_a_caller_that_was_closed_can_be_closed_again_and_used_again(
    server: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(200)
    await call(caller, server.url())
    await caller.close()
    await caller.close()
    assert (await call(caller, server.url()))["status"] == 200


async def test_the_trace_goes_on_with_the_request_unless_it_names_another(
    server: Server, caller: HttpCaller
) -> None:
    ours, theirs = (f"00-{digit * 32}-{digit * 16}-01" for digit in "ab")
    server.answers["/"] = answer_of(200, b"")
    plain = HttpRequest.model_validate({"url": server.url()})
    await caller.run(plain, Told(traceparent=ours))
    named = HttpRequest.model_validate({"url": server.url(), "headers": {"traceparent": theirs}})
    await caller.run(named, Told(traceparent=ours))
    assert [request.headers["traceparent"] for request in server.requests] == [ours, theirs]
