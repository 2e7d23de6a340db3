"""`rowbell doctor`: each broken set-up is named, and the mend works as it is printed."""

import signal
from pathlib import Path

import orjson
import pytest

from e2e.clinic import Clinic, lunch
from e2e.command_line import NOWHERE
from pooler import Pooler

FAKE_TIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def test_a_sound_set_up_is_fine(clinic: Clinic) -> None:
    done = clinic.doctor("--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a task of kind echo in queue rowbell_doctor began after" in done.stdout
    assert "a NOTIFY came through in" in done.stdout
    assert done.stdout.endswith("Everything is fine.\n")
    assert clinic.psql("select count(*) from rowbell.tasks") == "0"


def test_a_disabled_trigger(clinic: Clinic) -> None:
    clinic.psql("alter table rowbell.tasks disable trigger bell_for_inserts")
    clinic.paste(clinic.names("The trigger bell_for_inserts of rowbell.tasks is not enabled"))
    clinic.is_content()


def test_a_dropped_function_and_the_trigger_that_went_with_it(clinic: Clinic) -> None:
    clinic.psql("drop function rowbell.ring_for_update cascade")
    printed = clinic.names("The function rowbell.ring_for_update is missing.")
    assert "sql/triggers/bell_for_updates.sql cannot be made" in printed
    clinic.paste(printed)
    clinic.is_content()


def test_a_function_a_view_and_a_trigger_that_somebody_changed(clinic: Clinic) -> None:
    clinic.psql(
        "alter function rowbell.cancel(bigint, timestamptz) security invoker;"
        "alter view rowbell.token_overview set (security_barrier = true);"
        "create or replace trigger keep_audiences_of_deletes after insert on rowbell.tasks"
        " for each row execute function rowbell.keep_audiences()"
    )
    printed = clinic.names("The function rowbell.cancel was changed")
    assert "The view rowbell.token_overview was changed" in printed
    assert "The trigger rowbell.keep_audiences_of_deletes was changed" in printed
    clinic.paste(printed)
    clinic.is_content()


def test_a_pooler_that_delivers_nothing(clinic: Clinic) -> None:
    pooler = Pooler(clinic.server, "transaction")
    try:
        through = pooler.url(clinic.url)
        printed = clinic.names("a pooler that delivers no NOTIFY", url=through)
        (mend,) = [line.partition(": ")[2] for line in printed.splitlines() if "export" in line]
        clinic.shell(f"{mend.strip()}; rowbell doctor --strict", through)
    finally:
        pooler.remove()


def test_a_standby(clinic: Clinic) -> None:
    replica = clinic.server.standby()
    try:
        printed = clinic.names("The address leads to a replica", url=replica.url())
        (mend,) = [line.partition(": ")[2] for line in printed.splitlines() if "export" in line]
        clinic.shell(f"{mend.strip()}; rowbell doctor --strict", replica.url())
    finally:
        replica.remove()


def test_a_database_that_is_read_only(clinic: Clinic) -> None:
    clinic.psql("alter database postgres set default_transaction_read_only = on")
    clinic.paste(clinic.names("Transactions are read-only by default"))
    clinic.is_content()


def test_revoked_grants(clinic: Clinic) -> None:
    clinic.psql(
        "revoke insert (kind, payload) on rowbell.tasks from rowbell_producer;"
        "revoke select on rowbell.workers from rowbell_reader;"
        "revoke execute on function rowbell.pause from rowbell_operator, rowbell_service;"
        "revoke rowbell_viewer from rowbell_service"
    )
    printed = clinic.names("rowbell_producer lacks insert (kind, payload) on rowbell.tasks")
    assert "rowbell_viewer is not granted to rowbell_service" in printed
    clinic.paste(printed)
    clinic.is_content()


def test_a_dropped_index(clinic: Clinic) -> None:
    clinic.psql("drop index rowbell.tasks_batches")
    clinic.paste(clinic.names("The index rowbell.tasks_batches is missing"))
    clinic.is_content()


def test_an_old_schema(clinic: Clinic) -> None:
    """As it was before the doctor came: without rowbell.health and what it reads."""
    clinic.psql(
        "drop view rowbell.health, rowbell.worker_overview; drop function rowbell.health_of_queues;"
        "alter table rowbell.workers drop clock_ahead; alter table rowbell.kinds drop module;"
        "delete from rowbell.schema_files"
        " where path in ('migrations/0009_doctor.sql', 'views/health.sql',"
        " 'views/worker_overview.sql',"
        " 'functions/health_of_queues.sql')"
    )
    clinic.paste(clinic.names("The schema is older than this version"))
    clinic.is_content()


def test_no_schema(clinic: Clinic) -> None:
    clinic.psql("create database empty")
    url = clinic.server.url("empty")
    printed = clinic.names("There is no schema of Rowbell.", url=url)
    assert "skipped     not checked: it takes a schema" in printed
    clinic.shell("rowbell migrate", url)
    assert "There is no schema" not in clinic.doctor(url=url).stdout


@pytest.mark.skipif(not FAKE_TIME, reason="apt-get install faketime")
def test_a_clock_that_is_wrong(clinic: Clinic) -> None:
    wrong = {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": "+2h", "DONT_FAKE_MONOTONIC": "1"}
    printed = clinic.names("The clock of this machine is 2:00:00 ahead", code=0, **wrong)
    assert "sudo timedatectl set-ntp true" in printed  # what it does, no test can do
    clinic.is_content()


def test_a_held_snapshot(clinic: Clinic) -> None:
    clinic.psql("alter database postgres set rowbell.long_transaction = '300 ms'")
    with lunch(clinic.url):
        clinic.until(
            "select exists (select from rowbell.health_of_sessions() where sentence like '%lunch%')"
        )
        clinic.paste(clinic.names("(lunch, user postgres, idle in transaction) holds", code=0))
        clinic.until(
            "select not exists (select from pg_stat_activity where application_name = 'lunch')"
        )
        clinic.is_content()
    clinic.psql("alter database postgres reset rowbell.long_transaction")


def test_no_worker_for_a_kind_that_has_a_module(clinic: Clinic) -> None:
    clinic.psql("insert into rowbell.kinds (name, module) values ('report_render', 'acme_tasks')")
    task = clinic.psql("insert into rowbell.tasks (kind) values ('report_render') returning id")
    assert "knows kind report_render" in clinic.shell(f"rowbell explain {task}")
    clinic.paste(clinic.names("No live worker knows kind report_render: 1 task of it is due"))
    clinic.until(f"select status = 'COMPLETED' from rowbell.tasks where id = {task}")
    clinic.is_content()


def test_no_worker_for_a_kind_that_nobody_knows(clinic: Clinic) -> None:
    clinic.psql("insert into rowbell.tasks (kind) values ('misspelt')")
    clinic.paste(clinic.names("No worker has ever known it"))
    clinic.is_content()


def test_a_paused_queue_with_work(clinic: Clinic) -> None:
    clinic.psql("select rowbell.pause('default')")
    task = clinic.psql("insert into rowbell.tasks (kind) values ('echo') returning id")
    assert "Queue default is paused" in clinic.shell(f"rowbell explain {task}")
    clinic.paste(clinic.names("Queue default is paused since", code=0))
    clinic.until(f"select status = 'COMPLETED' from rowbell.tasks where id = {task}")
    clinic.is_content()


def test_a_limit_that_is_full(clinic: Clinic) -> None:
    clinic.psql("insert into rowbell.queues (name, max_running) values ('mail', 0)")
    task = clinic.psql(
        "insert into rowbell.tasks (kind, queue) values ('echo', 'mail') returning id"
    )
    assert "Its queue mail may run 0 at once" in clinic.shell(f"rowbell explain {task}")
    clinic.paste(clinic.names("The queue mail runs 0 of 0 that it may", code=0))
    clinic.until(f"select status = 'COMPLETED' from rowbell.tasks where id = {task}")
    clinic.is_content()


def test_a_dead_worker_and_nobody_to_take_its_tasks(clinic: Clinic) -> None:
    for service in clinic.started:
        service.process.send_signal(signal.SIGSTOP)
    alive = "lost_at is null and stopped_at is null and beat_at + lease >= now()"
    clinic.until(f"select not exists (select from rowbell.workers where {alive})")
    printed = clinic.names("longer than its lease of 00:00:03")
    assert "No worker is running" in printed
    clinic.paste(printed)
    clinic.is_content()


def test_risky_settings_of_postgresql(clinic: Clinic) -> None:
    clinic.psql(
        "alter system set synchronous_commit = off;alter role postgres set statement_timeout = '5s'"
    )
    clinic.psql("select pg_reload_conf()")
    printed = clinic.names("synchronous_commit is off")
    assert "statement_timeout is 5000 ms for this role" in printed
    clinic.paste(printed)
    clinic.is_content()


def test_a_pipe_gets_one_document_with_everything_and_no_secret(clinic: Clinic) -> None:
    done = clinic.doctor(
        "--json", ROWBELL_JWT_SECRET="s" * 40, ROWBELL_JWT_ISSUER="i", ROWBELL_JWT_AUDIENCE="a"
    )
    told = orjson.loads(done.stdout)
    assert told["verdict"] in ("fine", "note")
    assert [check["check"] for check in told["checks"]][:4] == [
        "server",
        "listen",
        "clock",
        "schema",
    ]
    assert told["settings"]["ROWBELL_JWT_SECRET"] == "***"
    assert "sss" not in done.stdout


def test_a_server_that_is_not_there_ends_it_with_2(clinic: Clinic) -> None:
    done = clinic.doctor(url=NOWHERE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "PostgreSQL is not available" in done.stderr
    assert "secret" not in done.stderr


def test_a_server_that_hangs_ends_it_with_2(clinic: Clinic) -> None:
    with clinic.server.frozen():
        done = clinic.doctor()
    assert done.returncode == 2, done.stdout


def test_the_drill_breaks_and_times_what_is_its_own(clinic: Clinic) -> None:
    done = clinic.doctor("--drill")
    assert done.returncode == 0, done.stderr
    listener, stopped, continued = done.stdout.splitlines()
    assert "its session was ended; it heard again after" in listener
    assert "another had its task after" in stopped
    assert "it was continued (SIGCONT); it worked again after" in continued
    for left in (
        "rowbell.workers where queues[1] like 'rowbell_drill%'",
        "rowbell.kinds where name like 'rowbell_drill%'",
    ):
        assert clinic.psql(f"select count(*) from {left}") == "0", left
    clinic.is_content()
