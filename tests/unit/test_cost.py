"""What operations cost: lists multiply, and variables have a say."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from rowbell.api.cost import Price
from rowbell.api.schema import build

SCHEMA = build()


def price(query: str) -> Price:
    document = parse(query)
    (operation,) = (
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    return Price(SCHEMA, document, operation)


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ("{ __schema { types { name } } }", 2_000),
        ("{ task(id: 1) { id status } }", 13),
        ("{ tasks(first: 100) { nodes { id status } } }", 312),
        ("{ tasks { nodes { id } } }", 112),
        ("{ tasks(first: 10) { pageInfo { hasNextPage } } }", 14),
        ("{ schedules { lastTask { id } } }", 10 + 20 * (1 + 1 + 1 + 1)),
        ("{ task(id: 1) { ...F } } fragment F on Task { queue { name } ... { id } }", 15),
        ("mutation { createTasks(inputs: [{}, {}, {}]) { id } }", 16),
    ],
)
def test_an_operation_costs_what_its_answer_may_hold(query: str, cost: int) -> None:
    assert price(query).of(None) == cost


@pytest.mark.parametrize(
    ("variables", "items"),
    [({"n": 7}, 7), ({}, 5), (None, 5), ({"n": "x"}, 50), ({"n": 10**12}, 100), ({"n": -1}, 50)],
)
def test_a_page_is_as_large_as_its_variable_says(variables: Any, items: int) -> None:
    query = "query ($n: Int = 5) { tasks(first: $n) { nodes { id } } }"
    assert price(query).of(variables) == 12 + 2 * items


def test_inputs_are_counted_in_their_variable() -> None:
    query = "mutation ($i: [TaskInput!]!) { createTasks(inputs: $i) { id } }"
    assert price(query).of({"i": [{}] * 1_000}) == 10 + 2_000
