"""Fixtures: a real service with real work, and a real browser that forgives nothing.

`page` is a tab at the service, on the view Now; `open_page(…)` opens others. A test fails if a page
wrote an error to the console, raised one, or broke its Content-Security-Policy.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from rowbell.db.embedded.place import Place

from e2e.service import Service

HERE = Path(__file__).parent
PATIENCE_MS = 10_000

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`rowbell serve` with the handlers of page_tasks.py; tests leave it running."""
    home = tmp_path_factory.mktemp("page") / "home"
    with _serving(home, handlers="page_tasks") as service:
        yield service


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a service that the test may break; settings by name."""
    with ExitStack() as stack:
        yield lambda **env: stack.enter_context(_serving(tmp_path / "home", **env))


class _serving:  # noqa: N801 - a function, but one that may end early
    def __init__(self, home: Path, **env: str) -> None:
        self._home = home
        self.service = Service(
            "serve",
            home=home,
            modules=HERE,
            **{"sweep_seconds": "1", "drain_seconds": "2", "log_format": "json", **env},
        )

    def __enter__(self) -> Service:
        self.service.wait_for("service.ready")
        return self.service

    def __exit__(self, *_: object) -> None:
        if self.service.process.poll() is None:
            self.service.stop()
        shutil.rmtree(Place.of(self._home).folder, ignore_errors=True)


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
    # What a test that takes the service away has to expect, and nothing else.
    if message.type in ("error", "warning") and "ERR_CONNECTION_REFUSED" not in message.text:
        yield f"{message.type}: {message.text}"


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A tab on the view Now, as wide as a laptop."""
    return open_page()
