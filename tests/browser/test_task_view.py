"""The Task view: what happened, who did it, why it does not run, and what can be done about it."""

import json
import re

from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from browser.quick_hands import send
from browser.task_rows import insert, new_queue, said, wait
from e2e.service import Service

HOSTILE = (
    '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">'
)
REVERSED = "\u202etxet desrever\u202c"


def test_the_timeline_tells_who_inserted_it_and_that_the_bell_was_answered(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    task = insert(service, queue, "render", payload={"pages": 3})
    wait(service, queue, "COMPLETED")
    page = open_page(f"#/task/{task}")
    timeline = _panel(page, "timeline")
    expect(timeline.get_by_role("list", name="Spans of time")).to_contain_text("completed")
    steps = timeline.get_by_role("row")
    expect(steps.nth(1)).to_contain_text("bell rung")
    expect(steps.nth(1)).to_contain_text("postgres, in psql")
    expect(timeline).to_contain_text("answered by the bell")
    expect(steps.last).to_contain_text("Completed after")


def test_a_task_that_only_a_sweep_found_says_so(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert(service, queue)
    wait(service, queue, "COMPLETED")  # somebody is on duty for the queue, and sleeps
    service.psql(
        "begin; alter table rowbell.tasks disable trigger bell_for_inserts;"
        f" insert into rowbell.tasks (kind, queue) values ('echo', '{queue}');"
        " alter table rowbell.tasks enable always trigger bell_for_inserts; commit"
    )
    wait(service, queue, "COMPLETED", 2)
    task = service.psql(f"select max(id) from rowbell.tasks where queue = '{queue}'")
    page = open_page(f"#/task/{task}")
    expect(_panel(page, "timeline")).to_contain_text("found by a sweep")


def test_attempts_have_their_traceback_and_what_they_logged(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    task = insert(service, queue, "fail_always")
    wait(service, queue, "FAILED")
    page = open_page(f"#/task/{task}")
    attempts = _panel(page, "attempts")
    expect(attempts).to_contain_text("Attempt 1")
    expect(attempts.get_by_role("region", name="Traceback of attempt 1")).to_contain_text(
        'raise ConnectionError(f"partner'
    )
    expect(attempts.get_by_role("list", name="Log of attempt 1")).to_contain_text("about to fail")
    expect(page.get_by_text(f"partner 10.0.0.{task % 9} refused the order.").first).to_be_visible()


def test_progress_is_pushed_while_it_runs_and_it_stops_when_it_is_cancelled(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    task = insert(service, queue, "wait_for_ever")
    page = open_page(f"#/task/{task}")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.4")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".task-head")).to_contain_text("CANCELLED")
    expect(_panel(page, "timeline")).to_contain_text("asked")


def test_a_failed_task_is_retried_and_watched_again(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    task = insert(service, queue, "fail_always")
    wait(service, queue, "FAILED")
    page = open_page(f"#/task/{task}")
    page.get_by_role("button", name="Retry").click()
    expect(_panel(page, "attempts")).to_contain_text("Attempt 2")
    expect(page.locator(".task-head")).to_contain_text("FAILED")
    expect(_panel(page, "timeline")).to_contain_text("postgres, in rowbell")


def test_a_waiting_task_says_why_and_its_cancel_can_be_undone(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    service.psql(f"select rowbell.pause('{queue}')")
    task = insert(service, queue)
    page = open_page(f"#/task/{task}")
    expect(_panel(page, "why")).to_contain_text("paused")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".task-head")).to_contain_text("CANCELLED")
    said(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".task-head")).to_contain_text("PENDING")
    service.psql(f"select rowbell.resume('{queue}')")
    expect(page.locator(".task-head")).to_contain_text("COMPLETED")


def test_a_waiting_task_says_how_many_are_ahead_of_it(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    service.psql(f"insert into rowbell.queues (name, max_running) values ('{queue}', 0)")
    for _ in range(3):
        task = insert(service, queue)
    page = open_page(f"#/task/{task}")
    why = _panel(page, "why")
    expect(why).to_contain_text("may run 0 at once")
    expect(why.get_by_role("definition").first).to_have_text("2")


def test_a_clone_has_another_payload_and_bad_json_is_not_sent(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    task = insert(service, queue, payload={"a": 1}, description="the first")
    page = open_page(f"#/task/{task}")
    page.get_by_role("button", name="Clone …").click()
    dialog = page.get_by_role("dialog", name=f"Clone of task {task}")
    editor = dialog.get_by_label("Payload, as JSON")
    expect(editor).to_have_value(json.dumps({"a": 1}, indent=2))
    editor.fill('{"a": 1,\n "b": }')
    expect(dialog.get_by_text("This is no JSON")).to_be_visible()
    expect(dialog.get_by_role("button", name="Insert")).to_be_disabled()
    editor.fill('{"a": 2}')
    dialog.get_by_role("button", name="Insert").click()
    expect(said(page)).to_contain_text("inserted")
    expect(page).not_to_have_url(re.compile(f"#/task/{task}$"))
    expect(page.get_by_role("region", name="Payload as JSON")).to_contain_text('"a": 2')
    expect(page.get_by_text("the first", exact=True)).to_be_visible()


def test_a_task_is_made_with_a_form_that_knows_the_kinds(
    service: Service, open_page: OpenPage
) -> None:
    page = open_page("#/tasks")
    page.get_by_role("button", name="New task").click()
    dialog = page.get_by_role("dialog", name="New task")
    dialog.get_by_label("Kind").fill("render")
    expect(dialog).to_contain_text("Render pages, one after the other.")
    dialog.get_by_label("Kind").fill("no_such_kind_at_all")
    dialog.get_by_role("button", name="Insert").click()
    expect(dialog.get_by_role("alert")).to_contain_text("no_such_kind_at_all")
    dialog.get_by_label("Kind").fill("render")
    dialog.get_by_label("Payload, as JSON").fill('{"pages": 2}')
    dialog.get_by_role("button", name="Insert").click()
    expect(page.get_by_role("region", name="Result as JSON")).to_contain_text('"pages": 2')


def test_a_form_that_is_sent_twice_before_the_page_draws_makes_one_task_as_typed(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    page = open_page("#/tasks")
    page.get_by_role("button", name="New task").click()
    form = page.get_by_role("dialog", name="New task").locator("form")
    send(form, {"queue": queue, "payload": '{"typed": 1}'}, times=2)
    expect(page).to_have_url(re.compile("#/task/"))
    made = f"select payload from rowbell.tasks where queue = '{queue}'"
    assert service.psql(made) == '{"typed": 1}'


def test_hostile_texts_are_shown_as_text(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    payload = {"html": HOSTILE, "reversed": REVERSED, "emoji": "🛎️", "very_long": "x" * 60_000}
    task = insert(service, queue, payload=payload, description=HOSTILE)
    wait(service, queue, "COMPLETED")
    page = open_page(f"#/tasks?queue={queue}")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    page.goto(f"{page.url.partition('#')[0]}#/task/{task}")
    text = page.get_by_role("region", name="Payload as JSON")
    expect(text).to_contain_text("\\u202etxet desrever")
    expect(text).to_contain_text("🛎️")
    assert len(text.inner_text()) < 5_000
    page.get_by_role("button", name="Show all of it").first.click()
    expect(text).to_contain_text("x" * 60_000)
    assert page.title() == f"Task {task} · Rowbell"
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_same_by_hand_can_be_copied_and_works(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    quoted = 'it\'s \\ "quoted"'
    task = insert(service, queue, payload={"text": quoted}, description=quoted)
    page = open_page(f"#/task/{task}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand = _panel(page, "by-hand")
    hand.get_by_text("Insert another like it").click()
    statement = hand.get_by_role("region", name="Insert another like it")
    statement.locator("xpath=..").get_by_role("button", name="Copy").click()
    expect(said(page)).to_contain_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    other = service.psql(copied).split()[0]
    same = (
        "select a.payload = b.payload and a.description = b.description"
        f" from rowbell.tasks a, rowbell.tasks b where a.id = {task} and b.id = {other}"
    )
    assert service.psql(same) == "t"


def test_a_task_that_is_not_there_is_said_to_be_gone(page: Page) -> None:
    page.goto(f"{page.url.partition('#')[0]}#/task/999999999")
    expect(page.get_by_text("There is no task 999999999")).to_be_visible()


def _panel(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.locator(f'[data-panel="{name}"]')
