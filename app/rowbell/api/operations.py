"""What the transports share: the schema, the documents, and how a request is carried out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from inspect import isawaitable
from typing import cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationType,
    execute,
    get_operation_ast,
    subscribe,
)
from starlette.requests import HTTPConnection

from rowbell.api import schema
from rowbell.api.auth import Gate, viewer_of
from rowbell.api.context import RequestContext
from rowbell.api.documents import Documents
from rowbell.api.kinds import Kinds
from rowbell.api.requests import GraphQLRequest
from rowbell.api.subscriptions import Watch
from rowbell.db.pool import Database

Results = AsyncGenerator[ExecutionResult, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take. Seconds and bytes."""

    body_bytes: int = 1_048_576
    init_seconds: float = 5.0
    """From the opening of a WebSocket to its connection_init."""
    send_seconds: float = 10.0
    """How long a client may leave what it is sent unread."""
    operations: int = 100
    """At once on one WebSocket."""


class Operations:
    def __init__(self, database: Database, watch: Watch, gate: Gate, limits: Limits) -> None:
        self.limits = limits
        self.gate = gate
        self._database = database
        self._watch = watch
        self._kinds = Kinds(database)
        self._schema = schema.build()
        self._documents = Documents(self._schema)

    def document(self, request: GraphQLRequest) -> DocumentNode:
        """Raises DocumentRefused."""
        return self._documents.read(request.query)

    def operation_type(
        self, request: GraphQLRequest, document: DocumentNode
    ) -> OperationType | None:
        """None if the request does not say which of several operations it means."""
        operation = get_operation_ast(document, request.operation_name)
        return operation.operation if operation else None

    async def execute(
        self, request: GraphQLRequest, document: DocumentNode, connection: HTTPConnection
    ) -> ExecutionResult:
        """Carry out a query or a mutation."""
        result = execute(
            self._schema,
            document,
            context_value=self._context(connection),
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        return await result if isawaitable(result) else result

    async def subscribe(
        self, request: GraphQLRequest, document: DocumentNode, connection: HTTPConnection
    ) -> ExecutionResult | Results:
        """Begin a subscription; whoever gets the results must aclose() them."""
        results = subscribe(
            self._schema,
            document,
            context_value=self._context(connection),
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        started = await results if isawaitable(results) else results
        return cast("ExecutionResult | Results", started)

    def _context(self, connection: HTTPConnection) -> RequestContext:
        return RequestContext(
            database=self._database,
            watch=self._watch,
            kinds=self._kinds,
            viewer=viewer_of(connection),
            connection=connection,
        )
