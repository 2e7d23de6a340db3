"""Metrics are documented, and the dashboard asks for none that there is not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rowbell.metrics.catalogue import METRICS, TALLIED
from rowbell.tally import Tally

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text())

OF_THE_CLIENT = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_documented(name: str) -> None:
    metric = METRICS[name]
    labels = " ".join(f"`{label}`" for label in metric.labels)
    assert f"| `{name}` | {metric.kind} | {labels} | {metric.help} |" in OPERATIONS


def test_no_metric_is_documented_that_there_is_not() -> None:
    assert set(re.findall(r"^\| `(rowbell_\w+)` \|", OPERATIONS, re.MULTILINE)) == set(METRICS)


def test_every_tallied_metric_is_a_counter_of_the_tally() -> None:
    for name in TALLIED:
        field = name.removeprefix("rowbell_").removesuffix("_total")
        assert isinstance(getattr(Tally(), field), int)


def expressions() -> list[str]:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("expression", expressions())
def test_the_dashboard_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    known = set(OF_THE_CLIENT)
    for name, metric in METRICS.items():
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        known |= {name + suffix for suffix in suffixes}
    asked = re.findall(r"\b((?:rowbell|process)_\w+)", expression)
    assert asked
    assert set(asked) <= known
    labels = {label for name in asked for label in _labels(name)} | {"job", "instance", "le"}
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    named = {label.strip() for group in grouped for label in group.split(",")}
    named |= set(re.findall(r'(\w+)=~?"', expression))
    assert named <= labels


def test_each_panel_of_the_dashboard_says_what_it_shows() -> None:
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith(".")


def _labels(name: str) -> tuple[str, ...]:
    metric = METRICS.get(name) or METRICS.get(re.sub(r"_(bucket|sum|count)$", "", name))
    return metric.labels if metric else ()
