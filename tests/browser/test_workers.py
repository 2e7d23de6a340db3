"""The views Workers and Bell, driven on a service that works."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from e2e.service import Service


@pytest.fixture
def running(service: Service) -> Iterator[str]:
    """The id of a task that runs until the end of the test."""
    insert = "insert into rowbell.tasks (kind, description) values ('wait_for_ever', 'Wait for it')"
    task = service.psql(f"{insert} returning id")
    service.psql_until(f"select status from rowbell.tasks where id = {task}", "PROCESSING")
    yield task
    service.psql(f"select rowbell.cancel({task})")


def test_a_worker_is_shown_with_its_slots_and_its_heartbeat(open_page: OpenPage) -> None:
    page = open_page("#/workers")
    worker = page.get_by_role("table", name="Worker processes").locator("tbody tr").first
    expect(worker).to_contain_text("running")
    expect(worker).to_contain_text("of 100 slots")
    expect(worker).to_contain_text("lease 30 s")


def test_a_running_task_shows_where_its_handler_is(open_page: OpenPage, running: str) -> None:
    page = open_page("#/workers")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=running, exact=True))
    expect(row).to_contain_text("Wait for it")
    expect(row).to_contain_text("40 %")
    row.get_by_role("button", name=f"Live stack of task {running}").click()
    dialog = page.get_by_role("dialog", name=f"Stack of task {running}")
    expect(dialog).to_contain_text("page_tasks.py")
    expect(dialog).to_contain_text("Event().wait()")
    dialog.get_by_role("button", name="Look again").click()
    expect(dialog.get_by_role("button", name="Look again")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_attached()


def test_what_one_worker_runs_has_an_address(open_page: OpenPage, running: str) -> None:
    page = open_page("#/workers?worker=no-such-worker")
    expect(page.get_by_text("Nothing runs at this moment.")).to_be_visible()
    page.get_by_label("Of which worker").select_option("")
    expect(page.get_by_role("link", name=running, exact=True)).to_be_visible()


def test_the_bell_is_in_force_and_heard(open_page: OpenPage, service: Service) -> None:
    page = open_page("#/bell")
    expect(page.get_by_text("triggers of bell and journal are in force.")).to_be_visible()
    listener = page.get_by_role("table", name="The listener of each process").locator("tbody tr")
    expect(listener.first).to_contain_text("listening")
    expect(page.get_by_text("Queue of notifications")).to_contain_text("full")


def test_a_disabled_trigger_is_shown_with_the_sql_that_mends_it(
    open_page: OpenPage, service: Service
) -> None:
    page: Page = open_page("#/bell")
    off = "alter table rowbell.tasks disable trigger bell_for_inserts"
    service.psql(off)
    try:
        expect(page.get_by_role("alert")).to_contain_text("not in force")
        table = page.get_by_role("table", name="Triggers that are not in force")
        mend = table.get_by_role("region", name="SQL that mends it").inner_text()
    finally:
        service.psql("alter table rowbell.tasks enable always trigger bell_for_inserts")
    assert "bell_for_inserts" in mend
    service.psql(mend)
    expect(page.get_by_text("triggers of bell and journal are in force.")).to_be_visible()
