"""The schema, with everything that answers it."""

from functools import cache
from pathlib import Path

from ariadne import EnumType, make_executable_schema
from graphql import GraphQLSchema

from rowbell.api import (  # noqa: F401 - their fields are bound by importing them
    condition,
    error_groups,
    queues,
    stream,
)
from rowbell.api.bell import bell_type
from rowbell.api.mutations import mutation
from rowbell.api.overview import minute_type
from rowbell.api.past import bulk_type
from rowbell.api.resolvers import TYPES
from rowbell.api.roles import guard
from rowbell.api.scalars import SCALARS
from rowbell.api.schedules import schedule_type
from rowbell.api.stats import STATS
from rowbell.api.workers import running_type, worker_type
from rowbell.journal import Event
from rowbell.task import AfterFailure, Conflict, OnConflict, Status
from rowbell.viewer import Role

OPERATIONS = [bell_type, bulk_type, minute_type, running_type, schedule_type, worker_type]

TEXT = Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8")


@cache
def build() -> GraphQLSchema:
    """It takes a tenth of a second, and says the same to every application of the process."""
    enums = [
        EnumType("TaskStatus", Status),
        EnumType("OnConflict", OnConflict),
        EnumType("Conflict", Conflict),
        EnumType("AfterFailure", AfterFailure),
        EnumType("Role", Role),
        EnumType("TaskEventKind", Event),
    ]
    schema = make_executable_schema(
        TEXT, mutation, *TYPES, *STATS, *OPERATIONS, *SCALARS, *enums, convert_names_case=True
    )
    return guard(schema)
