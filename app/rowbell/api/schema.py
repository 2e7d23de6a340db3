"""The schema, with everything that answers it."""

from pathlib import Path

from ariadne import EnumType, make_executable_schema
from graphql import GraphQLSchema

from rowbell.api.resolvers import TYPES
from rowbell.api.scalars import SCALARS
from rowbell.api.schedules import schedule_type
from rowbell.task import Status

TEXT = Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8")


def build() -> GraphQLSchema:
    return make_executable_schema(
        TEXT,
        *TYPES,
        schedule_type,
        *SCALARS,
        EnumType("TaskStatus", Status),
        convert_names_case=True,
    )
