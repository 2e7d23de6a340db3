"""`make bench`: Rowbell beside its peers where PEERBENCH is their harness, else alone.

From tests/: python -m bench.peers [--peers FOLDER] [--rounds 3] [--short] [--systems a,b].
Writes docs/benchmark/ and, with --publish, the benchmark section of README.md.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.peers.harness import PROJECT, Harness
from bench.peers.tables import Chart, charts

PEERS = "floor,graphile_worker,pg_boss,pgqueuer,procrastinate,awa,oban,taskiq_postgres,rowbell"
ALONE = {
    "latency": ("--rounds", "{rounds}"),
    "drain": ("--rounds", "{rounds}"),
    "enqueue": ("--rounds", "{rounds}"),
    "inserts-under-notify": ("--rounds", "{rounds}"),
    "bulk": ("--rounds", "{rounds}"),
    "held-snapshot": ("--rounds", "{rounds}"),
    "idle": (),
    "sustained": (),
    "idle-listeners": ("--rounds", "{rounds}", "--workers", "{workers}"),
}
SHORT = {
    "latency": ("--tasks", "100"),
    "drain": ("--tasks", "10000"),
    "enqueue": ("--seconds", "1"),
    "inserts-under-notify": ("--seconds", "2"),
    "bulk": ("--tasks", "20000"),
    "held-snapshot": ("--tasks", "10000"),
    "idle": ("--seconds", "5"),
    "sustained": ("--seconds", "2", "--hold", "5"),
    "idle-listeners": ("--tasks", "50"),
}
BEGIN, END = "<!-- benchmark -->", "<!-- /benchmark -->"


def main() -> None:
    options = _options()
    place = PROJECT / "docs" / "benchmark"
    place.mkdir(exist_ok=True)
    alone = _alone(options)
    (place / "alone.json").write_text(json.dumps(alone, indent=2) + "\n")
    found: list[Chart] = []
    if options.peers:
        found = charts(_beside(options))
        from bench.peers.pictures import draw  # noqa: PLC0415 - matplotlib takes a second

        for chart in found:
            draw(chart, place)
    text = "\n\n".join([_machine(alone, options), _bars(alone), *(c.markdown() for c in found)])
    (place / "results.md").write_text(f"# Benchmark, the last run\n\n{text}\n")
    if options.publish:
        _publish(text)
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.peers")
    parser.add_argument("--peers", type=Path, default=os.environ.get("PEERBENCH") or None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=20, help="idle ones, of Rowbell alone")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--systems", default=PEERS)
    parser.add_argument("--tests", default="drain,latency,listeners,ceiling")
    parser.add_argument("--publish", action="store_true", help="into README.md, too")
    return parser.parse_args()


def _alone(options: argparse.Namespace) -> dict[str, Any]:
    command = Path(sys.executable).with_name("rowbell")
    reports: dict[str, Any] = {}
    for name, arguments in ALONE.items():
        print(f"rowbell bench {name} ...", file=sys.stderr, flush=True)
        given = [each.format(**vars(options)) for each in arguments]
        short = SHORT[name] if options.short else ()
        done = subprocess.run(
            [command, "bench", name, *given, *short, "--json"], stdout=subprocess.PIPE, check=False
        )
        if done.returncode == 0:
            reports[name] = json.loads(done.stdout)
    return reports


def _beside(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    harness = Harness(Path(options.peers).resolve(), Path(options.peers).resolve() / "rowbell")
    harness.prepare()
    harness.clear()
    systems = options.systems.split(",")
    tests = options.tests.split(",")
    for number in range(options.rounds):
        if "drain" in tests:
            harness.test("drain", number, systems, *(["--n", "5000"] if options.short else []))
        if "latency" in tests:
            harness.test("latency", number, systems, "--secs", "3" if options.short else "8")
        if "listeners" in tests:
            seconds = "3" if options.short else "6"
            harness.test("listeners", number, systems, "--parts", "herd", "--secs", seconds)
    if "ceiling" in tests and not options.short:
        harness.test("ceiling", 0, systems)
    return harness.records()


def _machine(alone: dict[str, Any], options: argparse.Namespace) -> str:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    server = next((each["postgresql"] for each in alone.values()), "PostgreSQL")
    day = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{day}, {os.cpu_count()} cores ({processor}), {server} with fsync on, Python"
        f" {platform.python_version()}; {'short form, ' if options.short else ''}medians of"
        f" {options.rounds} interleaved rounds."
    )


def _bars(alone: dict[str, Any]) -> str:
    lines = ["| what | measured | bar |", "|---|--:|--:|"]
    for words, name, path, bar in _BARS:
        value: Any = alone.get(name)
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        lines.append(f"| {words} | {'-' if value is None else f'{value:,.4g}'} | {bar} |")
    return "\n".join(lines)


_BARS: list[tuple[str, str, tuple[str, ...], str]] = [
    ("drain, tasks/s of one worker process", "drain", ("tasks_per_second",), ""),
    ("drain ÷ the same SQL without handlers", "drain", ("ratio",), ""),
    ("INSERT to handler, p50 ms", "latency", ("legs", "rowbell", "p50_milliseconds"), ""),
    ("p50 ÷ bare NOTIFY, claim, call", "latency", ("ratios", "p50_milliseconds"), "≤ 1.3"),
    ("p99 ÷ bare NOTIFY, claim, call", "latency", ("ratios", "p99_milliseconds"), "≤ 2"),
    ("INSERTs of 16 clients, bell on ÷ off", "inserts-under-notify", ("ratio",), "≥ 0.85"),
    ("the same, journal on ÷ off", "inserts-under-notify", ("journal_ratio",), ""),
    ("idle workers: p50, many ÷ one", "idle-listeners", ("ratios", "p50_milliseconds"), "≤ 2"),
    (
        "idle workers: CPU of PostgreSQL a task, many ÷ one",
        "idle-listeners",
        ("ratios", "server_cpu_microseconds_per_task"),
        "≤ 1.5",
    ),
    ("claims a task, many", "idle-listeners", ("legs", "many", "claims_per_task"), "≤ 3"),
    ("highest rate, p99 < 100 ms", "sustained", ("highest_rate",), ""),
    ("INSERT of 100,000 rows, bell on ÷ off", "bulk", ("ratio",), "≥ 0.9"),
    ("its rings", "bulk", ("legs", "bell on", "rings"), "1"),
    ("idle: transactions/s", "idle", ("transactions_per_second",), "≤ 2"),
    ("idle: worker, % of a core", "idle", ("worker_core_percent",), "≤ 0.5"),
    ("drain, snapshot held ÷ without", "held-snapshot", ("ratio",), "≥ 0.8"),
]


def _publish(text: str) -> None:
    readme = PROJECT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
