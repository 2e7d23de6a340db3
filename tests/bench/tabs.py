"""Tabs of Chromium that look at the page, and what that costs them.

Others have the cores as well, so tabs are judged by CPU time: the longest task of a main thread
is told in thread time, from a trace. Frames are told by the clock beside it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

WATCH_FRAMES = """
addEventListener("DOMContentLoaded", () => {
  window.gap = 0;
  let before = null;
  requestAnimationFrame(function frame(at) {
    if (before !== null) window.gap = Math.max(window.gap, at - before);
    before = at;
    requestAnimationFrame(frame);
  });
});
"""
TAKE_GAP = "(() => { const gap = window.gap; window.gap = 0; return gap; })()"
TRACED = {"includedCategories": ["disabled-by-default-devtools.timeline"]}
VIEWPORT = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Weight:
    """Of one tab, once its garbage is gone."""

    heap: float
    """Bytes."""
    nodes: int
    """Of the document, and of what is detached and still held."""
    listeners: int


class Tab:
    def __init__(self, page: Page) -> None:
        self.page = page
        self._session: CDPSession = page.context.new_cdp_session(page)

    def weight(self) -> Weight:
        self._session.send("HeapProfiler.collectGarbage")
        used = self._session.send("Runtime.getHeapUsage")["usedSize"]
        counted = self._session.send("Memory.getDOMCounters")
        return Weight(used, counted["nodes"], counted["jsEventListeners"])

    def longest_gap(self) -> float:
        """Milliseconds by the clock between two frames, since this was last asked."""
        return float(self.page.evaluate(TAKE_GAP))

    def close(self) -> None:
        self.page.context.close()


class Tabs:
    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._session = browser.new_browser_cdp_session()
        self._events: list[dict[str, Any]] = []
        self._is_traced = False
        self._session.on("Tracing.dataCollected", lambda told: self._events.extend(told["value"]))
        self._session.on("Tracing.tracingComplete", lambda _: setattr(self, "_is_traced", True))

    def open(self, place: str) -> Tab:
        """A tab of its own context; it draws frames all the time, so that gaps are seen."""
        context = self._browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
        context.add_init_script(WATCH_FRAMES)
        page = context.new_page()
        page.goto(f"{self._address}/{place}")
        return Tab(page)

    def cpu_seconds(self) -> float:
        """Of the processes that draw pages, so far."""
        told = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        return float(sum(each["cpuTime"] for each in told if each["type"] == "renderer"))

    def trace(self) -> None:
        """From here on, up to `longest_task`."""
        self._events.clear()
        self._is_traced = False
        self._session.send("Tracing.start", {"traceConfig": TRACED})

    def longest_task(self) -> float:
        """Milliseconds of CPU that a main thread spent in one task since `trace`."""
        self._session.send("Tracing.end")
        while not self._is_traced:
            self._session.send("Browser.getVersion")  # events arrive while something is asked
        mains = {
            (each["pid"], each["tid"])
            for each in self._events
            if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
        }
        spent = (
            each.get("tdur", 0)
            for each in self._events
            if each["name"] == "RunTask" and (each["pid"], each["tid"]) in mains
        )
        return max(spent, default=0) / 1000


@contextmanager
def tabs(address: str) -> Iterator[Tabs]:
    """Debian's Chromium, without the sandbox that root cannot have."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield Tabs(browser, address)
        browser.close()
