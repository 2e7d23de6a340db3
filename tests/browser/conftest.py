"""Fixtures: a real service with real work, and a real browser that forgives nothing.

`page` is a tab at the service, on the view Now; `open_page(…)` opens others. A test fails if a page
wrote an error to the console, raised one, or broke its Content-Security-Policy.
"""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from rowbell.db.embedded import psql_path

from deadline import DEADLINE_SECONDS
from e2e.service import Service
from postgres import Server

HERE = Path(__file__).parent
PATIENCE_MS = DEADLINE_SECONDS * 1_000

OpenPage = Callable[..., Page]
OwnService = Callable[..., Service]


@pytest.fixture(scope="session")
def service(
    servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """`rowbell serve` with the handlers of page_tasks.py; tests leave it running."""
    database_url = _database(servers("packaged"))
    service = _serve(database_url, tmp_path_factory.mktemp("home"), handlers="page_tasks")
    yield service
    service.stop()


@pytest.fixture
def own_service(servers: Callable[[str], Server], tmp_path: Path) -> Iterator[OwnService]:
    """Start services on a database of the test, which it may end; settings by name."""
    database_url = _database(servers("packaged"))
    with ExitStack() as stack:

        def start(**env: str) -> Service:
            service = _serve(database_url, tmp_path, **env)
            stack.callback(service.stop)
            return service

        yield start


def _database(server: Server) -> str:
    name = f"page_{uuid.uuid4().hex[:12]}"
    create = [psql_path(), server.url(), "-XqAt", "-c", f"create database {name}"]
    subprocess.run(create, check=True, timeout=60)
    return server.url(name)


def _serve(database_url: str, home: Path, **env: str) -> Service:
    settings = {"sweep_seconds": "1", "drain_seconds": "2", "log_format": "json", **env}
    service = Service("serve", home=home, modules=HERE, database_url=database_url, **settings)
    service.url = database_url
    service.wait_for("service.ready")
    return service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Of a module: while it is there, no other test may run an event loop."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        # Without its sandbox, which root cannot have; it sees nothing but loopback.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[OpenPage]:
    """Open a tab: open_page("#/workers", width=360, dark=True); `at` is another service."""
    expect.set_options(timeout=PATIENCE_MS)
    complaints: list[str] = []
    with ExitStack() as stack:

        def open_page(
            place: str = "",
            *,
            at: str = "",
            width: int = 1280,
            dark: bool = False,
            **options: object,
        ) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
                **options,  # type: ignore[arg-type]
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(REPORT_VIOLATIONS)
            page = context.new_page()
            page.on("console", lambda message: complaints.extend(_complaint(message)))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"{at or service.address}/{place}")
            return page

        yield open_page
    assert complaints == []


REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`${event.violatedDirective} was violated by ${event.blockedURI} ${event.sample}`));
"""


def _complaint(message: ConsoleMessage) -> Iterator[str]:
    is_bad = message.type in ("error", "warning")
    if is_bad and not any(expected in message.text for expected in SERVICE_ENDS):
        yield f"{message.type}: {message.text}"


SERVICE_ENDS = ("ERR_CONNECTION_REFUSED", "Unexpected response code: 503")
"""What browsers complain of when a test takes the service away; nothing else is forgiven."""


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A tab on the view Now, as wide as a laptop."""
    return open_page()
