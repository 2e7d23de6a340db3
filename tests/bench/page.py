"""What an open page costs it and the service: `cd tests && ../.venv/bin/python -m bench.page`.

On a server of its own a worker runs --rate tasks a second; the page comes from an API process. A
tab of each --view stays open for --seconds; then 0, 1 and 5 take turns, --rounds times.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rowbell.cli.bench.server_cpu import ServerCpu

from bench.crowds import Place
from bench.tabs import Tabs, tabs
from e2e.service import Service
from postgres import Server, embedded_binaries

VIEWS = {
    "now": "#/now",
    "tasks": "#/tasks",
    "quiet": "#/tasks?queue=quiet",
    "task": "#/task/1",
}
"""`quiet` shows a queue beside the one that works; `task`, one that waits there."""
SESSIONS = "select pid from pg_stat_activity where usename = 'page'"
CHECKPOINTER = "select pid from pg_stat_activity where backend_type = 'checkpointer'"
SAMPLE_SECONDS = 30.0
TRACED_SECONDS = 5.0
"""Of each sample: a trace costs more than the page."""
CROWDS = (0, 1, 5, 1)
SETTLED_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Bench:
    """An API process that serves pages alone, and a worker, each with a login of its own."""

    api: Service
    worker: Service
    server: ServerCpu

    def cpu_seconds(self) -> dict[str, float]:
        """So far, of each part."""
        sessions = sum(_cpu_seconds(int(pid)) for pid in self.api.psql(SESSIONS).split())
        return {
            "API": _cpu_seconds(self.api.process.pid),
            "its sessions": sessions,
            "worker": _cpu_seconds(self.worker.process.pid),
            "other sessions": (self.server.seconds() or 0.0) - sessions,
        }


def _cpu_seconds(pid: int) -> float:
    return Place("", pid).cpu_seconds()


def stay(opened: Tabs, views: list[str], seconds: float) -> None:
    """Print what a tab of each view weighs, and what it has drawn, each half minute."""
    looking = {view: opened.open(VIEWS[view]) for view in views}
    time.sleep(SETTLED_SECONDS)
    print("| s | view | heap MB | nodes | listeners | frame gap ms | longest task of any, ms CPU |")
    print("|--:|---|--:|--:|--:|--:|--:|")
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        for tab in looking.values():
            tab.longest_gap()
        time.sleep(SAMPLE_SECONDS - TRACED_SECONDS)
        opened.trace()
        time.sleep(TRACED_SECONDS)
        gaps = {view: tab.longest_gap() for view, tab in looking.items()}
        longest = opened.longest_task()
        for view, tab in looking.items():
            weight = tab.weight()
            print(
                f"| {time.monotonic() - begun:.0f} | {view} | {weight.heap / 1e6:.2f}"
                f" | {weight.nodes} | {weight.listeners} | {gaps[view]:.0f} | {longest:.0f} |",
                flush=True,
            )
    for tab in looking.values():
        tab.close()


def compare(opened: Tabs, bench: Bench, place: str, rounds: int, seconds: float) -> None:
    """Print shares of a core, medians, for each number of tabs."""
    shares: dict[int, list[dict[str, float]]] = {}
    for crowd in CROWDS * rounds:
        looking = [opened.open(place) for _ in range(crowd)]
        time.sleep(SETTLED_SECONDS)
        begun, before, drawn = time.monotonic(), bench.cpu_seconds(), opened.cpu_seconds()
        time.sleep(seconds)
        passed, after = time.monotonic() - begun, bench.cpu_seconds()
        used = {part: (after[part] - before[part]) / passed for part in after}
        used["a tab, drawing"] = (opened.cpu_seconds() - drawn) / passed / max(1, crowd)
        shares.setdefault(crowd, []).append(used)
        for tab in looking:
            tab.close()
    medians = {
        crowd: {part: 100 * statistics.median(one[part] for one in each) for part in each[0]}
        for crowd, each in sorted(shares.items())
    }
    print("\n| tabs | " + " | ".join(medians[0]) + " |\n|--:|--:|--:|--:|--:|--:|")
    for crowd, parts in medians.items():
        print(f"| {crowd} | " + " | ".join(f"{share:.1f} %" for share in parts.values()) + " |")
    cost = {crowd: parts["API"] + parts["its sessions"] for crowd, parts in medians.items()}
    further = (cost[5] - cost[1]) / 4
    print(f"the first tab costs {cost[1] - cost[0]:.1f} % of a core, a further one {further:.1f} %")


@contextmanager
def fed(service: Service, rate: int, every: float) -> Iterator[None]:
    """With so many tasks a second; tells at the end how far the service was behind."""
    count = "select count(*) from rowbell.tasks"
    command = [sys.executable, "-m", "bench.feed", service.url]
    options = ["--rate", str(rate), "--every", str(every)]
    with subprocess.Popen([*command, *options]) as feed:
        begun, before = time.monotonic(), int(service.psql(count))
        yield
        inserted = int(service.psql(count)) - before
        behind = service.psql(f"{count} where status = 'PENDING' and queue = 'default'")
        rate = inserted / (time.monotonic() - begun)
        print(f"{rate:,.0f} tasks/s came; {behind} waited at the end")
        feed.terminate()


@contextmanager
def running(server: Server, home: Path) -> Iterator[Bench]:
    """The bench, with one task in a queue that stands still."""
    with ExitStack() as stack:
        worker = Service("worker", home=home, database_url=server.url(), log_format="json")
        stack.callback(worker.stop)
        worker.url = server.url()
        worker.wait_for("service.ready")
        worker.psql("create role page superuser login")
        url = server.url(user="page")
        api = Service("api", home=home, database_url=url, log_format="json")
        stack.callback(api.stop)
        api.url = server.url()
        api.wait_for("service.ready")
        api.psql("select rowbell.pause('quiet')")
        api.psql("insert into rowbell.tasks (kind, queue) values ('echo', 'quiet')")
        yield Bench(api, worker, ServerCpu(int(api.psql(CHECKPOINTER))))


def run(server: Server, home: Path, options: argparse.Namespace) -> None:
    with (
        running(server, home) as bench,
        tabs(bench.api.address) as opened,
        fed(bench.api, options.rate, options.every),
    ):
        if options.seconds:
            stay(opened, options.view, options.seconds)
        for view in options.view if options.rounds else ():
            print(f"\n{view}:")
            compare(opened, bench, VIEWS[view], options.rounds, options.period)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", nargs="+", choices=VIEWS, default=["now", "tasks"])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--every", type=float, default=0.1, help="0: one row a transaction")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--period", type=float, default=20)
    options = parser.parse_args()
    server = Server("page", embedded_binaries(), "fsync = on")
    try:
        with tempfile.TemporaryDirectory() as home:
            run(server, Path(home), options)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
