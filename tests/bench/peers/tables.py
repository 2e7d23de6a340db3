"""Records of the harness as figures: medians of rounds, medians of ratios within a round."""

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from bench.peers.harness import Records


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture and one table: systems, best first."""

    name: str
    title: str
    unit: str
    rows: list[tuple[str, float, float | None]]
    """(system, median, median ratio to the floor or to itself)"""
    ratio: str
    more_is_better: bool = True

    def markdown(self) -> str:
        lines = [
            f"### {self.title}",
            "",
            f"| system | {self.unit} | {self.ratio} |",
            "|---|--:|--:|",
        ]
        for system, value, share in self.rows:
            name = f"**{system}**" if system == "rowbell" else system
            lines.append(
                f"| {name} | {_figure(value)} | {'' if share is None else f'{share:.2f}'} |"
            )
        return "\n".join(lines)


def charts(records: Records) -> list[Chart]:
    """All that were measured."""
    found = [
        _against_floor(
            records.get("drain", []),
            "jobs_s",
            Chart("drain", "Drain of no-op tasks, one worker process", "tasks/s", [], "÷ floor"),
        ),
        _against_floor(
            records.get("latency", []),
            "call_p50",
            Chart(
                "latency",
                "From the call to the handler, idle, 50/s",
                "p50 ms",
                [],
                "÷ floor",
                False,
            ),
        ),
        _against_floor(
            records.get("latency", []),
            "call_p99",
            Chart("latency_p99", "The same, p99", "p99 ms", [], "÷ floor", False),
        ),
        _herd(records.get("listeners_herd", []), "ret_p50", "p50 ms, 50 idle workers"),
        _herd(
            records.get("listeners_herd", []), "pg_cpu_ms_per_job", "CPU ms of PostgreSQL a task"
        ),
        _ceiling(records.get("ceiling", [])),
    ]
    return [chart for chart in found if chart.rows]


def _against_floor(records: list[dict[str, Any]], figure: str, chart: Chart) -> Chart:
    by_system = _by(records, "system", figure)
    floor = by_system.get("floor", {})
    for system, rounds in by_system.items():
        shares = [rounds[turn] / floor[turn] for turn in rounds if floor.get(turn)]
        share = statistics.median(shares) if shares else None
        chart.rows.append((system, statistics.median(rounds.values()), share))
    chart.rows.sort(key=lambda row: row[1], reverse=chart.more_is_better)
    return chart


def _herd(records: list[dict[str, Any]], figure: str, unit: str) -> Chart:
    chart = Chart(f"herd_{figure}", f"Idle workers: {unit}", unit, [], "÷ one worker", False)
    many = _by([each for each in records if each["instances"] > 1], "system", figure)
    one = _by([each for each in records if each["instances"] == 1], "system", figure)
    for system, rounds in many.items():
        alone = one.get(system, {})
        shares = [rounds[turn] / alone[turn] for turn in rounds if alone.get(turn)]
        share = statistics.median(shares) if shares else None
        chart.rows.append((system, statistics.median(rounds.values()), share))
    chart.rows.sort(key=lambda row: row[1])
    return chart


def _ceiling(records: list[dict[str, Any]]) -> Chart:
    title = "Highest rate with p99 below 100 ms from call to handler"
    chart = Chart("ceiling", title, "tasks/s", [], "p99 ms")
    best: dict[str, dict[str, Any]] = {}
    for each in records:
        if each.get("ok") and each["rate"] > best.get(each["system"], {"rate": 0})["rate"]:
            best[each["system"]] = each
    chart.rows.extend((name, each["rate"], each["call_p99"]) for name, each in best.items())
    chart.rows.sort(key=lambda row: -row[1])
    return chart


def _by(records: list[dict[str, Any]], key: str, figure: str) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for each in records:
        if each.get(figure) is not None and each.get("complete", True):
            found[each[key]][each.get("round", 0)] = each[figure]
    return found


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
