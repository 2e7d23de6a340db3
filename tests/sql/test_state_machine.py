"""Whatever people, workers and sweeps do in whatever order, the table follows the model.

`HYPOTHESIS_PROFILE=long` looks at many more orders than CI does, and at others each time.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from rows import NOON, claim, insert, register
from state_claims import judge_claim, judge_fences
from state_model import Fence, Model, Task, Worker
from state_parents import OPEN

QUEUES = ("default", "other")
KINDS = ("aaa", "bbb")
KEYS = [("key", "x"), ("key", "y")]
MAX_ATTEMPTS = 3
VERBS = (
    "pass_time", "enqueue", "enqueue", "enqueue", "claim", "claim", "complete", "fail", "fail",
    "release", "release", "report_progress", "report_progress", "rescue", "expire", "expire",
    "release_strays", "prune", "cancel", "cancel_again", "retry", "retry", "pause", "resume",
    "beat", "sign_off", "start_a_worker", "limit", "limit", "meet_missed",
)  # fmt: skip
DELAYS = (None, 0.0, 10.0, -5.0)
STATE = """
select id, kind, queue, priority, run_at, unique_key, concurrency_key, after, after_batch,
  after_failure, batch, parents, status::text, attempt, failures, crashes,
  case when status = 'PROCESSING' then worker end worker, progress,
  started_at, finished_at, cancel_requested_at
from rowbell.tasks order by id
"""
EMPTY = ";".join(
    f"delete from rowbell.{table}"
    for table in ("tasks", "dependencies", "workers", "queues", "kinds", "keys")
)
LIMIT = {
    "queue": "insert into rowbell.queues (name, max_running) values ($1, $2)"
    " on conflict (name) do update set max_running = $2",
    "kind": "update rowbell.kinds set max_running = $2 where name = $1",
    "key": "insert into rowbell.keys (name, max_running) values ($1, $2)"
    " on conflict (name) do update set max_running = $2",
}

CI = settings(
    derandomize=True, database=None, deadline=None, max_examples=150, stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
LONG = settings(CI, derandomize=False, max_examples=2_000, stateful_step_count=80)
PROFILE = LONG if os.environ.get("HYPOTHESIS_PROFILE") == "long" else CI

picks = st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True)
"""Which ones, counted from the likeliest."""
columns = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "queue": st.sampled_from(QUEUES),
        "priority": st.sampled_from([0, 0, 1]),
        "due_in": st.sampled_from([0, -5, 60]),
        "max_attempts": st.sampled_from([None, 1]),
        "crashes": st.sampled_from([0, 0, 4]),
        "unique_key": st.sampled_from([None, None, "k"]),
        "concurrency_key": st.sampled_from([None, None, "x", "x", "y"]),
        "after": st.one_of(st.just([]), st.just([]), picks),
        "after_batch": st.sampled_from([None, None, "b"]),
        "after_failure": st.sampled_from(["cancel", "run", "wait"]),
        "batch": st.sampled_from([None, "b"]),
    }
)
limits = st.tuples(
    st.sampled_from([("queue", q) for q in QUEUES] + [("kind", k) for k in KINDS] + KEYS),
    st.sampled_from([None, 0, 1, 1, 2]),
)
others = {
    "enqueue": columns,
    "limit": limits,
    "pass_time": st.sampled_from([1, 11, 31, 3_600, 8 * 86_400]),
}
steps = st.one_of(st.tuples(st.just(verb), others.get(verb, picks)) for verb in VERBS)
"""All in one rule: Hypothesis leaves some rules out of each run, and some verbs need others."""


def as_tuple(values: list[int] | None) -> tuple[int, ...] | None:
    return None if values is None else tuple(values)


class Session:
    """One connection, for rules, which are no coroutines."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.connection = runner.run(asyncpg.connect(url))

    def fetch(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        rows = self.runner.run(self.connection.fetch(statement, *values))
        return [tuple(row) for row in rows]

    def refusal(self, statement: str, *values: Any) -> str | None:
        """The SQLSTATE with which a statement is refused, or None."""
        try:
            self.fetch(statement, *values)
        except asyncpg.PostgresError as error:
            return str(error.sqlstate)
        return None


class States(RuleBasedStateMachine):
    """Rules do the same to the database and to the model; invariants compare the two."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.model = Model()
        self.at = NOON
        self.known: list[int] = []  # ids of tasks, pruned ones included
        self.fences: list[Fence] = []  # every attempt that was ever claimed
        self.completed: set[int] = set()  # ids of tasks that have ever been so
        self.workers: list[int] = []
        self.before: dict[int, int] = {}  # attempts at the last look
        session.runner.run(session.connection.execute(EMPTY))

    def pick(self, among: list[Any], picks: list[int]) -> list[Any]:
        return [among[-1 - n] for n in picks if n < len(among)]

    def pick_fences(self, picks: list[int]) -> tuple[list[Fence], list[int], list[int]]:
        """Running attempts first, or stale ones of tasks that run again; one of a task."""
        if not self.model.running(self.fences):
            self.get_going()
        running = [f for f in self.fences if self.model.running([f])]
        again = {id_ for id_, _ in running}
        stale = sorted((f for f in self.fences if f not in running), key=lambda f: f[0] in again)
        ordered = running + stale if picks[0] % 3 == 2 else stale + running
        chosen = dict(self.pick(ordered, sorted(picks, reverse=True)))
        return list(chosen.items()), list(chosen), list(chosen.values())

    # ------------------------------------------------------------ who does what

    @initialize()
    def begin(self) -> None:
        self.register(KINDS)
        self.register(KINDS[:1])
        plain = {"queue": "default", "priority": 0, "run_at": self.at}
        for kind in KINDS:
            self.insert(2, kind=kind, **plain)
            self.insert(1, kind=kind, concurrency_key="x", crashes=4, **plain)
        for after_failure in ("run", "wait", "cancel"):
            family = {"after": (self.known[0],), "after_failure": after_failure}
            self.insert(1, kind="aaa", **plain, **family)
        self.insert(1, kind="aaa", after=(self.known[-1],), **plain)

    @rule(step=steps)
    def act(self, step: tuple[str, Any]) -> None:
        verb, how = step
        getattr(self, verb)(how)

    def pass_time(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    def get_going(self) -> None:
        """Whatever it takes for some attempt to run: most orders by far lead to idleness."""
        if not any(map(self.model.is_alive, self.workers)):
            self.register(KINDS)
        for limited, most in list(self.model.limits.items()):
            if most == 0:
                self.limit((limited, None))
        self.resume([0])
        self.resume([1])
        if not any(map(self.promise, self.pairs())):
            self.insert(2, kind="aaa", queue="default", priority=0, run_at=self.at)
        self.claim([0, 1])

    # ------------------------------------------------------------ workers

    def start_a_worker(self, picks: list[int]) -> None:
        self.register(KINDS[: 1 + picks[0] % 2])

    def register(self, kinds: tuple[str, ...]) -> None:
        session = self.session
        worker = session.runner.run(
            register(session.connection, *kinds, at=self.at, max_attempts=MAX_ATTEMPTS)
        )
        self.workers.append(worker)
        self.model.workers[worker] = Worker(worker, kinds, beat_at=self.at)

    def beat(self, picks: list[int]) -> None:
        for worker in self.pick(self.workers, picks):
            (alive,) = self.session.fetch(
                "select rowbell.heartbeat($1, 0, false, null, $2)", worker, self.at
            )
            assert alive == (self.model.heartbeat(worker, self.at),)

    def sign_off(self, picks: list[int]) -> None:
        for worker in self.pick(self.workers, picks[:1]):
            self.session.fetch("select rowbell.sign_off($1, $2)", worker, self.at)
            self.model.sign_off(worker, self.at)
            assert self.refuses_to_claim(worker, QUEUES[0])

    # ------------------------------------------------------------ tasks in and out

    def enqueue(self, given: dict[str, Any]) -> None:
        columns = {**given, "run_at": self.at + timedelta(seconds=given["due_in"])}
        del columns["due_in"]
        columns["after"] = tuple(self.pick(self.likely(*OPEN), given["after"])) or None
        if columns["batch"] == "b":
            columns["after_batch"] = None
        if self.model.key_is_taken(columns["unique_key"]):
            with pytest.raises(asyncpg.UniqueViolationError):
                self.insert(1, **columns)
        else:
            self.insert(1, **columns)

    def insert(self, count: int, **columns: Any) -> None:
        session = self.session
        for id_ in session.runner.run(insert(session.connection, count=count, **columns)):
            self.known.append(id_)
            most = columns.get("max_attempts") or MAX_ATTEMPTS
            self.model.tasks[id_] = Task(id_, **{**columns, "max_attempts": most})

    def claim(self, picks: list[int]) -> None:
        slots = 2 * len(picks) - picks[0] % 2
        for worker, queue in self.pick(sorted(self.pairs(), key=self.promise), picks[:1]):
            if not self.model.is_alive(worker):
                assert self.refuses_to_claim(worker, queue)
                continue
            kinds = self.model.workers[worker].kinds
            if queue not in self.model.paused:
                self.model.parents.see(queue, self.at)
            due = self.model.due(queue, kinds, self.at)
            claims = self.session.runner.run(
                claim(self.session.connection, worker, slots, kinds=kinds, queue=queue, at=self.at)
            )
            judge_fences(claims, due)
            taken = [c["id"] for c in claims]
            self.model.claim(worker, taken, self.at)
            judge_claim(self.model, [t for t in due if t.id not in taken], taken, slots)
            self.judge_parents(taken)
            self.fences += [(c["id"], c["attempt"]) for c in claims]

    def judge_parents(self, taken: list[int]) -> None:
        for task in (self.model.tasks[id_] for id_ in taken):
            assert task.after_failure == "run" or self.completed.issuperset(task.after or ())

    def pairs(self) -> list[tuple[int, str]]:
        return [(worker, queue) for worker in self.model.workers for queue in QUEUES]

    def promise(self, pair: tuple[int, str]) -> int:
        """How many tasks a claim may bring to a worker from a queue."""
        worker, queue = pair
        due = self.model.due(queue, self.model.workers[worker].kinds, self.at)
        unseen = [t for t in self.model.tasks.values() if t.queue == queue and t.is_unseen]
        return len(due + unseen) * self.model.is_alive(worker)

    def refuses_to_claim(self, worker: int, queue: str) -> bool:
        values = (queue, worker, 1, list(KINDS), self.at)
        refusal = self.session.refusal("select * from rowbell.claim($1, $2, $3, $4, $5)", *values)
        return refusal == "RB410" or queue in self.model.paused

    # ------------------------------------------------------------ outcomes, late ones too

    def complete(self, picks: list[int]) -> None:
        fences, ids, attempts = self.pick_fences(picks)
        refused = self.session.fetch(
            "select rowbell.complete($1, $2, $3, $4)", ids, attempts, ["1"] * len(ids), self.at
        )
        assert {each[0] for each in refused} == self.model.complete(fences, self.at)

    def fail(self, picks: list[int]) -> None:
        fences, ids, attempts = self.pick_fences(picks)
        delays = [DELAYS[id_ % len(DELAYS)] for id_ in ids]
        verdicts = self.session.fetch(
            "select id, status::text from rowbell.fail($1, $2, $3, $4, $5)",
            ids, attempts, ["{}"] * len(ids), delays, self.at,
        )  # fmt: skip
        assert set(verdicts) == self.model.fail(fences, delays, self.at)

    def release(self, picks: list[int]) -> None:
        fences, ids, attempts = self.pick_fences(picks)
        released = self.session.fetch(
            "select id, status::text from rowbell.release($1, $2, $3)", ids, attempts, self.at
        )
        assert set(released) == self.model.release(fences, self.at)

    def report_progress(self, picks: list[int]) -> None:
        fences, ids, attempts = self.pick_fences(picks)
        statement = "select rowbell.report_progress($1, $2, $3)"
        self.session.fetch(statement, ids, attempts, [0.5] * len(ids))
        self.model.report_progress(fences, 0.5)

    # ------------------------------------------------------------ sweeps

    def rescue(self, _: list[int]) -> None:
        taken = self.session.fetch("select worker, tasks from rowbell.rescue(100, $1)", self.at)
        assert dict(taken) == self.model.rescue(self.at)

    def expire(self, silent: list[int]) -> None:
        """Some workers beat once more; then the lease of the others is over, and a sweep comes."""
        if not self.model.running(self.fences):
            self.get_going()
        self.pass_time(29)
        self.beat([n for n in range(8) if n not in silent])
        self.pass_time(2)
        self.rescue(silent)

    def release_strays(self, picks: list[int]) -> None:
        for worker in self.pick(self.workers, picks[:1]):
            held = set(self.pick(self.known, picks))
            back = self.session.fetch(
                "select rowbell.release_strays($1, $2, '10 s', $3)", worker, list(held), self.at
            )
            before = self.at - timedelta(seconds=10)
            assert {r[0] for r in back} == self.model.release_strays(worker, held, before, self.at)

    def meet_missed(self, _: list[int]) -> None:
        self.session.fetch("select rowbell.meet_missed($1)", self.at)
        self.model.parents.meet_missed(self.at)

    def prune(self, _: list[int]) -> None:
        deleted = self.session.fetch("select rowbell.prune('7 days', 100, $1)", self.at)
        assert deleted == [(self.model.prune(timedelta(days=7), self.at),)]

    # ------------------------------------------------------------ people

    def cancel(self, picks: list[int]) -> None:
        self.ask("cancel", self.likely("PROCESSING"), picks)

    def cancel_again(self, picks: list[int]) -> None:
        self.cancel(picks)
        self.pass_time(1)
        self.cancel(picks)

    def retry(self, picks: list[int]) -> None:
        self.ask("retry", self.likely("FAILED", "CANCELLED"), picks)

    def likely(self, *states: str) -> list[int]:
        """The ids of all tasks, deleted ones included; those in these states come last."""
        found = {task.id for task in self.model.tasks.values() if task.status in states}
        return sorted(self.known, key=lambda id_: (id_ in found, id_))

    def ask(self, verb: str, among: list[int], picks: list[int]) -> None:
        for id_ in self.pick(among, picks[:1]):
            refusal = self.session.refusal(f"select rowbell.{verb}($1, $2)", id_, self.at)
            assert refusal == getattr(self.model, verb)(id_, self.at)

    def pause(self, picks: list[int]) -> None:
        queue = QUEUES[picks[0] % 2]
        self.session.fetch("select rowbell.pause($1, $2)", queue, self.at)
        self.model.paused.add(queue)

    def resume(self, picks: list[int]) -> None:
        queue = QUEUES[picks[0] % 2]
        self.session.fetch("select rowbell.resume($1, $2)", queue, self.at)
        self.model.paused.discard(queue)

    def limit(self, given: tuple[tuple[str, str], int | None]) -> None:
        (what, name), most = given
        if what == "key" and most is None:
            self.session.fetch("delete from rowbell.keys where name = $1", name)
            self.model.limits.pop((what, name), None)
        else:
            self.session.fetch(LIMIT[what], name, most)
            self.model.limits[what, name] = most

    # ------------------------------------------------------------ what must always hold

    @invariant()
    def table_follows_the_model(self) -> None:
        rows = self.session.runner.run(self.session.connection.fetch(STATE))
        expected = [self.model.tasks[id_] for id_ in sorted(self.model.tasks)]
        found = [
            Task(**{**row, "max_attempts": 0, "after": as_tuple(row["after"])}) for row in rows
        ]
        for task, other in zip(found, expected, strict=True):  # nothing is lost or made up
            task.max_attempts = other.max_attempts
            assert task == other
            self.judge_row(task)
        self.completed |= {task.id for task in found if task.status == "COMPLETED"}
        self.before = {task.id: task.attempt for task in found}

    def judge_row(self, task: Task) -> None:
        """What holds of every row by itself, whatever the model thinks."""
        assert (task.status == "PROCESSING") == (task.worker is not None)
        assert task.status != "PROCESSING" or task.started_at
        assert (task.status in OPEN) == (task.finished_at is None)
        assert self.before.get(task.id, 0) <= task.attempt <= self.before.get(task.id, 0) + 1


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    with asyncio.Runner() as runner:
        session = Session(database_url, runner)
        yield session
        runner.run(session.connection.close())


@pytest.mark.timeout(0 if PROFILE is LONG else 300)
def test_whatever_is_done_in_whatever_order_the_table_follows_the_model(session: Session) -> None:
    run_state_machine_as_test(lambda: States(session), settings=PROFILE)
