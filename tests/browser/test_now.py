"""The view Now, driven on a service that works."""

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from browser.conftest import OpenPage
from browser.quick_hands import send
from deadline import DEADLINE_SECONDS
from e2e.service import Service

PAUSE_SECONDS = 2.0
"""Between two frames of the overview, as its clients are told."""


def counted(page: Page, status: str) -> Locator:
    """How many tasks of a status the page shows."""
    return page.get_by_role("link", name=re.compile(f"^{status}")).locator("b")


def row(page: Page, queue: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=queue, exact=True))


def number(locator: Locator) -> int:
    return int(locator.inner_text().replace(",", ""))


def until_counted(page: Page, total: Locator, tasks: int) -> None:
    """Wait for so many at least: tasks of tests before may be counted only now."""
    until = time.monotonic() + DEADLINE_SECONDS
    while number(total) < tasks:
        assert time.monotonic() < until, total.inner_text()
        page.wait_for_timeout(50)


def test_a_row_of_psql_is_counted_on_the_page_without_a_reload(
    page: Page, service: Service
) -> None:
    completed = counted(page, "COMPLETED")
    expect(completed).to_be_visible()
    before = number(completed)
    service.psql("insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 20)")
    until_counted(page, completed, before + 20)


def test_however_much_runs_the_page_is_told_once_in_two_seconds(
    page: Page, service: Service
) -> None:
    told_at: list[float] = []

    def received(frame: dict[str, Any]) -> None:
        if '"overview":' in frame["response"]["payloadData"]:
            told_at.append(frame["timestamp"])

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.webSocketFrameReceived", received)
    page.reload()
    completed = counted(page, "COMPLETED")
    expect(completed).to_be_visible()
    before = number(completed)
    for _ in range(10):
        service.psql("insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 500)")
    until_counted(page, completed, before + 5_000)
    assert len(told_at) <= (told_at[-1] - told_at[0]) / PAUSE_SECONDS + 2


def test_the_charts_say_in_words_what_they_show(page: Page, service: Service) -> None:
    service.psql("insert into rowbell.tasks (kind) select 'render' from generate_series(1, 20)")
    for title in ("Throughput", "Wait", "Run time"):
        chart = page.get_by_role("img", name=re.compile(f"^{title}. .*highest \\d"))
        expect(chart).to_be_visible()
        expect(chart.locator("canvas")).to_have_count(1)


def test_the_history_is_there_for_who_comes_later(open_page: OpenPage, service: Service) -> None:
    service.psql("insert into rowbell.tasks (kind) values ('echo')")
    for window in ("PT15M", "P7D"):
        page = open_page(f"#/now?window={window}")
        expect(page.get_by_label("Show")).to_have_value(window)
        wait = page.get_by_role("img", name=re.compile(r"^Wait. p50: now \d"))
        expect(wait).to_be_visible()


def test_another_window_is_another_address(page: Page) -> None:
    page.get_by_label("Show").select_option("6 hours")
    expect(page).to_have_url(re.compile(r"#/now\?window=PT6H$"))
    page.go_back()
    expect(page.get_by_label("Show")).to_have_value("PT1H")


def test_a_queue_is_paused_and_goes_on_by_a_button(page: Page, service: Service) -> None:
    service.psql("select rowbell.pause('letters')")
    service.psql(
        "insert into rowbell.tasks (kind, queue)"
        " select 'echo', 'letters' from generate_series(1, 3)"
    )
    letters = row(page, "letters")
    expect(letters).to_contain_text("paused by")
    expect(letters).to_contain_text("3 due")
    page.get_by_role("button", name="Resume the queue letters").click()
    expect(page.get_by_text("The queue letters goes on.")).to_be_visible()
    expect(letters).not_to_contain_text("paused by")
    service.psql_until(
        "select count(*) from rowbell.tasks where queue = 'letters' and status = 'COMPLETED'", "3"
    )
    page.get_by_role("button", name="Pause the queue letters").click()
    expect(letters).to_contain_text("paused by")
    assert (
        service.psql("select paused_at is not null from rowbell.queues where name = 'letters'")
        == "t"
    )
    service.psql("select rowbell.resume('letters')")


def test_limits_of_a_queue_are_set_in_a_form(page: Page, service: Service) -> None:
    service.psql("select rowbell.pause('partner')")
    page.get_by_role("button", name="Limits of the queue partner").click()
    form = page.get_by_role("dialog", name="Limits of partner")
    form.get_by_label("Tasks that run at once").fill("4")
    form.get_by_label("Tasks started a second").fill("2.5")
    form.get_by_role("button", name="Set limits").click()
    expect(form).not_to_be_attached()
    expect(row(page, "partner")).to_contain_text("2.5 /s")
    limits = "select max_running, rate from rowbell.queues where name = 'partner'"
    assert service.psql(limits) == "4|2.5"
    service.psql("select rowbell.resume('partner')")


def test_limits_that_are_sent_before_the_page_draws_them_are_all_set(
    page: Page, service: Service
) -> None:
    service.psql("select rowbell.pause('hasty')")
    page.get_by_role("button", name="Limits of the queue hasty").click()
    form = page.get_by_role("dialog", name="Limits of hasty").locator("form")
    send(form, {"maxRunning": "3", "rate": "1.5", "burst": "2"})
    expect(form).not_to_be_attached()
    limits = "select max_running, rate, burst from rowbell.queues where name = 'hasty'"
    assert service.psql(limits) == "3|1.5|2"
    service.psql("select rowbell.resume('hasty')")


def test_what_needs_attention_is_a_sentence_with_a_place_and_a_remedy(
    page: Page, service: Service
) -> None:
    service.psql("insert into rowbell.tasks (kind, queue) values ('known_to_nobody', 'lonely')")
    item = page.locator("[data-topic=no_worker]")
    expect(item).to_contain_text("known_to_nobody")
    item.get_by_text("How to mend it").click()
    expect(item.get_by_role("region")).to_contain_text("rowbell")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    item.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    remedy = item.get_by_role("region").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == remedy
    item.get_by_role("link", name="Look").click()
    expect(page).to_have_url(re.compile("#/(tasks|workers)"))
    service.psql("select rowbell.cancel(id) from rowbell.tasks where kind = 'known_to_nobody'")
