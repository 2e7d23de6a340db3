"""Tests that are plain functions."""

from datetime import UTC, datetime, timedelta

import pytest
import shop_tasks  # noqa: F401 - registers the handlers

from rowbell.testing import Rowbell


def test_a_task_runs_to_its_result(rowbell: Rowbell) -> None:
    task = rowbell.enqueue("order_invoice", {"order": 7})
    (ran,) = rowbell.run_pending()
    assert ran.id == task.id
    assert ran.status == "COMPLETED"
    assert ran.result == "invoice 7"


def test_nothing_runs_by_itself(rowbell: Rowbell) -> None:
    task = rowbell.enqueue("order_invoice", {"order": 7})
    assert rowbell.task(task).status == "PENDING"
    assert rowbell.run_pending(at=rowbell.now) and rowbell.run_pending() == []


def test_follow_up_tasks_run_too_and_own_tables_are_there(rowbell: Rowbell) -> None:
    rowbell.enqueue("order_ship", {"order": 7})
    assert [(ran.kind, ran.result) for ran in rowbell.run_pending()] == [
        ("order_ship", {"shipped": 7}),
        ("order_invoice", "invoice 7"),
    ]
    assert [tuple(row) for row in rowbell.fetch("select * from orders_shipped")] == [(7, 1)]


def test_every_test_has_a_database_of_its_own(rowbell: Rowbell) -> None:
    assert rowbell.tasks() == []
    assert rowbell.fetch("select * from orders_shipped") == []
    assert rowbell.enqueue("echo").id == 1


def test_times_are_those_of_the_frozen_clock(rowbell: Rowbell) -> None:
    start = rowbell.now
    task = rowbell.enqueue("order_pay", {"order": 7})
    assert (task.created_at, task.run_at) == (start, start)
    rowbell.run_pending()
    failed = rowbell.task(task)
    assert failed.started_at == start
    assert failed.finished_at is None
    assert failed.error is not None
    assert failed.error["type"] == "ConnectionError"
    assert timedelta(seconds=54) <= failed.run_at - start <= timedelta(seconds=66)
    assert rowbell.run_pending() == []
    rowbell.advance(minutes=2)
    (ran,) = rowbell.run_pending()
    assert ran.started_at == start + timedelta(minutes=2)
    rowbell.advance(hours=2)
    (ran,) = rowbell.run_pending()
    assert ran.result == 3
    assert ran.finished_at == rowbell.now


def test_a_task_is_followed_through_its_retries(rowbell: Rowbell, paid: int) -> None:
    final = rowbell.run_until_finished(paid)
    assert final.status == "COMPLETED"
    assert final.attempt == 3
    assert final.finished_at == rowbell.now


def test_a_handler_that_asks_for_an_hour_gets_it(rowbell: Rowbell) -> None:
    start = rowbell.now
    task = rowbell.enqueue("order_remind", {"order": 7})
    assert rowbell.run_until_finished(task).finished_at == start + timedelta(hours=1)


def test_a_handler_that_gives_up_fails_for_good(rowbell: Rowbell) -> None:
    final = rowbell.run_until_finished(rowbell.enqueue("order_pay", {"order": -1}))
    assert final.status == "FAILED"
    assert final.error and final.error["message"] == "there are no such orders"


def test_a_payload_that_does_not_fit_fails_for_good(rowbell: Rowbell) -> None:
    final = rowbell.run_until_finished(rowbell.enqueue("order_ship", {"order": "x"}))
    assert final.status == "FAILED"


def test_scheduled_tasks_wait_for_their_time(rowbell: Rowbell) -> None:
    rowbell.enqueue("order_invoice", {"order": 1}, run_in=timedelta(hours=1))
    rowbell.enqueue("order_invoice", {"order": 2}, run_at=datetime(2150, 1, 1, tzinfo=UTC))
    rowbell.fetch(
        "insert into rowbell.tasks (kind, payload, run_at)"
        " values ('order_invoice', '{\"order\": 3}', now() + interval '1 hour') returning id"
    )
    assert rowbell.run_pending() == []
    rowbell.advance(minutes=59)
    assert rowbell.run_pending() == []
    rowbell.advance(minutes=1)
    assert [ran.payload["order"] for ran in rowbell.run_pending()] == [1, 3]
    (ran,) = rowbell.run_pending(at=datetime(2150, 1, 1, tzinfo=UTC))
    assert ran.started_at == ran.run_at == datetime(2150, 1, 1, tzinfo=UTC)


def test_functions_without_a_time_use_the_frozen_clock_too(rowbell: Rowbell) -> None:
    task = rowbell.enqueue("order_pay", {"order": -1})
    rowbell.run_pending()
    rowbell.advance(hours=-1)
    rowbell.fetch("select rowbell.retry($1)", task.id)
    assert rowbell.task(task).run_at == rowbell.now
    rowbell.fetch("select rowbell.cancel($1)", task.id)
    assert rowbell.task(task).finished_at == rowbell.now


def test_tasks_of_higher_priority_run_first(rowbell: Rowbell) -> None:
    rowbell.enqueue("echo", 1)
    rowbell.enqueue("echo", 2, priority=5)
    assert [ran.payload for ran in rowbell.run_pending()] == [2, 1]


def test_a_thread_that_takes_too_long_is_timed_out(rowbell: Rowbell) -> None:
    rowbell.enqueue("order_dawdle")
    (ran,) = rowbell.run_pending()
    assert ran.error and ran.error["type"] == "TimedOut"


def test_what_never_finishes_is_told_why(rowbell: Rowbell) -> None:
    unknown = rowbell.enqueue("order_vanish")
    with pytest.raises(AssertionError, match="no module with this kind was imported"):
        rowbell.run_until_finished(unknown)
    rowbell.fetch("select rowbell.pause('slow')")
    paused = rowbell.enqueue("echo", queue="slow")
    with pytest.raises(AssertionError, match="paused"):
        rowbell.run_until_finished(paused)


def test_an_attempt_has_a_deadline(rowbell: Rowbell) -> None:
    rowbell.enqueue("sleep", {"seconds": 60})
    with pytest.raises(AssertionError, match=r"did not end in 0\.2 s"):
        rowbell.run_pending(seconds=0.2)


def test_a_time_without_a_zone_is_refused(rowbell: Rowbell) -> None:
    with pytest.raises(ValueError, match="time zone"):
        rowbell.run_pending(at=datetime(2030, 1, 1))  # noqa: DTZ001


def test_a_task_that_waits_for_another_follows_it(rowbell: Rowbell) -> None:
    parent = rowbell.enqueue("order_pay", {"order": 7})
    ((child,),) = rowbell.fetch(
        "insert into rowbell.tasks (kind, after) values ('echo', array[$1::bigint]) returning id",
        parent.id,
    )
    assert rowbell.run_until_finished(child).status == "COMPLETED"
    assert rowbell.task(parent).status == "COMPLETED"


def test_a_rate_is_waited_for_on_the_frozen_clock(rowbell: Rowbell) -> None:
    rowbell.fetch("insert into rowbell.queues (name, rate, burst) values ('slow', 1 / 60.0, 1)")
    start = rowbell.now
    rowbell.enqueue("echo", 1, queue="slow")
    second = rowbell.enqueue("echo", 2, queue="slow")
    assert len(rowbell.run_pending()) == 1
    finished = rowbell.run_until_finished(second)
    assert finished.finished_at
    assert timedelta(seconds=60) <= finished.finished_at - start <= timedelta(seconds=62)
