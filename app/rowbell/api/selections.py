"""What a request asks for below a field, where that decides what has to be read."""

from collections.abc import Iterator

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from rowbell.api.context import Info


def asks_for(info: Info, name: str) -> bool:
    """True if the field that is resolved is asked for a field of this name."""
    return any(
        field == name for node in info.field_nodes for field in _fields(info, node.selection_set)
    )


def _fields(info: Info, selections: SelectionSetNode | None) -> Iterator[str]:
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(info, info.fragments[node.name.value].selection_set)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(info, node.selection_set)
