"""What the tests of the Tasks view need: rows inserted by psql, and rows as the page shows them."""

import json
import re
import uuid

from playwright.sync_api import Locator, Page

from e2e.service import Service


def new_queue() -> str:
    """A queue that no other test uses: with it as the filter a list has our tasks alone."""
    return f"q{uuid.uuid4().hex[:10]}"


def insert(service: Service, queue: str, kind: str = "echo", **columns: object) -> int:
    """One task, by psql; its id. `payload` may be any JSON."""
    if "payload" in columns:
        columns["payload"] = json.dumps(columns["payload"])
    given = {"queue": queue, "kind": kind, **columns}
    names = ", ".join(given)
    values = ", ".join(_literal(value) for value in given.values())
    return int(
        service.psql(f"insert into rowbell.tasks ({names}) values ({values}) returning id").split()[
            0
        ]
    )


def insert_many(service: Service, queue: str, number: int, kind: str = "echo") -> None:
    """`number` tasks in one statement."""
    service.psql(
        f"insert into rowbell.tasks (kind, queue, run_at) select '{kind}', '{queue}', "
        f"now() from generate_series(1, {number})"
    )


def wait(service: Service, queue: str, status: str, number: int = 1) -> None:
    """Until that many tasks of the queue have this status."""
    service.psql_until(
        f"select count(*) from rowbell.tasks where queue = '{queue}' and status = '{status}'",
        str(number),
    )


def row(page: Page, task_id: int) -> Locator:
    return page.locator(f'tr[data-id="{task_id}"]')


def rows(page: Page) -> Locator:
    return page.locator("tr[data-id]")


def said(page: Page) -> Locator:
    """The words at the foot of the page."""
    return page.locator(".said")


def number_in(text: str) -> int:
    found = re.search(r"[0-9][0-9,]*", text)
    assert found, f"no number in {text!r}"
    return int(found[0].replace(",", ""))


def _literal(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
