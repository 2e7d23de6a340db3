"""axe-core looks at every view, light and dark: nothing that is serious or critical."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from browser.task_rows import insert, new_queue, rows, wait
from clients import node_program
from e2e.service import Service

VIEWS = ["now", "tasks", "errors", "workers", "bell", "schedules", "database"]
GRAVE = ("serious", "critical")

LOOK = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help,
    where: nodes.slice(0, 3).map(({ html, failureSummary }) => html + " " + failureSummary),
  }));
}
"""


@pytest.fixture(scope="session")
def axe() -> str:
    """Its source: it is no part of the page, and runs in it as the debugger's code does."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: apt-get install nodejs npm")
    return (Path(node_program.installed()) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def work(service: Service) -> Iterator[tuple[str, int]]:
    """A queue with tasks of every sort; one that has failed."""
    queue = new_queue()
    failed = insert(service, queue, "fail_always", description="a description")
    insert(service, queue, "render", payload={"pages": 2})
    running = insert(service, queue, "wait_for_ever")
    insert(service, queue, run_at="2100-01-01")
    wait(service, queue, "FAILED")
    wait(service, queue, "PROCESSING")
    yield queue, failed
    service.psql(f"select rowbell.cancel({running})")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_has_a_grave_fault(
    open_page: OpenPage, axe: str, work: tuple[str, int], dark: bool
) -> None:
    _, failed = work
    page = open_page("#/now", dark=dark)
    page.evaluate(axe)
    for place in [*VIEWS, f"task/{failed}"]:
        page.goto(f"{page.url.partition('#')[0]}#/{place}")
        expect(page.locator(f"main.view-{place.split('/')[0]}")).to_be_visible()
        expect(page.get_by_text("Reading …")).to_have_count(0)
        expect(page.locator("main .panel, main form").first).to_be_visible()
        assert _grave(page) == [], place


def test_no_dialog_of_tasks_has_a_grave_fault(
    open_page: OpenPage, axe: str, work: tuple[str, int]
) -> None:
    queue, _ = work
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(4)
    page.evaluate(axe)
    for key, name in [("r", "Retry tasks"), ("e", "Export"), ("i", "New task"), ("?", "Keys")]:
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        assert _grave(page) == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_no_view_is_wider_than_a_telephone(open_page: OpenPage, work: tuple[str, int]) -> None:
    _, failed = work
    page = open_page("#/now", width=360)
    for place in [*VIEWS, f"task/{failed}"]:
        page.goto(f"{page.url.partition('#')[0]}#/{place}")
        expect(page.locator(f"main.view-{place.split('/')[0]}")).to_be_visible()
        expect(page.get_by_text("Reading …")).to_have_count(0)
        expect(page.locator("main .panel, main form").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place


def _grave(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(LOOK)
    return [each for each in found if each["impact"] in GRAVE]
