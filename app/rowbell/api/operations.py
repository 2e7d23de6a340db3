"""What the transports share: the schema, the documents, and how a request is carried out."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from inspect import isawaitable
from typing import cast

from graphql import DocumentNode, ExecutionResult, OperationType, execute, subscribe
from starlette.requests import HTTPConnection

from rowbell.api import schema
from rowbell.api.context import RequestContext, subject_of
from rowbell.api.documents import Documents
from rowbell.api.kinds import Kinds
from rowbell.api.limits import Limits, OperationTimeout, QueryTooCostly
from rowbell.api.lobby import Lobby
from rowbell.api.rates import Rates
from rowbell.api.reads import Reads
from rowbell.api.requests import GraphQLRequest, check_variables
from rowbell.api.subscriptions import Watch
from rowbell.db.pool import Database

Results = AsyncGenerator[ExecutionResult, None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that keeps every limit."""

    request: GraphQLRequest
    document: DocumentNode
    kind: OperationType | None
    """None if the request does not say which of several operations it means."""


class Operations:
    def __init__(self, database: Database, watch: Watch, limits: Limits) -> None:
        self.limits = limits
        self.lobby = Lobby(limits.sockets)
        self.rates = Rates(limits.rate)
        self._database = database
        self._watch = watch
        self._kinds = Kinds(database)
        self._reads = Reads(database)
        self._schema = schema.build()
        self._documents = Documents(self._schema, limits)

    def prepare(self, request: GraphQLRequest) -> Prepared:
        """Raises DocumentRefused, LimitExceeded."""
        document = self._documents.read(request.query)
        check_variables(
            request, self.limits.variables_depth, self.limits.variables_values
        )  # before anything walks through them by recursion
        operation = document.operations.get(request.operation_name)
        if operation is None:
            return Prepared(request, document.node, None)
        cost = operation.price.of(request.variables)
        if cost > self.limits.cost:
            raise QueryTooCostly(
                f"this operation costs {cost}, {self.limits.cost} is the most.",
                hint="Ask for fewer fields, a smaller first, or fewer inputs at once.",
            )
        return Prepared(request, document.node, operation.node.operation)

    async def execute(self, prepared: Prepared, connection: HTTPConnection) -> ExecutionResult:
        """Carry out a query or a mutation. Raises OperationTimeout."""
        seconds = self.limits.operation_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                with self.lobby.working():
                    return await self._execute(prepared, connection, deadline)
        except TimeoutError:
            raise OperationTimeout(
                f"this operation did not end within {seconds:g} s.",
                hint="Ask for less at once. A mutation may have been carried out: look before"
                " you repeat it.",
            ) from None

    async def _execute(
        self, prepared: Prepared, connection: HTTPConnection, deadline: asyncio.Timeout
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            prepared.document,
            context_value=self._context(connection, deadline),
            variable_values=prepared.request.variables,
            operation_name=prepared.request.operation_name,
        )
        return await result if isawaitable(result) else result

    async def subscribe(
        self, prepared: Prepared, connection: HTTPConnection
    ) -> ExecutionResult | Results:
        """Begin a subscription; whoever gets the results must aclose() them."""
        results = subscribe(
            self._schema,
            prepared.document,
            context_value=self._context(connection),
            variable_values=prepared.request.variables,
            operation_name=prepared.request.operation_name,
        )
        started = await results if isawaitable(results) else results
        return cast("ExecutionResult | Results", started)

    def _context(
        self, connection: HTTPConnection, deadline: asyncio.Timeout | None = None
    ) -> RequestContext:
        return RequestContext(
            database=self._database,
            watch=self._watch,
            kinds=self._kinds,
            reads=self._reads,
            subject=subject_of(connection),
            connection=connection,
            deadline=deadline,
        )
