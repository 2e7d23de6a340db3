"""What is around every view: menu, keys, looks, addresses, and what a browser is allowed to do."""

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import OpenPage
from e2e.service import Service

VIEWS = ["now", "workers", "bell", "schedules", "database"]


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def is_live(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_attached()


def test_the_page_shows_what_happens_now_and_says_that_it_is_live(page: Page) -> None:
    expect(page).to_have_title("Now · Rowbell")
    heading(page, "Now")
    is_live(page)


def test_the_question_mark_lists_the_keys(page: Page) -> None:
    is_live(page)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("light or dark")
    expect(dialog).to_contain_text("Workers")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_attached()


def test_keys_go_to_views_and_the_back_button_comes_back(page: Page) -> None:
    is_live(page)
    page.keyboard.type("gw")
    heading(page, "Workers")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.type("gb")
    heading(page, "Bell")
    page.go_back()
    heading(page, "Workers")
    page.go_back()
    heading(page, "Now")


def test_single_keys_can_be_turned_off_for_good(page: Page) -> None:
    is_live(page)
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.reload()
    is_live(page)
    page.keyboard.type("gw")
    page.get_by_role("link", name="Schedules").click()
    heading(page, "Schedules")


def test_the_page_is_as_dark_as_the_system_until_it_is_switched(open_page: OpenPage) -> None:
    def paper(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = open_page(), open_page(dark=True)
    is_live(dark)
    assert paper(light) != paper(dark)
    dark.get_by_role("button", name="Dark").click()
    assert paper(dark) == paper(light)
    dark.reload()
    is_live(dark)
    assert paper(dark) == paper(light)
    dark.keyboard.press("d")
    assert paper(dark) != paper(light)


def test_an_address_of_no_view_says_so(open_page: OpenPage) -> None:
    page = open_page("#/nothing")
    heading(page, "Nothing is here")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_on_a_telephone_and_has_landmarks(open_page: OpenPage, view: str) -> None:
    page = open_page(f"#/{view}", width=360)
    is_live(page)
    expect(page.get_by_text("Reading …")).to_have_count(0)
    expect(page.locator(".panel").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for landmark in ("banner", "navigation", "main"):
        expect(page.get_by_role(landmark)).to_have_count(1)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_the_first_tab_stop_skips_the_menu(page: Page) -> None:
    is_live(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_j_and_k_go_through_rows_and_enter_opens_one(open_page: OpenPage) -> None:
    page = open_page("#/bell")
    rows = page.locator("main [data-row]:visible")
    expect(rows.first).to_be_visible()
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    page.keyboard.press("k")
    expect(rows.first).to_be_focused()


def test_text_of_a_task_is_never_markup(open_page: OpenPage, service: Service) -> None:
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    task = service.psql(
        "insert into rowbell.tasks (kind, description)"
        f" values ('wait_for_ever', '{evil}') returning id"
    )
    page = open_page("#/workers")
    expect(page.get_by_text(evil)).to_be_visible()
    assert page.locator("main img, main td b").count() == 0
    service.psql(f"select rowbell.cancel({task})")


INTO_MARKUP = """() => {
  try { document.body.innerHTML = "<img src=x>"; } catch (refusal) { return refusal.name; }
}"""
INTO_CODE = """() => new Promise((resolve) => {
  addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
  const script = document.createElement("style");
  script.textContent = "body { display: none }";
  document.head.append(script);
})"""


def test_a_string_cannot_become_markup_nor_a_page_take_a_foreign_style(
    browser: Browser, service: Service
) -> None:
    page = browser.new_page()
    response = page.goto(service.address)
    assert response
    assert "unsafe" not in response.headers["content-security-policy"]
    assert page.evaluate(INTO_MARKUP) == "TypeError"
    assert page.evaluate(INTO_CODE) == "style-src-elem"
    page.close()
