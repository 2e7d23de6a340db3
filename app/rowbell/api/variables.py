"""Which variables of a subscription decide what is asked of its events."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
)


def selecting_variables(
    document: DocumentNode, operation: OperationDefinitionNode
) -> frozenset[str]:
    """Those that are used elsewhere than in the arguments of the fields at the root."""
    nodes: list[Node] = [
        each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    ]
    for root in operation.selection_set.selections:
        if isinstance(root, FieldNode):
            nodes += root.directives or ()
            nodes += [root.selection_set] if root.selection_set else ()
        else:
            nodes.append(root)
    return frozenset(name for node in nodes for name in _variables(node))


def _variables(node: Node) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    for key in node.keys:
        value = getattr(node, key, None)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, Node):
                yield from _variables(each)
