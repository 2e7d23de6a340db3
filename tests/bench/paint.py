"""How soon the page is there, with ten million tasks and with ten thousand: Now and Tasks.

From tests/: python -m bench.paint [--tasks 10000000] [--runs 10]. A server of its own with two
filled databases (a quarter of an hour, 6 GB) and a `rowbell api` on each; each run is a new tab of
a browser that has no file of the page, once on each, in turns. Medians in milliseconds since the
navigation began: the first paint of anything, and the frame that shows the rows (queues, tasks).
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.filling import filled
from e2e.service import Service

FEW = 10_000
ROWS = {
    "#/now": ".view-now tbody tr",
    "#/tasks": ".view-tasks tbody tr",
    "#/tasks?status=FAILED": ".view-tasks tbody tr",
    "#/tasks?status=COMPLETED": ".view-tasks tbody tr",
}
SHOWN = """
globalThis.shown = new Promise((resolve) => new MutationObserver((_, watching) => {
  if (!document.querySelector("%s")) return;
  watching.disconnect();
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
}).observe(document, { childList: true, subtree: true }));
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.paint")
    parser.add_argument("--tasks", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    with ExitStack() as stack:
        urls = stack.enter_context(filled(options.tasks, FEW))
        measure(urls, options.runs)


def measure(urls: dict[int, str], runs: int) -> None:
    """Print a line for each view and number of tasks."""
    with ExitStack() as stack:
        addresses = {tasks: stack.enter_context(_served(url)) for tasks, url in urls.items()}
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        stack.callback(browser.close)
        print("| view | tasks | first paint ms | rows shown ms |\n|---|--:|--:|--:|")
        for view, rows in ROWS.items():
            taken: dict[int, list[tuple[float, float]]] = {tasks: [] for tasks in addresses}
            for run in range(-1, runs):
                for tasks in sorted(addresses, reverse=run % 2 == 0):
                    seen = _visit(browser, f"{addresses[tasks]}/{view}", rows)
                    if run >= 0:  # the first visit warms the service
                        taken[tasks].append(seen)
            for tasks, seen in taken.items():
                painted, shown = (statistics.median(each) for each in zip(*seen, strict=True))
                print(f"| {view} | {tasks:,} | {painted:.0f} | {shown:.0f} |", flush=True)


@contextmanager
def _served(url: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as home:
        service = Service("api", home=Path(home), database_url=url, log_format="json")
        try:
            yield service.address
        finally:
            service.stop()


def _visit(browser: Browser, place: str, rows: str) -> tuple[float, float]:
    """Milliseconds to the first paint, and until the rows are shown."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.add_init_script(SHOWN % rows)
        page = context.new_page()
        page.goto(place)
        shown = page.evaluate("globalThis.shown")
        return page.evaluate(PAINTED), shown


if __name__ == "__main__":
    main()
