"""Which field needs which role. What is not listed here, nobody may call."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLSchema

from rowbell.api.context import Info, context_of
from rowbell.errors import Forbidden
from rowbell.viewer import Role

NEEDED: dict[str, Role] = {
    "Query.viewer": Role.READER,
    "Query.task": Role.READER,
    "Query.tasks": Role.READER,
    "Query.queue": Role.READER,
    "Query.stats": Role.OPERATOR,
    "Query.schedules": Role.OPERATOR,
    "Query.overview": Role.OPERATOR,
    "Query.history": Role.OPERATOR,
    "Query.attention": Role.OPERATOR,
    "Query.queues": Role.OPERATOR,
    "Query.kinds": Role.OPERATOR,
    "Query.keyLimits": Role.OPERATOR,
    "Query.workers": Role.OPERATOR,
    "Query.stack": Role.OPERATOR,
    "Query.bell": Role.OPERATOR,
    "Query.database": Role.OPERATOR,
    "Query.errors": Role.OPERATOR,
    "Mutation.createTask": Role.PRODUCER,
    "Mutation.createTasks": Role.PRODUCER,
    "Mutation.executeTask": Role.PRODUCER,
    "Mutation.cancelTask": Role.PRODUCER,
    "Mutation.retryTask": Role.PRODUCER,
    "Mutation.retryTasks": Role.OPERATOR,
    "Mutation.cancelTasks": Role.OPERATOR,
    "Mutation.pauseQueue": Role.OPERATOR,
    "Mutation.resumeQueue": Role.OPERATOR,
    "Mutation.setQueueLimits": Role.OPERATOR,
    "Mutation.setKindLimits": Role.OPERATOR,
    "Mutation.setKeyLimit": Role.OPERATOR,
    "Mutation.pauseSchedule": Role.OPERATOR,
    "Mutation.resumeSchedule": Role.OPERATOR,
    "Mutation.runSchedule": Role.OPERATOR,
    "Subscription.task": Role.READER,
    "Subscription.taskAdded": Role.READER,
    "Subscription.taskChanges": Role.READER,
    "Subscription.stats": Role.OPERATOR,
    "Subscription.overview": Role.OPERATOR,
    "Subscription.history": Role.OPERATOR,
    "Subscription.queues": Role.OPERATOR,
    "Subscription.workers": Role.OPERATOR,
    "Subscription.bell": Role.OPERATOR,
    "Subscription.database": Role.OPERATOR,
    "Subscription.schedules": Role.OPERATOR,
    "Subscription.errors": Role.OPERATOR,
}

Resolve = Callable[..., Any]


def guard(schema: GraphQLSchema) -> GraphQLSchema:
    """Put a check of the caller's role before every field of the three roots."""
    for root in (schema.query_type, schema.mutation_type):
        for name, field in root.fields.items() if root else ():
            if field.resolve is not None:
                field.resolve = _guarded(field.resolve, f"{root}.{name}")
    subscription = schema.subscription_type
    for name, field in subscription.fields.items() if subscription else ():
        if field.subscribe is not None:
            field.subscribe = _guarded(field.subscribe, f"{subscription}.{name}")
    return schema


def _guarded(resolve: Resolve, place: str) -> Resolve:
    needed = NEEDED.get(place)

    def guarded(source: object, info: Info, **arguments: Any) -> Any:
        role = context_of(info).viewer.role
        if needed is None:
            raise Forbidden(f"{place} is open to nobody.")
        if not role.covers(needed):
            raise Forbidden(
                f"{place} needs the role {needed}; yours is {role}.",
                hint="Ask an operator, or for a token with that role.",
            )
        return resolve(source, info, **arguments)

    return guarded
