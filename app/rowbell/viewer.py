"""Who calls the API, and which tasks that lets him see: the same as sql/functions/may_see.sql."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each role covers those above it."""

    READER = "reader"
    PRODUCER = "producer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A caller of the API."""

    role: Role
    subject: str | None = None
    """In whose name tasks are created; None, of nobody in particular: of the SQL role."""
    audiences: frozenset[str] = frozenset()

    @property
    def sees_everything(self) -> bool:
        return self.role.covers(Role.OPERATOR)

    @property
    def sight(self) -> Hashable:
        """Viewers of equal sight are told the same, whatever they ask."""
        return self.role if self.sees_everything else (self.role, self.subject, self.audiences)

    def sees(self, created_by: str, audience: Collection[str]) -> bool:
        """As rowbell.may_see, for a task that is in memory already."""
        return (
            self.sees_everything
            or created_by == self.subject
            or not self.audiences.isdisjoint(audience)
        )

    def changes(self, created_by: str) -> bool:
        """As rowbell.may_change: may it cancel, retry or replace a task that it sees?"""
        return self.sees_everything or (self.role is Role.PRODUCER and created_by == self.subject)


ANYBODY = Viewer(role=Role.ADMIN)
"""A caller where no credentials are configured."""
