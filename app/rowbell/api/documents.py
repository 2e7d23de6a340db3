"""Queries as text become documents: parsed and validated once, then kept for the next time."""

from collections import OrderedDict
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate

RULES: list[Any] = [*specified_rules]
"""What a document must obey. Limits of depth and cost belong here."""

MOST_TOKENS = 10_000
MOST_KEPT = 256
LONGEST_KEPT = 16_384
"""Characters; longer queries are no fixed part of a client, and would fill the memory."""


class DocumentRefused(Exception):
    """A query that is no GraphQL, or none of this schema."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


class Documents:
    """A small cache, least recently used goes first. Refused queries are not kept."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, query: str) -> DocumentNode:
        """Raises DocumentRefused."""
        document = self._kept.get(query)
        if document is None:
            document = self._parse(query)
            if len(query) <= LONGEST_KEPT:
                self._kept[query] = document
        if query in self._kept:
            self._kept.move_to_end(query)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return document

    def _parse(self, query: str) -> DocumentNode:
        try:
            document = parse(query, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            raise DocumentRefused("GRAPHQL_PARSE_FAILED", [error]) from error
        errors = validate(self.schema, document, RULES, max_errors=20)
        if errors:
            raise DocumentRefused("GRAPHQL_VALIDATION_FAILED", errors)
        return document
