"""Bounds of a document that can be told from its text alone, before it is validated.

Validation compares every two fields that meet in the answer, so what repeats itself is refused
first: a thousand times the same field would keep the event loop for a tenth of a second.
"""

from collections import Counter
from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from rowbell.api.limits import (
    Limits,
    QueryTooDeep,
    TooManyAliases,
    TooManyFragments,
    TooManyRootFields,
)

_INTROSPECTION_LISTS = frozenset({"fields", "inputFields", "interfaces", "possibleTypes"})
_INTROSPECTIONS = frozenset({"__schema", "__type"})


def check(document: DocumentNode, limits: Limits) -> None:
    """Raises LimitExceeded."""
    _Shape(document, limits).check()


class _Shape:
    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._limits = limits
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._operations = [
            each for each in document.definitions if isinstance(each, OperationDefinitionNode)
        ]
        self._spreads = 0
        self._aliases = 0
        self._depths: dict[str, int] = {}

    def check(self) -> None:
        """Raises LimitExceeded."""
        for fragment in self._fragments.values():
            self._count(fragment.selection_set)
        for operation in self._operations:
            self._count(operation.selection_set)
            self._check_roots(operation.selection_set)
        self._check_fragments()
        for operation in self._operations:
            self._check_depth(operation.selection_set)

    def _count(self, selections: SelectionSetNode) -> None:
        """Spreads and repeated fields, at every level below."""
        levels = [selections]
        while levels:
            names: Counter[str] = Counter()
            for each in self._flat(levels.pop()):
                if isinstance(each, FieldNode):
                    names[each.name.value] += 1
                    if each.selection_set:
                        levels.append(each.selection_set)
                else:
                    self._spreads += 1
            self._aliases += names.total() - len(names)
        if self._aliases > self._limits.aliases:
            raise TooManyAliases(
                f"this document asks more than {self._limits.aliases} times for a field that it"
                " asks for already.",
                hint="Ask for several tasks with tasks(filter: {ids: [...]}).",
            )

    def _flat(self, selections: SelectionSetNode) -> Iterator[FieldNode | FragmentSpreadNode]:
        """The selections of one level: inline fragments add none."""
        waiting = [selections]
        while waiting:
            for each in waiting.pop().selections:
                if isinstance(each, FieldNode | FragmentSpreadNode):
                    yield each
                else:
                    waiting.append(each.selection_set)  # type: ignore[attr-defined]

    def _check_roots(self, selections: SelectionSetNode) -> None:
        names = list(self._fields_of(selections))
        if len(names) > self._limits.root_fields:
            raise TooManyRootFields(
                f"an operation has {len(names)} fields at its root,"
                f" {self._limits.root_fields} are the most.",
                hint="Send several requests, or use a field that takes a list.",
            )

    def _fields_of(self, selections: SelectionSetNode) -> Iterator[str]:
        """Fields of one level, those of its fragments included, each fragment once."""
        waiting, seen = [selections], set()
        while waiting:
            for each in self._flat(waiting.pop()):
                if isinstance(each, FieldNode):
                    yield each.name.value
                elif each.name.value not in seen and each.name.value in self._fragments:
                    seen.add(each.name.value)
                    waiting.append(self._fragments[each.name.value].selection_set)

    def _check_fragments(self) -> None:
        most = self._limits.fragments
        if len(self._fragments) > most or self._spreads > 2 * most:
            raise TooManyFragments(
                f"this document has {len(self._fragments)} fragments and {self._spreads} spreads,"
                f" {most} and {2 * most} are the most.",
                hint="Write their fields where they are needed.",
            )

    def _check_depth(self, selections: SelectionSetNode) -> None:
        # The number of tokens bounds how deep this recursion gets: the parser went as deep.
        if self._depth(selections) > self._limits.depth:
            raise QueryTooDeep(
                f"this document has more than {self._limits.depth} levels.",
                hint="Ask for the inner objects in a request of their own.",
            )

    def _depth(self, selections: SelectionSetNode) -> int:
        return max((self._depth_of(each) for each in self._flat(selections)), default=0)

    def _depth_of(self, each: FieldNode | FragmentSpreadNode) -> int:
        if isinstance(each, FieldNode):
            if each.name.value in _INTROSPECTIONS and each.selection_set:
                self._check_introspection(each.selection_set)
            return 1 + (self._depth(each.selection_set) if each.selection_set else 0)
        name = each.name.value
        if name not in self._depths:
            self._depths[name] = 0  # a fragment within itself: validation refuses it
            fragment = self._fragments.get(name)
            self._depths[name] = self._depth(fragment.selection_set) if fragment else 0
        return self._depths[name]

    def _check_introspection(self, selections: SelectionSetNode) -> None:
        """Types of fields of types of fields: each level multiplies the answer."""
        waiting: list[tuple[SelectionSetNode, int]] = [(selections, 0)]
        seen: set[tuple[str, int]] = set()
        while waiting:
            level, lists = waiting.pop()
            for each in self._flat(level):
                below, name = lists, each.name.value
                inner = each.selection_set if isinstance(each, FieldNode) else None
                if isinstance(each, FragmentSpreadNode):
                    fragment = None if (name, lists) in seen else self._fragments.get(name)
                    seen.add((name, lists))
                    inner = fragment.selection_set if fragment else None
                elif name in _INTROSPECTION_LISTS:
                    below += 1
                if below > 1:
                    raise QueryTooDeep(
                        "introspection asks for the fields of types of fields.",
                        hint="Ask for the types, and join them by their names.",
                    )
                if inner:
                    waiting.append((inner, below))
