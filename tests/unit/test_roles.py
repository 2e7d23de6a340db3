"""Which field needs which role: no field of a root is forgotten."""

import pytest
from graphql import GraphQLObjectType

from rowbell.api import schema
from rowbell.api.roles import NEEDED
from rowbell.viewer import ANYBODY, Role, Viewer

SCHEMA = schema.build()
ROOTS = [SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type]
FIELDS = [
    f"{root}.{name}"
    for root in ROOTS
    if isinstance(root, GraphQLObjectType)
    for name in root.fields
]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_a_root_has_its_role(field: str) -> None:
    assert field in NEEDED, f"api/roles.py does not say which role {field} needs"


def test_no_role_is_asked_for_a_field_that_is_not_there() -> None:
    assert set(NEEDED) == set(FIELDS)


@pytest.mark.parametrize("root", ROOTS, ids=str)
def test_every_field_of_a_root_is_guarded(root: GraphQLObjectType) -> None:
    for name, field in root.fields.items():
        answering = field.subscribe if root is SCHEMA.subscription_type else field.resolve
        assert answering is not None
        assert "_guarded" in answering.__qualname__, name


def test_nothing_that_changes_is_open_to_readers() -> None:
    assert Role.READER not in {role for name, role in NEEDED.items() if name.startswith("Mutation")}


def test_each_role_covers_those_below_it_and_itself() -> None:
    roles = list(Role)
    assert [[role.covers(other) for other in roles] for role in roles] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_a_viewer_without_subject_owns_nothing() -> None:
    assert not Viewer(role=Role.PRODUCER).sees("", [])
    assert ANYBODY.sees("anybody", [])
