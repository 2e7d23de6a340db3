"""What an operation will cost: about as many as its answer has fields, lists multiplied.

An object or a value costs 1 for each time that it can be in the answer; a field at the root,
which asks the database, costs 10. A list counts as many times as its `first` allows, or as its
`inputs` has items, and 20 times where nothing tells. What `@skip` leaves out is counted.
"""

from collections.abc import Mapping
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

ROOT = 10
LIST = 20
"""Items of a list that takes no `first`."""
PAGE = 50
LARGEST_PAGE = 100
UNBOUNDED = 10**9
INTROSPECTION = 2_000
"""Of `__schema`, however much of it is asked for: it is bounded by its depth."""


class Price:
    """The cost of one operation, worked out once if no variable has a say in it."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._fixed: int | None = None

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """For a document that is valid; the variables may be anything."""
        if self._fixed is not None:
            return self._fixed
        reading = _Reading(self._schema, self._fragments, self._given(variables or {}))
        root = cast("GraphQLObjectType", self._schema.get_root_type(self._operation.operation))
        cost = reading.cost(self._operation.selection_set, root, 0, root=True)
        if not reading.asked_variables:
            self._fixed = cost
        return cost

    def _given(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        defaults = {
            each.variable.name.value: _literal(each.default_value, {})
            for each in self._operation.variable_definitions or ()
            if each.default_value is not None
        }
        return {**defaults, **variables}


class _Reading:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self.asked_variables = False
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[tuple[str, int], int] = {}

    def cost(
        self, selections: SelectionSetNode, parent: object, page: int, *, root: bool = False
    ) -> int:
        """`page`: how many items the lists of a connection have; 0 outside of one."""
        total = 0
        for each in selections.selections:
            if isinstance(each, FieldNode):
                total += self._of_field(each, parent, page, root=root)
            elif isinstance(each, InlineFragmentNode):
                total += self.cost(each.selection_set, parent, page, root=root)
            elif isinstance(each, FragmentSpreadNode):
                total += self._of_fragment(each.name.value, page, root=root)
        return total

    def _of_fragment(self, name: str, page: int, *, root: bool) -> int:
        key = (name, page)
        if key not in self._known:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._known[key] = self.cost(fragment.selection_set, parent, page, root=root)
        return self._known[key]

    def _of_field(self, node: FieldNode, parent: object, page: int, *, root: bool) -> int:
        name = node.name.value
        if name.startswith("__"):
            return INTROSPECTION if name == "__schema" else LIST if name == "__type" else 1
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        own = ROOT if root else 1
        if field is None or node.selection_set is None:
            return own
        times, below = self._times(node, field, page)
        return own + times * (1 + self.cost(node.selection_set, get_named_type(field.type), below))

    def _times(self, node: FieldNode, field: GraphQLField, page: int) -> tuple[int, int]:
        """How many objects the field stands for, and the page of the lists below it."""
        is_list = is_list_type(get_nullable_type(field.type))
        if "first" in field.args:
            size = self._size(node, "first", PAGE, LARGEST_PAGE)
            return (size, 0) if is_list else (1, size)
        if not is_list:
            return 1, 0
        if "inputs" in field.args:
            return self._size(node, "inputs", 0, UNBOUNDED), 0
        return page or LIST, 0

    def _size(self, node: FieldNode, argument: str, usual: int, most: int) -> int:
        """A number, or the length of a list; more than `most` is refused where it is used."""
        value: Any = None
        for each in node.arguments or ():
            if each.name.value == argument:
                self.asked_variables |= isinstance(each.value, VariableNode)
                value = _literal(each.value, self._variables)
        if isinstance(value, list):
            value = len(value)
        return min(value, most) if isinstance(value, int) and value > 0 else usual


def _literal(node: object, variables: Mapping[str, Any]) -> Any:
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) < 10 else UNBOUNDED
    return list(node.values) if isinstance(node, ListValueNode) else None
