"""Scope: what has to be read of the journal, for all that is wanted of it."""

from rowbell.journal import Scope
from rowbell.task import Filter, Status


def test_who_wants_everything_has_everything_read() -> None:
    assert Scope.of([Filter(ids=[1]), Filter(status=[Status.FAILED])]) is None


def test_nobody_has_nothing_read() -> None:
    assert Scope.of([]) == Scope([], [], [])


def test_the_smallest_part_of_each_filter_is_read() -> None:
    scope = Scope.of([Filter(ids=[1], queue=["a"]), Filter(queue=["b"], kind=["c"])], tasks=[2])
    assert scope == Scope([1, 2], ["b"], [])


def test_kinds_are_read_where_nothing_smaller_is_named() -> None:
    assert Scope.of([Filter(kind=["echo"], status=[Status.FAILED])]) == Scope([], [], ["echo"])
