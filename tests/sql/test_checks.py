"""What an INSERT is refused for: each refusal has a sentence, a hint and the column."""

import re
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from rows import insert, register, running

REFUSED = [
    ("kind_is_named", "kind", "'Send-Email'", "kind 'Send-Email' is not a name", "module_action"),
    ("kind_is_named", "kind", "'mail:send'", "kind 'mail:send' is not a name", "module_action"),
    ("kind_is_named", "kind", "''", "kind '' is not a name", "module_action"),
    ("kind_is_named", "kind", r"E'echo\n'", "is not a name", "module_action"),
    ("kind_is_named", "kind", "repeat('a', 64)", "is not a name", "63 characters"),
    ("queue_is_named", "queue", "'a.b'", "queue 'a.b' is not a name", "reports_nightly"),
    ("queue_is_named", "queue", "'über'", "queue 'über' is not a name", "reports_nightly"),
    (
        "payload_is_small",
        "payload",
        "jsonb_build_object('file', repeat('x', 1048576))",
        "the payload has 1048588 bytes as JSON, the limit is 65536",
        "keep the file elsewhere",
    ),
    ("priority_is_within_reach", "priority", "101", "priority 101 is out of reach", "-100 to 100"),
    ("priority_is_within_reach", "priority", "-101", "priority -101 is out", "higher runs first"),
    (
        "run_at_is_within_reach",
        "run_at",
        "'infinity'",
        "run_at infinity is out of",
        "2000 and 2200",
    ),
    ("run_at_is_within_reach", "run_at", "'-infinity'", "run_at -infinity is out", "2000 and 2200"),
    ("run_at_is_within_reach", "run_at", "'294276-12-31'", "run_at 294276-12-31", "2000 and 2200"),
    ("attempts_are_counted", "attempt", "-1", "cannot be negative", "Leave these columns out"),
    ("attempts_are_counted", "failures", "-1", "cannot be negative", "Leave these columns out"),
    ("attempts_are_counted", "crashes", "-1", "cannot be negative", "Leave these columns out"),
    ("max_attempts_is_positive", "max_attempts", "0", "max_attempts 0 makes no sense", "1 to 1000"),
    ("max_attempts_is_positive", "max_attempts", "1001", "max_attempts 1001", "leave it out"),
    ("timeout_is_positive", "timeout", "'-1 s'", "timeout -00:00:01 makes no", "up to 7 days"),
    ("timeout_is_positive", "timeout", "'1 month'", "timeout 1 mon makes no sense", "up to 7 days"),
    ("unique_key_is_short", "unique_key", "''", "the unique_key has 0 characters", "1 to 200"),
    ("unique_key_is_short", "unique_key", "repeat('k', 201)", "has 201 characters", "1 to 200"),
    ("description_is_short", "description", "repeat('d', 1001)", "1001 characters", "most 1000"),
    ("created_by_is_short", "created_by", "repeat('c', 201)", "201 characters", "1 to 200"),
    ("audience_is_listed", "audience", "'{a,null}'", "at most 100 names", "none of them null"),
    ("audience_is_listed", "audience", "'{{a,b},{c,d}}'", "at most 100 names", "none of them null"),
    ("audience_is_listed", "audience", "array_fill('a'::text, '{101}')", "at most 100", "8 KiB"),
    ("audience_is_listed", "audience", "array[repeat('a', 8193)]", "at most 100 names", "8 KiB"),
    ("progress_is_a_fraction", "progress", "'NaN'", "progress NaN is no fraction", "0 to 1"),
    ("progress_is_a_fraction", "progress", "1.5", "progress 1.5 is no fraction", "0 to 1"),
    ("concurrency_key_is_short", "concurrency_key", "''", "has 0 characters", "leave it out"),
    ("after_is_listed", "after", "'{}'", "no list of 1 to 1000", "array[41, 42]"),
    ("after_is_listed", "after", "'{1,null}'", "no list of 1 to 1000", "array[41, 42]"),
    ("after_failure_is_known", "after_failure", "'maybe'", "'maybe' makes no sense", "Use cancel"),
    ("parents_are_known", "parents", "'maybe'", "'maybe' makes no sense", "Leave this column out"),
    ("traceparent_is_sound", "traceparent", "'00-abc-def-01'", "cannot be read", "W3C Trace"),
    (
        "traceparent_is_sound",
        "traceparent",
        "'00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01'",
        "cannot be read",
        "in lower case",
    ),
    ("batch_is_short", "batch", "''", "1 to 200 characters", "leave it out"),
    (
        "result_is_small",
        "result",
        "to_jsonb(repeat('x', 70000))",
        "the result has 70002 bytes as JSON",
        "Return a key or a count",
    ),
]


@pytest.mark.parametrize("name", sorted({each[0] for each in REFUSED}))
async def test_a_refused_value_is_answered_with_a_sentence_a_hint_and_the_column(
    connection: asyncpg.Connection, name: str
) -> None:
    for column, value, sentence, hint in (each[1:] for each in REFUSED if each[0] == name):
        columns = {"kind": "'echo'", column: value}
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await connection.execute(
                f"insert into rowbell.tasks ({', '.join(columns)})"
                f" values ({', '.join(columns.values())})"
            )
        error = caught.value
        assert sentence in error.message
        assert hint in error.hint
        # One refusal guards the three counters, and names the first.
        assert error.column_name == ("attempt" if name == "attempts_are_counted" else column)
        assert (error.schema_name, error.table_name) == ("rowbell", "tasks")
        assert error.constraint_name == name


@pytest.mark.parametrize("claimed", [False, True], ids=["waiting", "claimed"])
async def test_an_update_is_refused_what_an_insert_is_refused(
    connection: asyncpg.Connection, *, claimed: bool
) -> None:
    task = (await running(connection))[0] if claimed else (await insert(connection))[0]
    for name, column, value, *_ in REFUSED:
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await connection.execute(
                f"update rowbell.tasks set {column} = {value} where id = $1", task
            )
        assert caught.value.constraint_name == name


async def test_every_check_of_the_table_is_among_the_refusals_tested(
    connection: asyncpg.Connection,
) -> None:
    source = await connection.fetchval(
        "select prosrc from pg_proc where proname = 'refuse_unsound'"
    )
    names = set(re.findall(r"refuse\('(\w+)'", source))
    assert names == {each[0] for each in REFUSED} | {"batch_is_another"}
    checks = await connection.fetch(
        "select conname from pg_constraint"
        " where conrelid = 'rowbell.tasks'::regclass and contype = 'c'"
    )
    assert checks == []  # its text would be read anew for each statement: triggers do it


AT_THE_LIMIT: dict[str, list[Any]] = {
    "kind": ["a" * 63],
    "priority": [-100, 100],
    "run_at": [datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)],
    "max_attempts": [1, 1000],
    "unique_key": ["k", "ü" * 200],
    "audience": [[], ["a"] * 100],
    "payload": ["null", '"' + "x" * 65534 + '"'],
}


async def test_the_limit_itself_is_accepted(connection: asyncpg.Connection) -> None:
    columns: dict[str, Any]
    for column, values in AT_THE_LIMIT.items():
        for value in values:
            columns = {column: value}
            assert await insert(connection, **columns)


async def test_a_row_with_a_bad_neighbour_is_refused_with_it(
    connection: asyncpg.Connection,
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("insert into rowbell.tasks (kind) values ('echo'), ('Echo')")
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 0


async def test_pausing_a_queue_whose_name_is_none_is_refused_with_a_hint(
    connection: asyncpg.Connection,
) -> None:
    with pytest.raises(
        asyncpg.CheckViolationError, match="queue 'Reports' is not a name"
    ) as caught:
        await connection.execute("select rowbell.pause('Reports')")
    assert "reports_nightly" in caught.value.hint
    assert (caught.value.table_name, caught.value.column_name) == ("queues", "name")


async def test_a_payload_of_the_limit_can_be_claimed_and_completed(
    connection: asyncpg.Connection,
) -> None:
    payload = "[" + ", ".join("1" for _ in range(21_845)) + "]"  # as jsonb four times as big
    task, attempt, _ = await running(connection, payload=payload)
    assert (
        await connection.fetch("select rowbell.complete($1, $2, $3)", [task], [attempt], [payload])
        == []
    )


async def test_a_kind_with_a_bad_name_cannot_be_registered(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await register(connection, "Mail.Send")


async def test_a_task_cannot_wait_for_its_own_batch(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await connection.execute(
            "insert into rowbell.tasks (kind, batch, after_batch) values ('aaa', 'b', 'b')"
        )
    assert caught.value.constraint_name == "batch_is_another"
    assert caught.value.column_name == "after_batch"
