"""What the transports share: the schema, the documents, and how a request is carried out."""

import asyncio
from collections.abc import Awaitable, Hashable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
    execute,
)
from starlette.requests import HTTPConnection

from rowbell.api import schema
from rowbell.api.auth import Gate, viewer_of
from rowbell.api.channels import Channels
from rowbell.api.context import RequestContext
from rowbell.api.documents import Documents
from rowbell.api.execution import Execution
from rowbell.api.kinds import Kinds
from rowbell.api.limits import Limits, OperationTimeout, QueryTooCostly
from rowbell.api.lobby import Lobby
from rowbell.api.rates import Rates
from rowbell.api.readings import Readings
from rowbell.api.reads import Reads
from rowbell.api.requests import GraphQLRequest, check_variables
from rowbell.api.stacks import Stacks
from rowbell.api.subscribing import Subscription
from rowbell.api.subscriptions import Watch
from rowbell.api.turns import Turns
from rowbell.db.pool import Database
from rowbell.measures import measures
from rowbell.viewer import Viewer

MANY_VALUES = 1_000
MANY_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that keeps every limit."""

    request: GraphQLRequest
    document: DocumentNode
    kind: OperationType | None
    """None if the request does not say which of several operations it means."""
    values: int
    """In its variables."""
    selecting: frozenset[str] = frozenset()
    """The variables that decide what a subscription asks of each event."""

    @property
    def selection(self) -> Hashable:
        """Equal for subscriptions that ask the same of an event."""
        values = self.request.variables or {}
        given = {name: values.get(name) for name in self.selecting}
        variables = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
        return self.request.query, self.request.operation_name, variables


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
        self._channels = Channels()
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
        measures.operations[operation.node.operation.value] += 1
        return Prepared(
            request, document.node, operation.node.operation, values, operation.selecting
        )

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
        context = self._context(viewer_of(connection), connection, deadline)
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
    ) -> ExecutionResult | Subscription:
        """Accept a subscription, or say why not."""
        viewer = viewer_of(connection)
        executor = self._executor(prepared, self._context(viewer, connection))
        if not isinstance(executor, Executor):
            return ExecutionResult(None, executor)
        begun = create_source_event_stream(executor)
        source: Any = await begun if isawaitable(begun) else begun
        if isinstance(source, ExecutionResult):
            return source

        def share() -> Execution:
            """For many: it must not hold on to the connection of the one that came first."""
            shared = cast("Executor[Any]", self._executor(prepared, self._context(viewer)))
            return Execution(shared, self.turns)

        return Subscription(
            source,
            Execution(executor, self.turns),
            self._channels,
            selection=(prepared.selection, viewer.sight),
            share=share,
            seconds=self.limits.send_seconds,
        )

    def _executor(
        self, prepared: Prepared, context: RequestContext
    ) -> Executor[Any] | list[GraphQLError]:
        return Executor.build(
            self._schema,
            prepared.document,
            context_value=context,
            raw_variable_values=prepared.request.variables,
            operation_name=prepared.request.operation_name,
        )

    def _context(
        self,
        viewer: Viewer,
        connection: HTTPConnection | None = None,
        deadline: asyncio.Timeout | None = None,
    ) -> RequestContext:
        return RequestContext(
            database=self._database,
            watch=self._watch,
            kinds=self._kinds,
            reads=self._reads,
            readings=self._readings,
            stacks=self._stacks,
            viewer=viewer,
            connection=connection,
            deadline=deadline,
        )
