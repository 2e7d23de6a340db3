"""Duty: one of several equal workers answers the bell, and no bell is missed when that changes."""

import asyncio
from collections.abc import Callable

import asyncpg

from rowbell import Context
from rowbell.db.duty import Duty

from deadline import DEADLINE_SECONDS
from integration.conftest import NEVER_SECONDS, Engine, StartEngine, Tasks


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def on_duty(*engines: Engine) -> list[Engine]:
    return [engine for engine in engines if engine.worker.duty.is_on]


async def work(payload: dict) -> None: ...


async def rest(payload: dict) -> None: ...


async def wait(payload: dict, context: Context) -> None:
    await asyncio.Event().wait()


async def test_one_of_equal_workers_is_on_duty(start_engine: StartEngine) -> None:
    first = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    second = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    assert on_duty(first, second) == [first]


async def test_workers_of_other_kinds_have_a_chair_of_their_own(start_engine: StartEngine) -> None:
    first = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    second = await start_engine(rest, sweep_seconds=NEVER_SECONDS)
    assert on_duty(first, second) == [first, second]


async def test_workers_that_wait_for_the_chair_share_the_turns_of_a_sweep(
    start_engine: StartEngine,
) -> None:
    first, *others = [await start_engine(work, sweep_seconds=0.05) for _ in range(4)]
    await until(lambda: [each.sweeper.turns for each in others] == [3, 3, 3])
    assert first.sweeper.turns == 1
    await first.die()
    await until(lambda: any(each.sweeper.turns == 1 for each in others))


async def test_after_a_death_another_worker_answers(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    first = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    second = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    await first.die()
    await until(lambda: on_duty(second) == [second])
    task = await tasks.insert("work")
    assert (await tasks.until_status(task, "COMPLETED"))["worker"] == second.worker.id


async def test_a_worker_that_drains_leaves_the_bell_to_others(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    first = await start_engine(work, wait, sweep_seconds=NEVER_SECONDS)
    second = await start_engine(work, wait, sweep_seconds=NEVER_SECONDS)
    long = await tasks.insert("wait")
    await tasks.until_status(long, "PROCESSING")
    draining = asyncio.create_task(first.worker.drain(5))
    await until(lambda: on_duty(first, second) == [second])
    task = await tasks.insert("work")
    assert (await tasks.until_status(task, "COMPLETED"))["worker"] == second.worker.id
    first.worker.cancel(long)
    await draining


async def test_a_full_worker_hands_on_what_it_cannot_run(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    first = await start_engine(wait, sweep_seconds=NEVER_SECONDS, slots=2)
    second = await start_engine(wait, sweep_seconds=NEVER_SECONDS, slots=2)
    inserted = [await tasks.insert("wait") for _ in range(4)]
    for task in inserted:
        await tasks.until_status(task, "PROCESSING")
    assert len(first.worker.attempts) == len(second.worker.attempts) == 2


async def test_a_cancel_reaches_a_worker_that_is_not_on_duty(
    start_engine: StartEngine, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    first = await start_engine(wait, sweep_seconds=NEVER_SECONDS, slots=1)
    second = await start_engine(wait, sweep_seconds=NEVER_SECONDS, slots=2)
    for task in [await tasks.insert("wait") for _ in range(2)]:
        await tasks.until_status(task, "PROCESSING")
    await until(lambda: len(second.worker.attempts) == 1)
    (there,) = second.worker.attempts.held()
    await connection.execute("select rowbell.cancel($1)", there)
    await tasks.until_status(there, "CANCELLED")
    assert first.worker.attempts


async def test_a_full_worker_that_is_not_on_duty_does_not_wait_for_the_chair() -> None:
    duty = Duty(["default"], ["work"])
    async with duty._deciding:  # as while its listener stands in line for the chair
        await asyncio.wait_for(duty.hand_on(), DEADLINE_SECONDS)


async def test_what_was_inserted_in_silence_runs_although_nobody_is_awake_any_more(
    start_engine: StartEngine, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    engine = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    keys = await engine.worker.duty.stay_awake("default", ["work"])
    async with connection.transaction():
        task = await tasks.insert("work")
        await engine.worker.duty.stand_down(keys, look(engine))
        assert engine.worker.duty.gate_seconds < float("inf")
    await tasks.until_status(task, "COMPLETED")


async def test_a_long_transaction_holds_up_nothing_that_others_have_inserted_in_silence(
    start_engine: StartEngine, tasks: Tasks, database_url: str, connection: asyncpg.Connection
) -> None:
    engine = await start_engine(work, sweep_seconds=NEVER_SECONDS)
    keys = await engine.worker.duty.stay_awake("default", ["work"])
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("insert into rowbell.tasks (kind) values ('work')")
        async with connection.transaction():
            task = await tasks.insert("work")
            await engine.worker.duty.stand_down(keys, look(engine))
        await tasks.until_status(task, "COMPLETED")
    await other.close()


def look(engine: Engine) -> Callable[[], None]:
    return lambda: engine.worker.dispatchers.bell("default")
