"""Metrics of a process for Prometheus: counters of its own, and the state of the database."""

from rowbell.metrics.scrape import Metrics, Sources

__all__ = ["Metrics", "Sources"]
