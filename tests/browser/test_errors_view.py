"""The Errors view: failures with something in common are a group, which is retried at once."""

from playwright.sync_api import expect

from browser.conftest import OpenPage
from browser.task_rows import insert_many, new_queue, said, wait
from e2e.service import Service


def test_failures_in_the_same_words_are_one_group_that_is_retried_at_once(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    insert_many(service, queue, 9, "fail_always")
    wait(service, queue, "FAILED", 9)
    page = open_page(f"#/errors?queue={queue}")
    group = page.locator("[data-fingerprint]")
    expect(group).to_have_count(1)
    expect(group).to_contain_text("refused the order")
    group.get_by_text("What the last one said").click()
    expect(group.get_by_role("region", name="Traceback of the last one")).to_contain_text(
        "raise ConnectionError"
    )
    service.psql(f"select rowbell.pause('{queue}')")
    failed = int(
        service.psql(
            "select count(*) from rowbell.tasks where status = 'FAILED' and kind = 'fail_always'"
        )
    )
    group.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog", name="Retry tasks")
    expect(dialog).to_contain_text(f"{failed} tasks will be sent back to PENDING")
    dialog.get_by_role("button", name=f"Retry {failed}").click()
    expect(said(page)).to_contain_text(f"{failed} tasks sent back to PENDING")
    waiting = f"select count(*) from rowbell.tasks where queue = '{queue}' and status = 'PENDING'"
    assert service.psql(waiting) == "9"


def test_where_nothing_has_failed_it_says_so(service: Service, open_page: OpenPage) -> None:
    page = open_page(f"#/errors?queue={new_queue()}&within=PT1H")
    expect(page.get_by_text("Nothing has failed in the last hour.")).to_be_visible()
