"""Writes a batch of outcomes: each group in one statement, and each outcome into the log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import orjson

from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.engine.attempt import Ending, Outcome
from rowbell.errors import InvalidArgument, RowbellError, Unavailable
from rowbell.logs import each, log
from rowbell.measures import measures
from rowbell.tally import tally
from rowbell.task import Failure, Status

REFUSED_SECONDS = 0.2
"""The pause after a batch of which PostgreSQL refused something."""


class Writer:
    """Of `rowbell.tasks`; stateless, but for the problem that it has told last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._problem = ""

    async def write(self, batch: list[Outcome]) -> None:
        """Settle what can be settled. Raises Unavailable, and may then be called again."""
        # Sorted, so that every batch locks rows in the same order; settled ones are not repeated
        # when an earlier try got half-way.
        left = sorted(_current(batch), key=lambda o: o.claim.id)
        await self._keep_lines([o for o in left if o.lines])
        problem = await self._apart(self._release, [o for o in left if o.ending])
        problem = await self._apart(self._complete, [o for o in left if _has_result(o)]) or problem
        problem = await self._apart(self._fail, [o for o in left if _has_failed(o)]) or problem
        if problem and problem.message != self._problem:
            log.warning("completer.failed", outcomes=1, reason=problem.message)
        self._problem = problem.message if problem else ""
        if problem:
            await asyncio.sleep(REFUSED_SECONDS)

    async def _keep_lines(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        try:
            await tasks.keep_lines(
                self._database,
                *_fences(outcomes),
                [_OUTCOMES[o.ending] if o.ending else _verdict(o) for o in outcomes],
                [o.lines or "[]" for o in outcomes],
            )
        except Unavailable:
            raise
        except RowbellError as error:  # they are worth less than the outcomes
            log.warning("completer.failed", lines_of=len(outcomes), reason=error.message)
        for outcome in outcomes:
            outcome.lines = None

    async def _apart(
        self, write: Callable[[list[Outcome]], Awaitable[None]], outcomes: list[Outcome]
    ) -> RowbellError | None:
        """One outcome that PostgreSQL refuses must not hold up the others: halve until alone.

        Returns why some are not settled. Raises Unavailable.
        """
        try:
            if outcomes:
                await write(outcomes)
        except Unavailable:
            raise
        except RowbellError as error:
            if len(outcomes) > 1:
                middle = len(outcomes) // 2
                first = await self._apart(write, outcomes[:middle])
                return await self._apart(write, outcomes[middle:]) or first
            if isinstance(error, InvalidArgument) and _has_result(outcomes[0]):
                outcomes[0].failure = Failure("ResultRefused", str(error), retryable=False)
                return None  # written with the failures, which come last
            return error
        return None

    async def _complete(self, outcomes: list[Outcome]) -> None:
        results = [outcome.result for outcome in outcomes]
        refused = set(await tasks.complete(self._database, *_fences(outcomes), results))
        for outcome in outcomes:
            if outcome.claim.id in refused:
                _settle(outcome, None)
        _settle_completed([o for o in outcomes if not o.is_settled])

    async def _fail(self, outcomes: list[Outcome]) -> None:
        failures = [outcome.failure for outcome in outcomes if outcome.failure]
        verdicts = await tasks.fail(
            self._database,
            *_fences(outcomes),
            [_error(failure) for failure in failures],
            [failure.delay if failure.retryable else None for failure in failures],
        )
        for outcome, failure in zip(outcomes, failures, strict=True):
            verdict = verdicts.get(outcome.claim.id)
            _settle(outcome, "task.failed" if verdict else None, **_words(failure, verdict))
            if verdict and verdict.status is Status.FAILED:
                log.warning(
                    "task.exhausted",
                    task=outcome.claim.id,
                    kind=outcome.claim.kind,
                    failures=verdict.failures,
                    enqueued=verdict.on_failed,
                )

    async def _release(self, outcomes: list[Outcome]) -> None:
        verdicts = await tasks.release(self._database, *_fences(outcomes))
        for outcome in outcomes:
            verdict = verdicts.get(outcome.claim.id)
            _settle(outcome, _RELEASED.get(verdict.status) if verdict else None)


_OUTCOMES = {
    Ending.CANCELLED: "CANCELLED",
    Ending.DRAINED: "RELEASED",
    Ending.FENCED: "RELEASED",
    Ending.RETURNED: "RELEASED",
}


def _verdict(outcome: Outcome) -> str:
    return "FAILED" if outcome.failure else "COMPLETED"


def _current(batch: list[Outcome]) -> list[Outcome]:
    """What is to be written: of two attempts at one task the later one, for answers name the task.

    The earlier one was given up while PostgreSQL was gone: it is settled as refused.
    """
    left = [outcome for outcome in batch if not outcome.is_settled]
    latest = {o.claim.id: o.claim for o in sorted(left, key=lambda o: o.claim.attempt)}
    for outcome in left:
        if outcome.claim is not latest[outcome.claim.id]:
            _settle(outcome, None)
    return [outcome for outcome in left if not outcome.is_settled]


def _has_result(outcome: Outcome) -> bool:
    return not outcome.ending and not outcome.failure


def _has_failed(outcome: Outcome) -> bool:
    return not outcome.ending and outcome.failure is not None


_RELEASED = {Status.PENDING: "task.released", Status.CANCELLED: "task.cancelled"}


def _settle_completed(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        outcome.is_settled = True
        measures.ended(outcome.claim, "completed", outcome.seconds)
    each(
        logging.INFO,
        "task.completed",
        ({**o.claim.fields, "seconds": round(o.seconds, 4)} for o in outcomes),
    )


_MEASURED = {
    None: "refused",
    "task.released": "released",
    "task.cancelled": "cancelled",
}
_FAILED = {"PENDING": "retried", "CANCELLED": "cancelled"}


def _settle(outcome: Outcome, event: str | None, **words: object) -> None:
    """Log how an outcome was written; event None: it was refused."""
    outcome.is_settled = True
    what = _MEASURED.get(event) or _FAILED.get(str(words["status"]), "failed")
    measures.ended(outcome.claim, what, outcome.seconds)
    if event is None:
        tally.attempts_refused += 1
        log.warning("attempt.refused", **outcome.claim.fields)
    else:
        log.info(event, **outcome.claim.fields, seconds=round(outcome.seconds, 4), **words)


def _words(failure: Failure, verdict: tasks.Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {}
    words: dict[str, object] = {
        "status": str(verdict.status),
        "failures": f"{verdict.failures}/{verdict.max_attempts}",
        "error": failure.type,
        "reason": failure.message[:300],
    }
    if verdict.status is Status.PENDING:
        words["again_in_seconds"] = round(failure.delay or 0, 3)
    return words


def _fences(outcomes: Iterable[Outcome]) -> tuple[list[int], list[int]]:
    pairs = [(outcome.claim.id, outcome.claim.attempt) for outcome in outcomes]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _error(failure: Failure) -> str:
    return orjson.dumps(
        {
            "type": failure.type,
            "message": failure.message,
            "retryable": failure.retryable,
            "traceback": failure.traceback,
            **failure.details,
        }
    ).decode()
