"""The line to the service: what the page says when it breaks, and when it is asked who asks."""

import subprocess

from playwright.sync_api import expect

from browser.conftest import OpenPage, OwnService
from browser.quick_hands import send
from e2e.service import ROWBELL, Service


def rowbell(service: Service, *arguments: str) -> str:
    done = subprocess.run(
        [ROWBELL, *arguments],
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_a_lost_connection_is_told_and_the_page_comes_back_with_the_present(
    own_service: OwnService, open_page: OpenPage
) -> None:
    first = own_service()
    address = first.address
    page = open_page(at=address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    first.stop()
    strip = page.get_by_text("Not connected since")
    expect(strip).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    expect(strip).to_be_visible()

    second = own_service(port=address.rpartition(":")[2])
    second.psql("select rowbell.pause('later')")
    second.psql("insert into rowbell.tasks (kind, queue) values ('echo', 'later')")
    expect(page.get_by_text("Connected again after")).to_be_visible()
    expect(page.get_by_role("link", name="later", exact=True)).to_be_visible()
    expect(strip).not_to_be_attached()


def test_a_token_is_asked_for_where_one_is_needed_and_why_one_failed_is_told(
    own_service: OwnService, open_page: OpenPage
) -> None:
    service = own_service()
    page = open_page(at=service.address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    token = rowbell(service, "token", "create", "the page", "--role", "operator")
    field = page.get_by_label("Token")
    expect(field).to_be_visible()

    field.fill("rbt_nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "You were not let in. This token is not known"
    )
    field.fill(token)
    field.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Now")).to_be_visible()
    expect(page.get_by_text("operator")).to_be_visible()

    service.psql("insert into rowbell.queues (name) values ('mine')")
    service.psql("select rowbell.pause('mine')")
    page.get_by_role("button", name="Resume the queue mine").click()
    expect(page.get_by_text("The queue mine goes on.")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", level=1, name="Now")).to_be_visible()
    rowbell(service, "token", "revoke", "1")
    expect(page.get_by_role("alert")).to_contain_text("The token was revoked")
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def test_a_token_that_is_sent_before_the_page_draws_it_is_taken(
    own_service: OwnService, open_page: OpenPage
) -> None:
    service = own_service()
    token = rowbell(service, "token", "create", "quick", "--role", "operator")
    page = open_page(at=service.address)
    expect(page.get_by_label("Token")).to_be_focused()
    send(page.locator("form"), {"token": token})
    expect(page.get_by_role("heading", level=1, name="Now")).to_be_visible()


def test_who_may_not_see_all_is_told_which_role_that_takes(
    own_service: OwnService, open_page: OpenPage
) -> None:
    service = own_service()
    token = rowbell(service, "token", "create", "a reader", "--role", "reader")
    page = open_page(at=service.address)
    page.get_by_label("Token").fill(token)
    page.get_by_label("Token").press("Enter")
    expect(page.get_by_text("This view is for the role OPERATOR; yours is READER.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
