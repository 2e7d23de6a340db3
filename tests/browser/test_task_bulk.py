"""Many tasks at once: counted first, changed, and taken back; chosen by row or by filter."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, WebSocketRoute, expect

from browser.conftest import OpenPage
from browser.quick_hands import close_and_press
from browser.task_rows import insert, insert_many, new_queue, row, rows, said, wait
from e2e.service import Service


def test_all_failed_tasks_of_a_filter_are_counted_retried_and_taken_back(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    insert_many(service, queue, 12, "fail_always")
    wait(service, queue, "FAILED", 12)
    service.psql(f"select rowbell.pause('{queue}')")
    page = open_page(f"#/tasks?queue={queue}&status=FAILED")
    expect(rows(page)).to_have_count(12)
    page.get_by_role("button", name="Retry all …").click()
    dialog = page.get_by_role("dialog", name="Retry tasks")
    expect(dialog).to_contain_text("12 tasks will be sent back to PENDING")
    assert service.psql(_count(queue, "FAILED")) == "12"
    dialog.get_by_role("button", name="Retry 12").click()
    expect(said(page)).to_contain_text("12 tasks sent back to PENDING.")
    assert service.psql(_count(queue, "PENDING")) == "12"
    said(page).get_by_role("button", name="Undo").click()
    expect(said(page)).to_contain_text("12 tasks taken back.")
    assert service.psql(_count(queue, "CANCELLED")) == "12"


def test_waiting_tasks_that_were_cancelled_wait_again_after_undo(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    for _ in range(3):
        insert(service, queue, run_at="2100-01-01")
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Cancel tasks")
    expect(dialog).to_contain_text("3 tasks will be cancelled")
    dialog.get_by_role("button", name="Cancel 3").click()
    expect(said(page)).to_contain_text("3 tasks cancelled")
    assert service.psql(_count(queue, "CANCELLED")) == "3"
    said(page).get_by_role("button", name="Undo").click()
    expect(said(page)).to_contain_text("3 tasks taken back.")
    assert service.psql(_count(queue, "PENDING")) == "3"


def test_a_key_that_follows_escape_at_once_opens_its_dialog(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    insert(service, queue, run_at="2100-01-01")
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("r")
    for before, key, after in [
        ("Retry tasks", "c", "Cancel tasks"),
        ("Cancel tasks", "e", "Export"),
        ("Export", "i", "New task"),
    ]:
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(before)
        close_and_press(dialog, key)
        expect(page.get_by_role("dialog", name=after)).to_be_visible(timeout=10_000)


def test_ticked_rows_alone_are_changed(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    one, two, three = (insert(service, queue, run_at="2100-01-01") for _ in range(3))
    page = open_page(f"#/tasks?queue={queue}")
    page.get_by_label(f"Select task {three}").check()
    page.get_by_label(f"Select task {one}").click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label(f"Select task {two}").uncheck()
    page.get_by_role("button", name="Cancel 2").click()
    dialog = page.get_by_role("dialog", name="Cancel tasks")
    expect(dialog).to_contain_text("2 selected tasks")
    dialog.get_by_role("button", name="Cancel 2").click()
    expect(row(page, one)).to_contain_text("CANCELLED")
    expect(row(page, three)).to_contain_text("CANCELLED")
    expect(row(page, two)).to_contain_text("PENDING")


def test_what_cannot_be_retried_is_said_before(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert(service, queue)
    wait(service, queue, "COMPLETED")
    page = open_page(f"#/tasks?queue={queue}")
    page.get_by_role("button", name="Retry all …").click()
    dialog = page.get_by_role("dialog", name="Retry tasks")
    expect(dialog).to_contain_text("nothing to retry")
    expect(dialog.get_by_role("button", name="Retry")).to_have_count(0)


def test_an_export_has_every_task_and_no_formula(service: Service, open_page: OpenPage) -> None:
    queue = new_queue()
    insert_many(service, queue, 230)
    formulas = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1"]
    for formula in formulas:
        insert(service, queue, description=formula, payload={"a": "line\nbreak, comma"})
    wait(service, queue, "COMPLETED", 235)
    page = open_page(f"#/tasks?queue={queue}")
    lines = list(csv.DictReader(io.StringIO(_exported(page, "CSV"))))
    assert len(lines) == 235
    assert {line["status"] for line in lines} == {"COMPLETED"}
    assert {line["description"] for line in lines} == {"", *(f"'{each}" for each in formulas)}
    assert json.loads(lines[0]["payload"]) == {"a": "line\nbreak, comma"}
    tasks = json.loads(_exported(page, "JSON"))
    assert len({task["id"] for task in tasks}) == 235
    assert tasks[0]["description"] == "\t=1"
    assert tasks[0]["queue"] == queue


def test_an_export_can_be_stopped_and_keeps_what_was_read(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    insert_many(service, queue, 500)
    page = open_page(f"#/tasks?queue={queue}")
    go_on = _hold_pages_of_export(page, after=2)
    page.reload()
    page.get_by_role("button", name="Export …").click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label("JSON").check()
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog).to_contain_text("200 tasks read")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Stop and save").click()
        go_on()
    expect(dialog).to_contain_text("stopped before the end")
    assert len(json.loads(_text(download.value.path()))) == 300


def _hold_pages_of_export(page: Page, *, after: int) -> Callable[[], None]:
    """What is asked for after so many pages waits until the returned function is called."""
    asked: list[str | bytes] = []
    servers: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        servers.append(server)

        def pass_on(message: str | bytes) -> None:
            if "query Export" in str(message):
                asked.append(message)
                if len(asked) > after:
                    return
            server.send(message)

        socket.on_message(pass_on)

    page.route_web_socket("**/graphql", relay)
    return lambda: servers[-1].send(asked[-1])


def _exported(page: Page, form: str) -> str:
    page.get_by_role("button", name="Export …").click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label(form).check()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog).to_contain_text("235 tasks saved")
    dialog.get_by_role("button", name="Close").last.click()
    return _text(download.value.path())


def _text(path: str | Path) -> str:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return file.read()


def _count(queue: str, status: str) -> str:
    return f"select count(*) from rowbell.tasks where queue = '{queue}' and status = '{status}'"
