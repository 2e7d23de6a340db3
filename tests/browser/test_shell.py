"""What is around every view: the connection, keys, looks, and what a browser is allowed to do."""

from playwright.sync_api import Page, expect


def test_the_page_shows_what_happens_now_and_says_that_it_is_live(page: Page) -> None:
    expect(page).to_have_title("Now · Rowbell")
    expect(page.get_by_role("heading", level=1, name="Now")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_the_question_mark_lists_the_keys(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("light or dark")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_attached()
