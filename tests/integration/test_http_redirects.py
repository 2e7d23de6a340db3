"""http_request and redirects: where it follows, and what it takes along."""

from collections.abc import AsyncIterator

import httpx
import pytest

from rowbell.engine.kinds.http_hop import Hop
from rowbell.engine.kinds.http_payload import HttpRequest
from rowbell.engine.kinds.http_reach import AddressRefused
from rowbell.engine.kinds.http_request import HttpCaller
from rowbell.errors import GiveUp

from loopback import Server, Told, answer_of, serving

SECRETS = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "s"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        server.answers["/end"] = answer_of(200, b"here")
        yield server


@pytest.fixture
async def other() -> AsyncIterator[Server]:
    async with serving() as server:
        server.answers["/end"] = answer_of(200, b"there")
        yield server


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    caller = HttpCaller(("127.0.0.1",))
    yield caller
    await caller.close()


async def call(caller: HttpCaller, url: str, **fields: object) -> dict[str, object]:
    payload = HttpRequest.model_validate({"url": url} | fields)
    return await caller.run(payload, Told())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(server: Server, caller: HttpCaller, status: int) -> None:
    server.answers["/a/"] = answer_of(status, Location="../end")
    result = await call(caller, server.url("/a/"))
    assert (result["body"], result["url"]) == ("here", server.url("/end"))


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ],
)
async def test_the_status_decides_the_method_after_a_redirect(
    server: Server, caller: HttpCaller, status: int, method: str, then: str
) -> None:
    server.answers |= {"/": answer_of(status, Location="/end"), "/end": answer_of(200)}
    await call(caller, server.url(), method=method, json={"a": 1})
    last = server.requests[-1]
    assert last.method == then
    assert last.content == (b"" if then in ("GET", "HEAD") and method != then else b'{"a": 1}')
    assert ("content-type" in last.headers) == bool(last.content)


async def test_secrets_stay_at_the_origin_they_were_given_for(
    server: Server, other: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(307, Location=other.url("/end"))
    await call(caller, server.url(), method="POST", json=1, headers=SECRETS)
    for name in SECRETS:
        assert name.lower() in server.requests[0].headers
        assert name.lower() not in other.requests[0].headers
    assert other.requests[0].headers["content-type"] == "application/json"
    assert other.requests[0].headers["host"] == f"127.0.0.1:{other.port}"


async def test_secrets_do_not_come_back_after_a_detour(
    server: Server, other: Server, caller: HttpCaller
) -> None:
    server.answers["/"] = answer_of(302, Location=other.url("/"))
    other.answers["/"] = answer_of(302, Location=server.url("/end"))
    await call(caller, server.url(), headers=SECRETS)
    assert "authorization" not in server.requests[-1].headers


async def test_headers_are_kept_within_the_origin(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(302, Location="/end")
    await call(caller, server.url(), headers=SECRETS)
    assert server.requests[-1].headers["x-api-key"] == "s"


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("http://a.example/", "https://a.example/", True),
        ("http://a.example:8080/", "https://a.example/", False),
        ("https://a.example/", "http://a.example/", False),
        ("https://a.example/", "https://b.a.example/", False),
        ("https://a.example/", "https://A.example.:443/x", True),
    ],
)
def test_the_step_from_http_to_https_keeps_the_headers(start: str, end: str, kept: bool) -> None:
    hop = Hop("GET", httpx.URL(start), httpx.Headers(SECRETS), None)
    assert ("authorization" in hop.redirected(302, end).headers) is kept


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:1/",
        "http://[::1]:1/",
        "http://2130706434:1/",
        "//169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
async def test_a_redirect_to_an_address_out_of_reach_is_refused(
    server: Server, caller: HttpCaller, location: str
) -> None:
    server.answers["/"] = answer_of(302, Location=location)
    with pytest.raises(AddressRefused, match="ROWBELL_HTTP_ALLOW"):
        await call(caller, server.url())


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://[::1/"]
)
async def test_a_redirect_to_what_is_no_url_to_call_is_refused(
    server: Server, caller: HttpCaller, location: str
) -> None:
    server.answers["/"] = answer_of(302, Location=location)
    with pytest.raises(GiveUp, match="redirected to where it cannot go"):
        await call(caller, server.url())


async def test_five_redirects_are_followed(server: Server, caller: HttpCaller) -> None:
    for number in range(4):
        server.answers[f"/{number}"] = answer_of(302, Location=f"/{number + 1}")
    server.answers["/4"] = answer_of(302, Location="/end")
    assert (await call(caller, server.url("/0")))["body"] == "here"


async def test_a_loop_of_redirects_ends(server: Server, caller: HttpCaller) -> None:
    server.answers["/"] = answer_of(302, Location="/")
    with pytest.raises(GiveUp, match="too many"):
        await call(caller, server.url())
    assert len(server.requests) == 6


@pytest.mark.parametrize("fields", [{"follow_redirects": False}, {}])
async def test_a_redirect_that_is_not_followed_is_a_final_failure(
    server: Server, caller: HttpCaller, fields: dict[str, object]
) -> None:
    headers = {"Location": "/end"} if fields else {}
    server.answers["/"] = answer_of(302, **headers)
    with pytest.raises(GiveUp, match="302 Found: a redirect that was not followed"):
        await call(caller, server.url(), **fields)
