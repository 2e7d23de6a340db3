"""How soon the Tasks view shows what happens, and how calm it stays when a great deal does."""

import os
import statistics
import subprocess
import time

from playwright.sync_api import Page, expect

from rowbell.db.embedded import psql_path

from browser.conftest import OpenPage
from browser.task_rows import insert_many, new_queue, rows
from deadline import DEADLINE_SECONDS
from e2e.service import Service

INSERTS = 30
SECONDS = 4
LONG_MS = 200

SEEN = """
window.seen = {};
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) {
    const id = node.dataset?.id;
    if (id) requestAnimationFrame(() => {
      window.seen[id] ??= performance.timeOrigin + performance.now();
    });
  }
}).observe(document.querySelector("tbody"), { childList: true });
"""

LONG_TASKS = """
window.long = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.long.push(entry.duration);
}).observe({ type: "longtask", buffered: false });
"""


def test_an_insert_is_on_the_page_within_a_tenth_of_a_second(
    service: Service, open_page: OpenPage, record_property: object
) -> None:
    queue = new_queue()
    service.psql(f"insert into rowbell.tasks (kind, queue) values ('echo', '{queue}')")
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(1)
    page.evaluate(SEEN)
    committed: dict[str, float] = {}
    with subprocess.Popen(
        [psql_path(), service.url, "-XqAt"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as psql:
        assert psql.stdin and psql.stdout
        for _ in range(INSERTS):
            psql.stdin.write(
                f"insert into rowbell.tasks (kind, queue) values ('echo', '{queue}')"
                " returning id;\n"
                "select extract(epoch from clock_timestamp()) * 1000;\n"
            )
            psql.stdin.flush()
            task = psql.stdout.readline().strip()
            committed[task] = float(psql.stdout.readline())
            page.wait_for_function("(id) => window.seen[id]", arg=task)
        psql.stdin.close()
    seen: dict[str, float] = page.evaluate("window.seen")
    late = sorted(seen[task] - at for task, at in committed.items())
    p50, p95 = statistics.median(late), late[int(len(late) * 0.95)]
    print(f"commit to the frame with the row: p50 {p50:.0f} ms, p95 {p95:.0f} ms")  # noqa: T201
    assert p50 / _share() < 100


def test_the_page_stays_calm_while_thousands_of_tasks_run(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    service.psql(f"insert into rowbell.tasks (kind, queue) values ('echo', '{queue}')")
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(1)
    before = _heap(page)
    page.evaluate(LONG_TASKS)
    _insert_for(service, queue, SECONDS)
    expect(page.get_by_text("Busy: read every other second")).to_be_visible()
    service.psql_until(
        f"select count(*) from rowbell.tasks where queue = '{queue}' and finished_at is null", "0"
    )
    latest = service.psql(f"select max(id) from rowbell.tasks where queue = '{queue}'")
    expect(page.locator(f'tr[data-id="{latest}"]')).to_contain_text("COMPLETED")
    expect(rows(page)).to_have_count(50)
    longest = _longest(page)
    for _ in range(2):  # another process may have had the core: not each time
        if longest >= LONG_MS:
            page.evaluate("window.long.length = 0")
            _insert_for(service, queue, SECONDS)
            longest = min(longest, _longest(page))
    grown = _heap(page) - before
    print(f"longest task {longest:.0f} ms, heap grew by {grown / 1e6:.1f} MB")  # noqa: T201
    assert longest < LONG_MS
    assert grown < 10e6


def test_twenty_thousand_changes_leave_no_more_nodes_behind_than_a_thousand(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    insert_many(service, queue, 60)
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(50)
    nodes = []
    for number in (350, 7_000):
        for _ in range(number // 350):
            insert_many(service, queue, 350)
        latest = service.psql(f"select max(id) from rowbell.tasks where queue = '{queue}'")
        expect(page.locator(f'tr[data-id="{latest}"]')).to_contain_text("COMPLETED")
        expect(rows(page)).to_have_count(50)
        nodes.append(_nodes(page))
    assert nodes[1] < 1.1 * nodes[0]


def test_a_list_that_was_busy_is_told_of_single_changes_again(
    service: Service, open_page: OpenPage
) -> None:
    queue = new_queue()
    service.psql(f"insert into rowbell.tasks (kind, queue) values ('echo', '{queue}')")
    page = open_page(f"#/tasks?queue={queue}")
    expect(rows(page)).to_have_count(1)
    _insert_for(service, queue, 1)
    expect(page.get_by_text("Busy: read every other second")).to_be_visible()
    until = time.monotonic() + DEADLINE_SECONDS
    while page.get_by_text("Busy: read every other second").is_visible():
        assert time.monotonic() < until, "it stayed busy"
        page.wait_for_timeout(3_200)
        service.psql(f"insert into rowbell.tasks (kind, queue) values ('echo', '{queue}')")
        page.wait_for_timeout(500)


def _insert_for(service: Service, queue: str, seconds: int) -> None:
    """Two thousand a second, in a statement each fiftieth of one."""
    service.psql(
        f"do $$ begin for turn in 1..{seconds * 50} loop"
        f" insert into rowbell.tasks (kind, queue) select 'echo', '{queue}'"
        " from generate_series(1, 40);"
        " commit; perform pg_sleep(0.02); end loop; end $$"
    )


def _longest(page: Page) -> float:
    """Milliseconds of the longest stretch in which the page could not answer.

    The browser counts the time of the clock.
    """
    return max([0.0, *page.evaluate("window.long")]) / _share()


def _share() -> float:
    """How many want each core: of the time of the clock, the page had its share of it alone."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _nodes(page: Page) -> int:
    """Of the document, and those that are held without being in it."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    counted: int = session.send("Memory.getDOMCounters")["nodes"]
    session.detach()
    return counted


def _heap(page: Page) -> float:
    """Bytes in use once the garbage is gone."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used)
