"""Queries as text become documents: parsed and validated once, then kept for the next time."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from rowbell.api import shape
from rowbell.api.cost import Price
from rowbell.api.limits import Limits, QueryTooLong, TooManyTokens
from rowbell.api.variables import selecting_variables

RULES: list[Any] = [*specified_rules]
"""What a document must obey whatever its variables are: with them, it would depend on the request
whether the document may be kept. What does depend on them is in `rowbell.api.cost`."""

MOST_KEPT = 512
LONGEST_KEPT = 16_384
"""Characters; longer queries are no fixed part of a client, and would fill the memory."""


class DocumentRefused(Exception):
    """A query that is no GraphQL, or none of this schema."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the operations of a document."""

    node: OperationDefinitionNode
    price: Price
    selecting: frozenset[str]
    """The variables that decide what is asked of an event, if this is a subscription."""


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    node: DocumentNode
    operations: dict[str | None, Operation]
    """By name; also under None if there is but one, which then needs no name."""


class Documents:
    """A small cache, least recently used goes first. Refused queries are not kept."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self._limits = limits
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def kept(self, query: str) -> Document | None:
        """If it has been read before."""
        document = self._kept.get(query)
        if document is not None:
            self._kept.move_to_end(query)
        return document

    def read(self, query: str) -> Document:
        """Heavy: to be called in turn. Raises DocumentRefused, LimitExceeded."""
        document = self._document(self._parse(query))
        if len(query) <= LONGEST_KEPT:
            self._kept[query] = document
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return document

    def _parse(self, query: str) -> DocumentNode:
        if len(query) > self._limits.query_characters:
            raise QueryTooLong(
                f"the query has more than {self._limits.query_characters} characters.",
                hint="Send values as variables.",
            )
        try:
            node = parse(query, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            if "Document contains more than" in error.message:
                raise TooManyTokens(
                    f"the query has more than {self._limits.tokens} tokens.",
                    hint="Send values as variables, and large queries in parts.",
                ) from None
            raise DocumentRefused("GRAPHQL_PARSE_FAILED", [error]) from error
        shape.check(node, self._limits)
        errors = validate(self.schema, node, RULES, max_errors=20)
        if errors:
            raise DocumentRefused("GRAPHQL_VALIDATION_FAILED", errors)
        return node

    def _document(self, node: DocumentNode) -> Document:
        operations: dict[str | None, Operation] = {
            each.name.value if each.name else None: Operation(
                each, Price(self.schema, node, each), selecting_variables(node, each)
            )
            for each in node.definitions
            if isinstance(each, OperationDefinitionNode)
        }
        if len(operations) == 1:
            operations[None] = next(iter(operations.values()))
        return Document(node, operations)
