"""The pictures of the page: taken on each run, kept in docs/ by `make pictures`."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage, OwnService
from e2e.service import Service

MOST_BYTES = 200_000

AN_HOUR = """
insert into rowbell.minutes
  (minute, queue, kind, created, started, completed, failed, cancelled, retried, lost, waits, runs)
select date_trunc('minute', now()) - i * interval '1 minute', 'default', 'render',
  n, n, n, 0, 0, 0, 0,
  array[0, n / 2, n / 3, n / 9, n / 20, i % 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  array[0, 0, 0, n / 8, n / 2, n / 3, n / 12, i % 11, i % 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
from generate_series(1, 60) i,
  lateral (select (4200 + 2400 * sin(i / 8.0) + 300 * sin(i * 7))::integer) as t (n)
"""

WORK = """
insert into rowbell.queues (name, max_running, rate, burst) values ('mail', 4, 2, 10);
select rowbell.pause('reports');
insert into rowbell.tasks (kind, queue) select 'render', 'reports' from generate_series(1, 12);
insert into rowbell.tasks (kind, queue) select 'wait_for_ever', 'mail'
  from generate_series(1, 40);
insert into rowbell.tasks (kind, description) select 'wait_for_ever', 'Report ' || i
  from generate_series(1, 9) i;
insert into rowbell.tasks (kind) select 'render' from generate_series(1, 400);
insert into rowbell.tasks (kind) select 'fail_always' from generate_series(1, 3);
"""


@pytest.fixture
def busy(own_service: OwnService) -> Service:
    """A service with an hour behind it, and work before it."""
    service = own_service(handlers="page_tasks")
    service.psql(AN_HOUR)
    service.psql(WORK)
    return service


def picture(page: Page, name: str, folder: Path) -> None:
    place = folder / f"page-{name}.png"
    page.set_viewport_size({"width": 1280, "height": 860})
    page.screenshot(path=place)
    assert 10_000 < place.stat().st_size < MOST_BYTES


def test_pictures_of_the_page_are_worth_showing(
    open_page: OpenPage, busy: Service, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("PICTURES", tmp_path))
    for name, dark in (("now", False), ("now-dark", True)):
        page = open_page(at=busy.address, dark=dark)
        expect(page.get_by_role("row").filter(has_text="mail")).to_contain_text("2 /s")
        expect(page.get_by_role("link", name="PROCESSING")).to_contain_text("13")
        expect(page.get_by_text("3 tasks of kind fail_always")).to_be_visible()
        # The first heartbeat may be from before the listener was ready.
        expect(page.get_by_text("does not listen")).to_have_count(0)
        picture(page, name, folder)
