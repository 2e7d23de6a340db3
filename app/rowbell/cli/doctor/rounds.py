"""The checks, one after the other, each within its time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from rowbell.db.doctor import health
from rowbell.db.doctor.address import listening, server
from rowbell.db.doctor.canary import canary
from rowbell.db.doctor.clock import clock
from rowbell.db.doctor.constraints import constraints
from rowbell.db.doctor.finding import Answer, Finding, Severity, problem
from rowbell.db.doctor.grants import grants
from rowbell.db.doctor.indexes import indexes
from rowbell.db.doctor.objects import objects
from rowbell.db.doctor.patient import Patient
from rowbell.db.doctor.schema import schema
from rowbell.db.refusals import translated
from rowbell.errors import RowbellError

CHECK_SECONDS = 8.0
CANARY_SECONDS = 15.0
GIVE_UP_SECONDS = 2.0


class Needs(StrEnum):
    """What has to be there before a check can be made."""

    NOTHING = "nothing"
    SCHEMA = "a schema"
    HEALTH = "a newer schema"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ask: Callable[[Patient], Awaitable[Answer]]
    needs: Needs = Needs.SCHEMA
    seconds: float = CHECK_SECONDS


CHECKS = (
    Check("server", server, Needs.NOTHING),
    Check("listen", listening, Needs.NOTHING),
    Check("clock", clock, Needs.NOTHING),
    Check("schema", schema, Needs.NOTHING),
    Check("objects", objects),
    Check("indexes", indexes),
    Check("constraints", constraints),
    Check("grants", grants),
    *(Check(topic, health.of(topic), Needs.HEALTH) for topic in health.FINE),
    Check("canary", canary, seconds=CANARY_SECONDS),
)


@dataclass(frozen=True, slots=True)
class Result:
    check: str
    verdict: str
    """fine, skipped, or the worst severity found."""
    said: str
    seconds: float
    findings: list[Finding]


async def examine(patient: Patient, check: Check) -> Result:
    """Its answer; or a problem, if it fails or does not end in time. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    asking = asyncio.create_task(_ask(patient, check))
    done, _ = await asyncio.wait({asking}, timeout=check.seconds)
    if done:
        answer = asking.result()
    else:
        answer = Answer("no answer", [_late(check)])
        await _give_up(patient, asking)
    verdict = min((f.severity for f in answer.findings), key=list(Severity).index, default=None)
    seconds = loop.time() - began
    otherwise = "skipped" if answer.is_skipped else "fine"
    return Result(check.name, verdict or otherwise, answer.said, seconds, list(answer.findings))


async def _give_up(patient: Patient, asking: asyncio.Task[Answer]) -> None:
    """Hang up first: what a check clears away at its end would wait for the same dead server."""
    patient.connection.terminate()
    asking.cancel()
    await asyncio.wait({asking}, timeout=GIVE_UP_SECONDS)
    await patient.meet_again()


async def _ask(patient: Patient, check: Check) -> Answer:
    has = {
        Needs.NOTHING: True,
        Needs.SCHEMA: patient.has_schema,
        Needs.HEALTH: patient.has_schema and patient.has_health,
    }
    if not has[check.needs]:
        return Answer(f"not checked: it takes {check.needs}", is_skipped=True)
    try:
        with translated():
            return await check.ask(patient)
    except RowbellError as error:
        if patient.connection.is_closed():
            await patient.meet_again()
        sentence = f"The check could not be made: {error.message}"
        return Answer("failed", [problem(f"{check.name}.failed", sentence)])


def _late(check: Check) -> Finding:
    sentence = f"PostgreSQL did not answer within {check.seconds:g} s."
    return problem(f"{check.name}.late", sentence)
