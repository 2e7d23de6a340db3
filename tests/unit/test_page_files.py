"""How the files of the operations page are served."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from rowbell.api.page_files import PageFiles

UPLOT = "/dashboard/vendor/uplot-1.6.32/uPlot.esm.js"


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    files = PageFiles()
    app = Starlette(routes=[Route("/", files), Route("/dashboard/{file:path}", files)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as browser:
        yield browser


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/vendor/htm-3.1.1/htm.mjs", "text/javascript; charset=utf-8"),
        ("/dashboard/look.css", "text/css; charset=utf-8"),
        ("/dashboard/bell.svg", "image/svg+xml"),
        ("/dashboard/vendor/uplot-1.6.32/LICENSE", "text/plain; charset=utf-8"),
    ],
)
async def test_a_file_has_the_type_that_browsers_need(
    browser: httpx.AsyncClient, path: str, form: str
) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, form)


async def test_what_a_browser_has_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/dashboard/main.js"):
        first = await browser.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = await browser.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_files_that_the_page_names_are_there_and_never_asked_for_again(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/")).text
    named = set(re.findall(r'"(?:\./)?(dashboard/[^"]+)"', page))
    assert len(named) > 40
    for path in named:
        answer = await browser.get(f"/{path}")
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)


async def test_the_first_paint_waits_for_one_file_of_styles(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/")).text
    (path,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)
    styles = (await browser.get(f"/{path}")).text
    for name in ("look.css", "views/workers.css", "vendor/uplot-1.6.32/uPlot.min.css"):
        assert (await browser.get(f"/dashboard/{name}")).text in styles


async def test_a_file_of_a_version_is_kept_for_ever_and_sent_small(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get(UPLOT, headers={"accept-encoding": "gzip"})
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    plain = await browser.get(UPLOT, headers={"accept-encoding": "identity"})
    assert plain.content == answer.content
    assert int(answer.headers["content-length"]) < len(plain.content) / 2


async def test_the_policy_takes_nothing_from_elsewhere_and_no_inline_code(
    browser: httpx.AsyncClient,
) -> None:
    policy = (await browser.get("/")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "style-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["nothing.js", "%2e%2e/pages.py", "vendor", "vendor/%2e%2e/main.js"]
)
async def test_nothing_but_the_files_is_served(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(f"/dashboard/{path}")).status_code == 404
