"""What a subscription asks for: where its subscriber begins, and the feed that it then shares."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ariadne import SubscriptionType

from rowbell.api.backlog import Change, Wanted
from rowbell.api.feeds import ChangeFeed, Feed, TaskFeed
from rowbell.api.outbox import Outbox
from rowbell.api.subscriptions import Watch
from rowbell.journal import Event
from rowbell.task import Task
from rowbell.viewer import Viewer

Join = Callable[[], Outbox]
Resolve = TypeVar("Resolve", bound=Callable[..., "Source"])


class Subscriptions(SubscriptionType):
    """The fields of subscriptions."""

    def shared(self, name: str) -> Callable[[Resolve], Resolve]:
        """The decorator of a resolver that returns a source."""
        return cast("Callable[[Resolve], Resolve]", self.source(name))


class Source(ABC):
    """What the resolver of a subscription's field returns."""

    def __aiter__(self) -> AsyncIterator[Any]:
        # graphql-core takes nothing else for a source; the events come by another way.
        raise NotImplementedError

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Equal for sources that share a feed."""

    @abstractmethod
    def feed(self) -> Feed:
        """Made for the first who asks for it."""

    async def beginning(self, join: Join) -> AsyncGenerator[Any, None]:
        """Events for this subscriber alone; it is told what the feed brings from `join` on."""
        join()
        return
        yield


@dataclass(frozen=True, slots=True)
class TaskSource(Source):
    """One task, by its id."""

    watch: Watch
    task_id: int
    viewer: Viewer

    @property
    def key(self) -> Hashable:
        return "task", self.task_id

    def feed(self) -> Feed:
        return TaskFeed(self.watch, self.task_id, self.viewer)


@dataclass(frozen=True, slots=True)
class AddedSource(Source):
    """Tasks inserted from now on."""

    watch: Watch
    viewer: Viewer

    @property
    def key(self) -> Hashable:
        return "added"

    def feed(self) -> Feed:
        wanted = Wanted(self.viewer, only=Event.CREATED)
        return ChangeFeed(self.watch, wanted, self._event)

    def _event(self, change: Change) -> Task | None:
        task = change.task
        return task if task and self.viewer.sees(task.created_by, task.audience) else None
