"""More that somebody may do to a database: it is named, and the mend works as it is printed."""

import pytest

from e2e.clinic import Clinic

NOTHING = "returns trigger language plpgsql as $$ begin return null; end $$"
BROKEN = {
    "a trigger function that does nothing": (
        f"create or replace function rowbell.ring_for_inserts() {NOTHING}",
        "The function rowbell.ring_for_inserts was changed",
    ),
    "a trigger that fires on replicas alone": (
        "alter table rowbell.tasks enable replica trigger bell_for_inserts",
        "The trigger bell_for_inserts of rowbell.tasks is not enabled as it should be.",
    ),
    "a CHECK that was dropped": (
        "alter table rowbell.kinds drop constraint burst_is_positive;"
        "alter table rowbell.queues drop constraint rate_is_positive",
        "The constraint rate_is_positive of rowbell.queues is missing",
    ),
    "an index that is not valid": (
        "update pg_index set indisvalid = false"
        " where indexrelid = 'rowbell.tasks_batches'::regclass",
        "Index rowbell.tasks_batches is not valid",
    ),
    "a table without WAL": (
        "alter table rowbell.kinds set unlogged",
        "rowbell.kinds is UNLOGGED",
    ),
    "row level security": (
        "alter table rowbell.tasks enable row level security",
        "Row level security is on for rowbell.tasks",
    ),
    "ids that begin again": (
        "insert into rowbell.tasks (kind) values ('echo');"
        "alter sequence rowbell.tasks_id_seq restart 1",
        "The next id of rowbell.tasks is 1",
    ),
    "ids that end": (
        "select setval('rowbell.tasks_id_seq', 1000);"
        "alter sequence rowbell.tasks_id_seq maxvalue 1005",
        "INSERTs fail after that",
    ),
    "autovacuum that is off for a table": (
        "alter table rowbell.tasks set (autovacuum_enabled = off)",
        "Autovacuum is off for rowbell.tasks",
    ),
    "a role with too few connections": (
        "alter role postgres connection limit 3",
        "The role postgres may have 3 connections",
    ),
}


@pytest.mark.parametrize(("breaking", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_somebody_has_done_is_named_and_mended(
    clinic: Clinic, breaking: str, sentence: str
) -> None:
    clinic.psql(breaking)
    clinic.paste(clinic.names(sentence))
    clinic.is_content()


def test_a_prepared_transaction_and_a_replication_slot_that_hold_back_vacuum(
    clinic: Clinic,
) -> None:
    clinic.psql(
        "alter database postgres set rowbell.long_transaction = '300 ms';"
        "select pg_create_logical_replication_slot('gone', 'pgoutput');"
        "begin; create table forgotten (); prepare transaction 'lunch'"
    )
    clinic.until("select now() - prepared > '300 ms' from pg_prepared_xacts")
    printed = clinic.names("The prepared transaction lunch of postgres is open for")
    assert "Replication slot gone is not in use, and holds back vacuum" in printed
    clinic.paste(printed)
    clinic.psql("alter database postgres reset rowbell.long_transaction")
    clinic.is_content()


def test_a_limit_of_a_key_that_is_full_is_raised_as_explain_says(clinic: Clinic) -> None:
    clinic.psql("insert into rowbell.keys (name, max_running) values ('ann', 0)")
    task = clinic.psql(
        "insert into rowbell.tasks (kind, concurrency_key) values ('echo', 'ann') returning id"
    )
    said = clinic.shell(f"rowbell explain {task}")
    assert "Its concurrency_key ann may run 0 at once, and 0 run: none." in said
    clinic.psql(" ".join(said.partition("To raise it: ")[2].split(";")[0].split()))
    clinic.until(f"select status = 'COMPLETED' from rowbell.tasks where id = {task}")


def test_a_search_path_of_the_role_that_leads_nowhere_changes_nothing(clinic: Clinic) -> None:
    clinic.psql("alter role postgres set search_path = nowhere")
    clinic.is_content()
    clinic.psql("alter role postgres reset search_path")
