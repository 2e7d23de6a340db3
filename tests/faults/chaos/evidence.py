"""All that is known at the end: from the database, the record, the logs, the producers."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from faults.chaos import record
from faults.chaos.faults import Fault
from faults.chaos.fleet import Life
from faults.chaos.ground import Ground
from faults.chaos.ledger import Ledger
from faults.chaos.record import Run
from faults.chaos.watch import Watch

FINAL = ("COMPLETED", "FAILED", "CANCELLED")

TASKS = """
select id, (payload ->> 'number')::bigint as number, payload ->> 'group' as "group", kind,
  status::text, attempt, failures, crashes, worker, error ->> 'type' as error,
  coalesce(max_attempts, (select k.max_attempts from rowbell.kinds k where k.name = kind)) as most
from rowbell.tasks order by id
"""
# In the order of commits: that of writes may be another.
CHANGES = """
select task_id, attempt, worker, before, after, extract(epoch from at)::float8 as at,
  extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as committed_at
from chaos.changes order by committed_at, id
"""
EFFECTS = "select task_id, attempt, process from chaos.effects"

ERROR = re.compile(r"(?:ERROR|PANIC):  (.*)")
NUMBER = re.compile(r"\d+")
OUTCOMES = {"task.completed", "task.failed", "task.cancelled"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A final outcome that a worker says it has written."""

    process: int
    attempt: int
    event: str


@dataclass(slots=True)
class Evidence:
    """Rows and what happened to them, by task id where that helps."""

    ledger: Ledger
    faults: list[Fault]
    watch: Watch
    lives: list[Life]
    tasks: dict[int, Any]
    changes: list[Any]
    effects: dict[int, list[Any]]
    runs: dict[int, list[Run]]
    verdicts: dict[int, list[Verdict]]
    refused: int
    """Late outcomes, by the logs."""
    events: dict[str, int]
    """Warnings and errors in the logs: how many of which."""
    errors: list[str] = field(default_factory=list)
    """Log lines of level error."""
    server_errors: list[str] = field(default_factory=list)
    """What PostgreSQL refused, to whomever, without ids and numbers."""

    @property
    def life_of(self) -> dict[int, Life]:
        return {life.process: life for life in self.lives}


async def collect(ground: Ground, ledger: Ledger, faults: list[Fault], watch: Watch) -> Evidence:
    connection = await ground.connect()
    try:
        tasks = await connection.fetch(TASKS)
        changes = await connection.fetch(CHANGES)
        effects = await connection.fetch(EFFECTS)
    finally:
        await connection.close()
    evidence = Evidence(
        ledger=ledger,
        faults=faults,
        watch=watch,
        lives=[life for seat in ground.seats for life in seat.lives],
        tasks={row["id"]: row for row in tasks},
        changes=changes,
        effects=_grouped(effects, "task_id"),
        runs=defaultdict(list),
        verdicts=defaultdict(list),
        refused=0,
        events=defaultdict(int),
    )
    server_log = (ground.server.folder / "log").read_text(errors="replace")
    evidence.server_errors = [NUMBER.sub("#", text) for text in ERROR.findall(server_log)]
    for run in record.read(ground.folder):
        evidence.runs[run.task].append(run)
    for life in evidence.lives:
        _read_log(life, evidence)
    return evidence


def _grouped(rows: list[Any], column: str) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _read_log(life: Life, evidence: Evidence) -> None:
    log, process, was_ready = life.log, life.process, life.was_ready
    for line in log.read_bytes().splitlines():
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            if line.strip() and was_ready:  # one that could not start says so in plain words
                evidence.errors.append(f"{log.name}: {line.decode(errors='replace')}")
            continue
        name, level = event["event"], event.get("level")
        if name in OUTCOMES and event.get("status") != "PENDING":
            evidence.verdicts[event["task"]].append(Verdict(process, event["attempt"], name))
        if name == "attempt.refused":
            evidence.refused += 1
        if level in ("warning", "error"):
            evidence.events[name] += 1
        if level == "error":
            evidence.errors.append(f"{log.name}: {line.decode(errors='replace')}")
