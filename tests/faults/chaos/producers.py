"""Applications that insert tasks, each over a connection of its own, in every way there is."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from faults.chaos.ledger import Fate, Ledger
from faults.chaos.outages import GONE, is_outage
from faults.chaos.rows import COLUMNS, Row, Rows

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 15.0
HOLD_SECONDS = 0.5
BEHIND_SECONDS = 8.0
"""After an outage it makes up for so much at the most."""

ONE = f"""
insert into rowbell.tasks ({", ".join(COLUMNS)})
values ($1, $2, $3, $4::text::jsonb, $5) returning id
"""
MANY = f"""
insert into rowbell.tasks ({", ".join(COLUMNS)})
select kind, queue, key, payload::jsonb, run_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
  u (kind, queue, key, payload, run_at)
"""

Connection = Any


class Producer:
    """Inserts at a rate until it is cancelled."""

    def __init__(
        self,
        url: str,
        rate: float,
        ledger: Ledger,
        dice: random.Random,
        inserted: Callable[[int], None],
    ) -> None:
        """inserted: is told the ids of tasks that a single INSERT made."""
        self._url = url
        self._rate = rate
        self._ledger = ledger
        self._rows = Rows(ledger, dice)
        self._dice = dice
        self._inserted = inserted
        self._ways: list[tuple[int, int, Callable[[Connection, list[Row]], Awaitable[None]]]] = [
            # weight, rows at the most, how
            (40, 1, self._single),
            (20, 20, self._statement),
            (10, 50, self._copy),
            (6, 8, self._roll_back),
            (4, 20, self._hold),
            (10, 6, self._savepoints),
        ]

    async def run(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began, made = loop.time(), 0.0
        connection: Connection = None
        while (elapsed := loop.time() - began) < seconds:
            due = elapsed * self._rate - made
            if due < 1:
                await asyncio.sleep((1 - due) / self._rate)
                continue
            made += max(0.0, due - BEHIND_SECONDS * self._rate)
            try:
                connection = connection or await self._connect()
                made += await self._insert(connection, int(due))
            except GONE as error:
                if not is_outage(error):
                    self._ledger.refusals.append(str(error))
                if connection:
                    connection.terminate()
                connection = None
                await asyncio.sleep(0.1)
        if connection:
            connection.terminate()

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={"application_name": "producer"},
        )

    async def _insert(self, connection: Connection, due: int) -> int:
        weights = [weight for weight, _, _ in self._ways]
        ((_, most, way),) = self._dice.choices(self._ways, weights)
        rows = self._rows.make(self._dice.randint(1, min(most, max(due, 1))))
        await way(connection, rows)
        return len(rows)

    # ---------------------------------------------------------------- the ways

    async def _single(self, connection: Connection, rows: list[Row]) -> None:
        self._inserted(await self._answered(rows, connection.fetchval(ONE, *rows[0].values)))

    async def _statement(self, connection: Connection, rows: list[Row]) -> None:
        await self._answered(rows, connection.execute(MANY, *columns(rows)))

    async def _copy(self, connection: Connection, rows: list[Row]) -> None:
        await self._answered(rows, copy(connection, rows))

    async def _roll_back(self, connection: Connection, rows: list[Row]) -> None:
        self._ledger.settle(numbers(rows), Fate.ROLLED_BACK)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(MANY, *columns(rows))
        await transaction.rollback()

    async def _hold(self, connection: Connection, rows: list[Row]) -> None:
        await self._within(connection, rows, self._then_wait)

    async def _then_wait(self, connection: Connection, rows: list[Row]) -> list[Row]:
        await connection.execute(MANY, *columns(rows))
        await asyncio.sleep(HOLD_SECONDS)
        return rows

    async def _savepoints(self, connection: Connection, rows: list[Row]) -> None:
        await self._within(connection, rows, self._with_savepoint)

    async def _with_savepoint(self, connection: Connection, rows: list[Row]) -> list[Row]:
        kept, undone = rows[::2], rows[1::2]
        for row in kept:
            await connection.execute(ONE, *row.values)
        savepoint = connection.transaction()
        await savepoint.start()
        await copy(connection, undone)
        await savepoint.rollback()
        return kept

    # ---------------------------------------------------------------- what becomes of rows

    async def _within(
        self,
        connection: Connection,
        rows: list[Row],
        work: Callable[[Connection, list[Row]], Awaitable[list[Row]]],
    ) -> None:
        """Until COMMIT is sent nothing is committed; from then on only its answer tells."""
        self._ledger.settle(numbers(rows), Fate.ROLLED_BACK)
        transaction = connection.transaction()
        await transaction.start()
        kept = await work(connection, rows)
        await self._answered(kept, transaction.commit())

    async def _answered(self, rows: list[Row], statement: Awaitable[Any]) -> Any:
        self._ledger.settle(numbers(rows), Fate.UNKNOWN)
        answer = await statement
        self._ledger.settle(numbers(rows), Fate.COMMITTED)
        return answer


async def copy(connection: Connection, rows: list[Row]) -> None:
    await connection.copy_records_to_table(
        "tasks", schema_name="rowbell", columns=COLUMNS, records=[row.values for row in rows]
    )


def columns(rows: list[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*(row.values for row in rows), strict=True)]


def numbers(rows: list[Row]) -> list[int]:
    return [row.number for row in rows]
