"""The schema, with everything that answers it."""

from pathlib import Path

from ariadne import EnumType, make_executable_schema
from graphql import GraphQLSchema

from rowbell.api import stream  # noqa: F401 - its fields are bound by importing it
from rowbell.api.mutations import mutation
from rowbell.api.resolvers import TYPES
from rowbell.api.scalars import SCALARS
from rowbell.api.schedules import schedule_type
from rowbell.api.stats import STATS
from rowbell.journal import Event
from rowbell.task import AfterFailure, Conflict, OnConflict, Status

TEXT = Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8")


def build() -> GraphQLSchema:
    enums = [
        EnumType("TaskStatus", Status),
        EnumType("OnConflict", OnConflict),
        EnumType("Conflict", Conflict),
        EnumType("AfterFailure", AfterFailure),
        EnumType("TaskEventKind", Event),
    ]
    return make_executable_schema(
        TEXT, mutation, *TYPES, *STATS, schedule_type, *SCALARS, *enums, convert_names_case=True
    )
