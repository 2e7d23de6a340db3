"""The values of a scrape, gathered by the names of the catalogue."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from rowbell.measures import Distribution
from rowbell.metrics.catalogue import METRICS, TALLIED
from rowbell.tally import Tally


class Families:
    """Iterates over what was added; a name that is not in the catalogue is a KeyError."""

    def __init__(self) -> None:
        self._made: dict[str, Family] = {}

    def __iter__(self) -> Iterator[Family]:
        return iter(self._made.values())

    def add(self, name: str, value: float, *labels: str) -> None:
        """One value of a counter or gauge."""
        family = self._family(name)
        family.add_metric(labels, float(value))  # type: ignore[attr-defined]

    def info(self, name: str, **values: str) -> None:
        self._family(name).add_metric((), values)  # type: ignore[attr-defined]

    def add_tallied(self, counted: Tally) -> None:
        for name in TALLIED:
            self.add(name, getattr(counted, name.removeprefix("rowbell_").removesuffix("_total")))

    def add_distribution(self, name: str, values: Distribution, *labels: str) -> None:
        names = [*map(floatToGoString, values.bounds), "+Inf"]
        buckets = list(zip(names, accumulate(values.counts), strict=True))
        family = self._family(name)
        family.add_metric(labels, buckets, values.total)  # type: ignore[attr-defined]

    def _family(self, name: str) -> Family:
        if name not in self._made:
            metric = METRICS[name]
            make = _MAKERS[metric.kind]
            labels = () if metric.kind == "info" else metric.labels
            self._made[name] = make(name.removesuffix("_info"), metric.help, labels=labels)
        return self._made[name]


_MAKERS = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "info": InfoMetricFamily,
}
