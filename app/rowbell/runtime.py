"""Wires everything, starts it in order, and stops it in order."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from starlette.applications import Starlette

from rowbell import handlers as handler_modules
from rowbell.api.asgi import create_app
from rowbell.api.auth import Gate
from rowbell.api.limits import Limits
from rowbell.api.metrics import MetricsPage, check_access, metrics_app
from rowbell.api.server import Server, listening
from rowbell.api.subscriptions import Watch
from rowbell.config import Settings
from rowbell.crew import Crew, Orders
from rowbell.db.ears import TOKENS
from rowbell.db.embedded import EmbeddedPostgres
from rowbell.db.listener import Listener
from rowbell.db.patience import PATIENCE_SECONDS
from rowbell.db.place import Place, opened, placed
from rowbell.db.pool import Database
from rowbell.engine.alerts import Alerts
from rowbell.engine.attempt import Ending
from rowbell.engine.hearing import hear
from rowbell.engine.kinds import built_in
from rowbell.engine.schedules import Schedules
from rowbell.engine.sweeper import Sweeper
from rowbell.engine.watchdog import watching
from rowbell.engine.worker import Worker
from rowbell.errors import ConfigurationError
from rowbell.handlers import Handlers
from rowbell.logs import log
from rowbell.metrics import Metrics, Sources

HEAR_SECONDS = 5.0
SILENCE_SECONDS = 1.0
"""What a server that does not answer may cost at the end."""
HANG_SECONDS = 5.0
"""What a handler that ignores its cancellation may cost at the end."""
CREW_SECONDS = 30.0
"""How long the greeting waits for the worker processes."""


@dataclass(slots=True)
class Service:
    """One process: an API, a worker, or both. `run` returns after `stop` and the drain."""

    settings: Settings
    with_api: bool = True
    with_worker: bool = True
    greet: Callable[["Service"], None] = lambda _: None
    handlers: Handlers | None = None
    """None: the built-in kinds, and those of the handler modules of the settings."""
    crew: Crew | None = None
    """Worker processes of this one, which then has no worker itself."""
    orders: Orders | None = None
    """Of the crew that this process belongs to; None: it listens to signals."""
    place: Place | None = None
    address: str = ""
    """URL of the API, once it listens."""
    metrics_address: str = ""
    """URL of the metrics of a process without an API, where it has one."""
    database: Database | None = None
    gate: Gate | None = None
    """Of the API."""
    worker: Worker | None = None
    listener: Listener | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _reviving: asyncio.Task[None] | None = None
    _starting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start, greet, serve, drain. Raises RowbellError if it cannot start."""
        log.info("service.starting", api=self.with_api, worker=self.with_worker)
        self._starting = asyncio.current_task()
        with (
            self.orders.followed(self.stop) if self.orders else _signals(self.stop),
            _given_up(self._stopping),
            watching(self.settings.blocked_seconds),
        ):
            async with AsyncExitStack() as stack:
                server = self._bind(stack)
                handlers = self.handlers or await self._load_handlers(stack)
                self.place = await stack.enter_async_context(placed(self.settings))
                opening = opened(self.place, name="rowbell", patience_seconds=PATIENCE_SECONDS)
                self.database = await stack.enter_async_context(opening)
                await self._serve(self.place, self.database, handlers, server)
        log.info("service.stopped")
        if self.crew:
            self.crew.check()

    def stop(self) -> None:
        """Begin the drain, or give up the start; called again, end what still runs at once."""
        if self._starting:
            self._starting.cancel()
        elif self.crew:
            self.crew.stop()
        if self._stopping.is_set() and self.worker:
            self.worker.attempts.end_all(Ending.DRAINED)
        self._stopping.set()

    def unready(self) -> str | None:
        """Why this process should get no traffic now; None: it should."""
        if self._stopping.is_set():
            return "the service is draining"
        # A deaf listener will stay so: the process then lives on sweeps, and serves.
        if self.listener and not (self.listener.ready.is_set() or self.listener.is_deaf):
            return "the listener is not connected: changes are not heard"
        return None

    def _bind(self, stack: AsyncExitStack) -> socket.socket | None:
        """The socket of the API, or of the metrics alone. Raises ConfigurationError."""
        if self.with_api:
            return stack.enter_context(listening(self.settings))
        if self.settings.metrics_port is None:
            return None
        check_access(self.settings)
        return stack.enter_context(listening(self.settings, "metrics_port"))

    async def _load_handlers(self, stack: AsyncExitStack) -> Handlers:
        if not self.with_worker:
            return Handlers()
        handlers = await stack.enter_async_context(built_in(self.settings))
        for handler in handler_modules.load(self.settings.handlers):
            handlers.add(handler)
        return handlers

    async def _serve(
        self, place: Place, database: Database, handlers: Handlers, bound: socket.socket | None
    ) -> None:
        listener = self.listener = Listener(place.url, self.settings.probe_seconds)
        listener.ears.lost = self._revive
        api: Server | None = None
        gate: Gate | None = None
        metrics = Metrics(database, Sources())
        if bound and self.with_api:
            gate = self.gate = Gate(database, self.settings)
            await gate.prepare()  # before anything runs that would have to be drained
            listener.ears.tokens = gate.changed
            listener.hears = frozenset({TOKENS})
        async with _ending(self._hang_up, self._abandon) as services:
            running: list[asyncio.Task[None]] = []
            if self.with_worker:
                worker = self.worker = Worker(database, handlers, self.settings)
                lanes = worker.attempts.lanes
                metrics.sources.slots = lambda: (lanes.total, lanes.busy)
                sweeper = Sweeper(database, worker, self.settings)
                schedules = Schedules(database, handlers)
                hear(listener, worker, sweeper, schedules)
                running.append(services.create_task(worker.run(), name="worker"))
                await worker.ready.wait()
                running.append(services.create_task(sweeper.run(), name="sweeper"))
                running.append(services.create_task(schedules.run(), name="schedules"))
            self._starting = None  # from here on there is something to drain
            if bound and gate:
                api = await self._serve_api(services, running, gate, bound, metrics)
            elif bound:
                server = self._metrics_server(metrics, bound)
                running.append(services.create_task(server.run(), name="metrics"))

            engine_ready = listener.ears.ready

            def ready() -> None:
                engine_ready()
                listener.ears.changes()
                listener.ears.tokens()

            listener.ears.ready = ready
            running.append(services.create_task(listener.run(), name="listener"))
            running += self._start_alerts(services, database)
            await self._hear(listener)
            if self.crew:
                running.append(services.create_task(self.crew.run(), name="crew"))
                await self._see(self.crew)
            log.info(
                "service.ready",
                address=self.address or None,
                metrics=self.metrics_address or None,
            )
            self.greet(self)
            await self._stopping.wait()
            await self._drain(api, running)

    def _start_alerts(
        self, services: asyncio.TaskGroup, database: Database
    ) -> list[asyncio.Task[None]]:
        if self.settings.alert_url is None:
            return []
        return [services.create_task(Alerts(database, self.settings).run(), name="alerts")]

    async def _serve_api(
        self,
        services: asyncio.TaskGroup,
        running: list[asyncio.Task[None]],
        gate: Gate,
        bound: socket.socket,
        metrics: Metrics,
    ) -> Server:
        watch = Watch(metrics.database)
        if self.listener:
            watch.on_watching = self.listener.watch
            self.listener.ears.changes = watch.changed
        app = self._app(metrics.database, watch, gate, metrics)
        metrics.sources.subscribers = lambda: watch.subscribers
        metrics.sources.sockets = app.state.lobby.__len__
        api = Server(app, bound)
        self.address = api.address
        running.append(services.create_task(watch.run(), name="watch"))
        running.append(services.create_task(gate.run(), name="gate"))
        api.closing = watch.closing.set
        services.create_task(api.run(), name="api")
        await api.ready.wait()
        return api

    def _metrics_server(self, metrics: Metrics, bound: socket.socket) -> Server:
        """Of a process without an API."""
        page = MetricsPage(metrics, self.settings.token_for_metrics())
        server = Server(metrics_app(page, self.unready), bound)
        self.metrics_address = f"{server.address}/metrics"
        return server

    def _app(self, database: Database, watch: Watch, gate: Gate, metrics: Metrics) -> Starlette:
        return create_app(
            database,
            watch,
            gate,
            readiness=self.unready,
            limits=Limits.of(self.settings),
            origins=self.settings.origins,
            graphiql=self.settings.shows_graphiql(),
            metrics=MetricsPage(metrics, self.settings.token_for_metrics(), gate),
        )

    async def _hear(self, listener: Listener) -> None:
        """Wait for the first LISTEN, but not for ever: behind a pooler sweeps alone must do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAR_SECONDS):
                await listener.ready.wait()

    async def _see(self, crew: Crew) -> None:
        """Wait until every worker process works, or a signal comes first."""
        events = {asyncio.create_task(each.wait()) for each in (crew.ready, self._stopping)}
        try:
            await asyncio.wait(events, timeout=CREW_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in events:
                each.cancel()

    async def _drain(self, api: Server | None, running: list[asyncio.Task[None]]) -> None:
        log.info("service.stopping")
        async with asyncio.TaskGroup() as draining:
            if api:
                draining.create_task(api.drain(self.settings.drain_seconds))
            if self.worker:
                await self.worker.drain(self.settings.drain_seconds)
            if self.crew:
                await self.crew.ended.wait()
        if api:
            await api.close()
        for service in reversed(running):
            service.cancel()

    def _hang_up(self) -> None:
        """PostgreSQL does not answer: do not wait for what it was asked last."""
        if self.database:
            self.database.hang_up()

    def _abandon(self) -> None:
        """End the process although something in it does not; its tasks are rescued by others."""
        stuck = len(self.worker.attempts) if self.worker else 0
        reason = f"{stuck} handlers ignore their cancellation" if stuck else "connections hang"
        log.error("service.stopped", reason=f"{reason}: left behind")
        sys.stderr.flush()
        os._exit(1)

    def _revive(self) -> None:
        """The connection is gone: see that the embedded server, if there is one, runs."""
        embedded = self.place.embedded if self.place else None
        if embedded and (self._reviving is None or self._reviving.done()):
            self._reviving = asyncio.create_task(_restart(embedded), name="revive")


async def supervise(crew: Crew) -> None:
    """Run worker processes and nothing else. Raises RowbellError."""
    log.info("service.starting", api=False, worker=False, processes=crew.settings.processes)
    with _signals(crew.stop):
        await crew.run()
    log.info("service.stopped")
    crew.check()


@contextmanager
def _given_up(stopping: asyncio.Event) -> Iterator[None]:
    """A start that a signal has cancelled is no error."""
    try:
        yield
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


@asynccontextmanager
async def _ending(
    hang_up: Callable[[], None], abandon: Callable[[], None]
) -> AsyncIterator[asyncio.TaskGroup]:
    """A group that ends soon after its body: by force, if a server or a handler keeps it."""
    with ExitStack() as afterwards:  # what follows is bounded, and may take longer
        async with asyncio.TaskGroup() as services:
            try:
                yield services
            finally:  # after a drain, or because a service has failed
                loop = asyncio.get_running_loop()
                afterwards.callback(loop.call_later(SILENCE_SECONDS, hang_up).cancel)
                afterwards.callback(loop.call_later(HANG_SECONDS, abandon).cancel)


async def _restart(embedded: EmbeddedPostgres) -> None:
    try:
        await asyncio.to_thread(embedded.ensure_running)
    except ConfigurationError as error:
        log.error("database.lost", reason=error.message)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    both = (signal.SIGINT, signal.SIGTERM)
    for number in both:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in both:
            loop.remove_signal_handler(number)
