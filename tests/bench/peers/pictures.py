"""A PNG of each chart, in two colours: ours and theirs."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from bench.peers.tables import Chart

OURS, FLOOR, THEIRS = "#b45309", "#9ca3af", "#475569"


def draw(chart: Chart, folder: Path) -> Path:
    """Horizontal bars, the best on top."""
    names = [row[0] for row in chart.rows][::-1]
    values = [row[1] for row in chart.rows][::-1]
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.34 * len(names)), dpi=110)
    colours = {"rowbell": OURS, "floor": FLOOR}
    bars = axes.barh(names, values, color=[colours.get(name, THEIRS) for name in names])
    axes.bar_label(bars, fmt=lambda value: f" {value:,.0f}" if value >= 100 else f" {value:.3g}")
    axes.set_title(f"{chart.title} ({chart.unit})", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.tight_layout()
    place = folder / f"{chart.name}.png"
    figure.savefig(place)
    plt.close(figure)
    return place
