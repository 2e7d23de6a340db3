"""Every metric: its name, what it is, what it tells, and by what it is told apart."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    labels: tuple[str, ...] = ()


TALLIED = {
    "rowbell_bells_heard_total": "Notifications that a queue has due tasks.",
    "rowbell_looks_total": "Claims that were asked for.",
    "rowbell_empty_looks_total": "Claims that brought nothing.",
    "rowbell_failed_looks_total": "Claims that PostgreSQL did not answer, or answered too late.",
    "rowbell_tasks_claimed_total": "Tasks that this process has begun.",
    "rowbell_tasks_answered_total": "Of these, the ones that no sweep had to find.",
    "rowbell_tasks_swept_total": "Of these, the ones that a sweep found: no bell was heard.",
    "rowbell_listener_connects_total": "How often LISTEN came into force.",
    "rowbell_listener_losses_total": "How often the listening connection was lost.",
    "rowbell_probes_total": "Notifications of the listener to itself that came back.",
    "rowbell_sweeps_total": "Sweeps that reached their end.",
    "rowbell_failed_sweeps_total": "Sweeps that failed.",
    "rowbell_tasks_rescued_total": "Tasks that sweeps of this process took from silent workers.",
    "rowbell_failed_heartbeats_total": "Heartbeats that could not be written.",
    "rowbell_attempts_refused_total": "Outcomes that came too late: the task was another's.",
}
"""Counters of `rowbell.tally`, named as its fields."""

METRICS = {
    "rowbell_build_info": Metric("info", "Which version this is.", ("version", "python")),
    "rowbell_attempts_total": Metric(
        "counter",
        "Attempts of this process that ended: completed, failed, retried, released, cancelled,"
        " refused.",
        ("queue", "kind", "outcome"),
    ),
    "rowbell_wait_seconds": Metric(
        "histogram", "How long tasks were due before they were begun.", ("queue", "kind")
    ),
    "rowbell_run_seconds": Metric("histogram", "How long attempts ran.", ("queue", "kind")),
    **{name: Metric("counter", text) for name, text in TALLIED.items()},
    "rowbell_listening": Metric("gauge", "1 while LISTEN is in force and proven."),
    "rowbell_deaf": Metric("gauge", "1 while PostgreSQL delivers no notification."),
    "rowbell_probe_seconds": Metric("gauge", "How long the last probe of the listener took."),
    "rowbell_probed_timestamp_seconds": Metric("gauge", "When the last probe came back."),
    "rowbell_slots": Metric("gauge", "Tasks that this process may run at once."),
    "rowbell_slots_busy": Metric("gauge", "Of these, the ones that are taken."),
    "rowbell_connections": Metric(
        "gauge", "Connections: pool is claims or rest, state is used or idle.", ("pool", "state")
    ),
    "rowbell_connection_wait_seconds": Metric(
        "histogram", "How long statements waited for a connection."
    ),
    "rowbell_loop_lag_seconds": Metric(
        "histogram", "How late the event loop did what it was asked to do at once."
    ),
    "rowbell_http_requests_total": Metric("counter", "HTTP requests."),
    "rowbell_operations_total": Metric(
        "counter", "Operations of the API: query, mutation, subscription.", ("type",)
    ),
    "rowbell_refusals_total": Metric(
        "counter", "Errors that the API answered with, by their code.", ("code",)
    ),
    "rowbell_subscribers": Metric("gauge", "Subscriptions under way."),
    "rowbell_sockets": Metric("gauge", "WebSockets and streams that are open."),
    "rowbell_database_up": Metric("gauge", "1 if PostgreSQL told what follows, within 2 s."),
    "rowbell_tasks": Metric(
        "gauge", "Open tasks in the database: pending, processing.", ("queue", "status")
    ),
    "rowbell_oldest_due_seconds": Metric(
        "gauge", "How long the oldest due task of a queue has waited.", ("queue",)
    ),
    "rowbell_workers": Metric("gauge", "Live workers, of all processes."),
    "rowbell_notify_queue_ratio": Metric(
        "gauge", "How full the queue of notifications is, 0 to 1."
    ),
}
