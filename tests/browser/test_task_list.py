"""The Tasks view: filters in the address, rows that come and change by themselves, pages."""

import re

from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from browser.task_rows import insert, insert_many, new_queue, row, rows, wait
from e2e.service import Service


def test_a_row_that_psql_inserts_is_on_the_page_and_becomes_completed(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    page = open_page(f"#/tasks?queue={queue}")
    expect(page.get_by_text("No task matches.")).to_be_visible()
    task = insert(service, queue, description="by hand")
    expect(row(page, task)).to_contain_text("by hand")
    expect(row(page, task)).to_contain_text("COMPLETED")


def test_filters_write_themselves_into_the_address_and_come_back_from_it(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    good = insert(service, queue)
    bad = insert(service, queue, "fail_always")
    wait(service, queue, "FAILED")
    page = open_page("#/tasks")
    page.get_by_label("Queue", exact=True).fill(queue)
    expect(rows(page)).to_have_count(2)
    page.get_by_label("failed", exact=True).check(force=True)
    expect(rows(page)).to_have_count(1)
    expect(row(page, bad)).to_contain_text("ConnectionError")
    expect(page).to_have_url(re.compile(f"#/tasks\\?queue={queue}&status=FAILED"))
    again = open_page(page.url.partition("/")[2].partition("/")[2].partition("/")[2])
    expect(again.get_by_label("Queue", exact=True)).to_have_value(queue)
    expect(rows(again)).to_have_count(1)
    again.get_by_role("button", name="Clear").click()
    expect(again).to_have_url(re.compile("#/tasks$"))
    expect(row(again, good)).to_be_visible()


def test_kind_id_author_and_time_are_filters_too(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    mine = insert(service, queue, created_by="alice of accounts")
    other = insert(service, queue, "sleep", payload={"seconds": 0})
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(2)
    for label, value, found in [
        ("Kind", "sleep", other),
        ("Id", str(mine), mine),
        ("Author", "alice of accounts", mine),
    ]:
        page.get_by_label(label, exact=True).fill(value)
        expect(rows(page)).to_have_count(1)
        expect(row(page, found)).to_be_visible()
        page.get_by_label(label, exact=True).fill("")
        expect(rows(page)).to_have_count(2)
    page.locator(".filters select").select_option("between …")
    page.get_by_label("Before", exact=True).fill("2020-01-01T00:00:00")
    page.get_by_label("Before", exact=True).blur()
    expect(rows(page)).to_have_count(0)
    page.locator(".filters select").select_option("last hour")
    expect(rows(page)).to_have_count(2)


def test_text_in_payload_or_description_finds_tasks_and_stays_live(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    first = insert(service, queue, payload={"order": "Zanzibar 7"})
    insert(service, queue, payload={"order": "Oslo"})
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Text in payload or description").fill("zanzibar")
    expect(rows(page)).to_have_count(1)
    expect(row(page, first)).to_be_visible()
    second = insert(service, queue, description="from Zanzibar with love")
    expect(row(page, second)).to_be_visible()


def test_a_row_leaves_a_list_that_it_matches_no_more(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    task = insert(service, queue, run_at="2100-01-01")
    page = open_page(f"#/tasks?queue={queue}&status=PENDING")
    expect(row(page, task)).to_contain_text("due in")
    service.psql(f"select rowbell.cancel({task})")
    expect(rows(page)).to_have_count(0)


def test_new_rows_wait_for_a_reader_who_has_scrolled(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert_many(service, queue, 50)
    wait(service, queue, "COMPLETED", 50)
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(50)
    page.evaluate("scrollTo(0, 600)")
    page.wait_for_function("() => scrollY > 100")
    place = "document.querySelectorAll('tr[data-id]')[20].getBoundingClientRect().top"
    before = page.evaluate(place)
    insert_many(service, queue, 12)
    expect(page.get_by_role("button", name="12 new")).to_be_visible()
    assert page.evaluate(place) == before
    page.get_by_role("button", name="12 new").click()
    expect(page.get_by_role("button", name="12 new")).not_to_be_attached()
    expect(rows(page)).to_have_count(50)
    page.wait_for_function("() => scrollY === 0")


def test_older_pages_have_links_of_their_own(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert_many(service, queue, 120)
    wait(service, queue, "COMPLETED", 120)
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(50)
    seen = set(_ids(page))
    _click_older(page)
    expect(page.get_by_text("50 tasks of an older page")).to_be_visible()
    assert not seen & set(_ids(page))
    seen |= set(_ids(page))
    _click_older(page)
    expect(page.get_by_text("20 tasks of an older page")).to_be_visible()
    assert len(seen | set(_ids(page))) == 120
    page.go_back()
    expect(page.get_by_text("50 tasks of an older page")).to_be_visible()
    page.get_by_role("button", name="Newest").click()
    expect(page.get_by_text("The newest 50 of 120 that match")).to_be_visible()


def test_keys_go_through_the_rows_and_open_one(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert(service, queue)
    task = insert(service, queue)
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("j")
    expect(row(page, task)).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/task/{task}$"))
    expect(page.get_by_role("heading", level=1, name=f"Task {task}")).to_be_visible()


def _click_older(page: Page) -> None:
    """The rows of the page before stand until those of the next one are there."""
    first = _ids(page)[0]
    page.get_by_role("button", name="Older").click()
    expect(page.locator("tr[data-id]").first).not_to_have_attribute("data-id", first)


def _ids(page: object) -> list[str]:
    return page.locator("tr[data-id]").evaluate_all("rows => rows.map((row) => row.dataset.id)")  # type: ignore[attr-defined,no-any-return]
