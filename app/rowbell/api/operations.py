"""What the transports share: the schema, the documents, and how a request is carried out."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from inspect import isawaitable
from typing import cast

from graphql import DocumentNode, ExecutionResult, OperationType, execute, subscribe
from starlette.requests import HTTPConnection

from rowbell.api import schema
from rowbell.api.auth import Gate, viewer_of
from rowbell.api.context import RequestContext
from rowbell.api.documents import Documents
from rowbell.api.kinds import Kinds
from rowbell.api.limits import Limits, OperationTimeout, QueryTooCostly
from rowbell.api.lobby import Lobby
from rowbell.api.rates import Rates
from rowbell.api.readings import Readings
from rowbell.api.reads import Reads
from rowbell.api.requests import GraphQLRequest, check_variables
from rowbell.api.stacks import Stacks
from rowbell.api.subscriptions import Watch
from rowbell.api.turns import Turns
from rowbell.db.pool import Database

MANY_VALUES = 1_000
MANY_BYTES = 16_384

Results = AsyncGenerator[ExecutionResult, None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that keeps every limit."""

    request: GraphQLRequest
    document: DocumentNode
    kind: OperationType | None
    """None if the request does not say which of several operations it means."""
    values: int
    """In its variables."""


class Operations:
    def __init__(self, database: Database, watch: Watch, gate: Gate, limits: Limits) -> None:
        self.limits = limits
        self.gate = gate
        self.lobby = Lobby(limits.sockets)
        self.rates = Rates(limits.rate)
        self._database = database
        self._watch = watch
        self.turns = Turns()
        self._kinds = Kinds(database)
        self._reads = Reads(database)
        self._readings = Readings()
        self._stacks = Stacks(database)
        self._schema = schema.build()
        self._documents = Documents(self._schema, limits)

    async def prepare(self, request: GraphQLRequest) -> Prepared:
        """Raises DocumentRefused, LimitExceeded."""
        document = self._documents.kept(request.query)
        if document is not None and request.size < MANY_BYTES:
            values = self._check_variables(request)
        else:
            async with self.turns.turn():
                document = document or self._documents.read(request.query)
                values = self._check_variables(request)
        operation = document.operations.get(request.operation_name)
        if operation is None:
            return Prepared(request, document.node, None, values)
        cost = operation.price.of(request.variables)
        if cost > self.limits.cost:
            raise QueryTooCostly(
                f"this operation costs {cost}, {self.limits.cost} is the most.",
                hint="Ask for fewer fields, a smaller first, or fewer inputs at once.",
            )
        return Prepared(request, document.node, operation.node.operation, values)

    def _check_variables(self, request: GraphQLRequest) -> int:
        """Before anything walks through them by recursion. Raises LimitExceeded."""
        limits = self.limits
        return check_variables(request, limits.variables_depth, limits.variables_values)

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
        context = self._context(connection, deadline)
        if prepared.values < MANY_VALUES:
            result = self._begin(prepared, context)
        else:
            async with self.turns.turn():
                result = self._begin(prepared, context)
        return await result if isawaitable(result) else result

    def _begin(
        self, prepared: Prepared, context: RequestContext
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Variables are checked here, which takes as long as they are many."""
        return execute(
            self._schema,
            prepared.document,
            context_value=context,
            variable_values=prepared.request.variables,
            operation_name=prepared.request.operation_name,
        )

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
            readings=self._readings,
            stacks=self._stacks,
            viewer=viewer_of(connection),
            connection=connection,
            deadline=deadline,
        )
