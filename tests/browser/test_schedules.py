"""The views Schedules and Database, driven on a service that works."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.conftest import OpenPage
from e2e.service import Service


@pytest.fixture
def nightly(service: Service) -> Iterator[str]:
    """A schedule that has never run."""
    service.psql(
        "insert into rowbell.schedules (name, kind, cron, time_zone)"
        " values ('nightly', 'echo', '30 2 * * *', 'Europe/Berlin')"
    )
    yield "nightly"
    service.psql("delete from rowbell.schedules where name = 'nightly'")


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=re.compile(f"^{name} "))


def test_a_schedule_runs_now_and_its_outcome_is_shown(
    open_page: OpenPage, service: Service, nightly: str
) -> None:
    page = open_page("#/schedules")
    schedule = row(page, nightly)
    expect(schedule).to_contain_text("Europe/Berlin")
    expect(schedule).to_contain_text("02:30")
    expect(schedule).to_contain_text("active")
    page.get_by_role("button", name="Run nightly now").click()
    expect(page.get_by_text(re.compile(r"Task \d+ was enqueued\."))).to_be_visible()
    service.psql_until("select status from rowbell.tasks where schedule = 'nightly'", "COMPLETED")


def test_a_schedule_is_paused_and_goes_on_by_a_button(
    open_page: OpenPage, service: Service, nightly: str
) -> None:
    page = open_page("#/schedules")
    page.get_by_role("button", name="Pause nightly").click()
    expect(row(page, nightly)).to_contain_text("paused")
    page.get_by_role("button", name="Resume nightly").click()
    expect(row(page, nightly)).to_contain_text("active")


def test_the_filter_of_schedules_is_in_the_address(open_page: OpenPage, nightly: str) -> None:
    page = open_page("#/schedules?text=no-such")
    expect(page.get_by_text("No schedule matches.")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("night")
    expect(row(page, nightly)).to_be_visible()
    expect(page).to_have_url(re.compile("text=night$"))


def test_the_database_shows_its_size_its_tables_and_the_days_of_the_journal(
    open_page: OpenPage,
) -> None:
    page = open_page("#/database")
    expect(page.get_by_text("PostgreSQL 18")).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ of \d+"))).to_be_visible()
    tables = page.get_by_role("table", name="Tables of the schema rowbell")
    expect(tables.get_by_role("cell", name="tasks", exact=True)).to_be_visible()
    days = page.get_by_role("table", name="Partitions of the journal")
    expect(days.get_by_role("row").nth(1)).to_contain_text("journal_")
