"""`rowbell serve`, `api` and `worker`: the processes that stay."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rowbell import logs
from rowbell.cli import settings as options
from rowbell.cli.errors import exit_code, first_of_ours, report
from rowbell.cli.exit_codes import FAILED
from rowbell.cli.greeting import Greeting
from rowbell.config import Settings

if TYPE_CHECKING:
    from rowbell.runtime import Service


def serve(
    *,
    handlers: options.Handlers = None,
    queues: options.Queues = None,
    slots: options.Slots = None,
    process_slots: options.ProcessSlots = None,
    processes: options.Processes = None,
    host: options.Host = None,
    port: options.Port = None,
    http_allow: options.HttpAllow = None,
    drain_seconds: options.DrainSeconds = None,
    retention_days: options.RetentionDays = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
    home: options.Home = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """API, page and workers in one process, or with worker processes of their own."""
    settings = options.load(
        handlers=handlers,
        queues=queues,
        slots=slots,
        process_slots=process_slots,
        processes=processes,
        host=host,
        port=port,
        http_allow=http_allow,
        drain_seconds=drain_seconds,
        retention_days=retention_days,
        log_level=log_level,
        log_format=log_format,
        home=home,
        database_url=database_url,
    )
    _serve(settings, Greeting(url_was_typed=database_url is not None))


def api(
    *,
    host: options.Host = None,
    port: options.Port = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
    home: options.Home = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """API and page, without workers."""
    settings = options.load(
        host=host,
        port=port,
        log_level=log_level,
        log_format=log_format,
        home=home,
        database_url=database_url,
    )
    _serve(settings, Greeting(url_was_typed=database_url is not None), with_worker=False)


def worker(
    *,
    handlers: options.Handlers = None,
    queues: options.Queues = None,
    slots: options.Slots = None,
    process_slots: options.ProcessSlots = None,
    processes: options.Processes = None,
    http_allow: options.HttpAllow = None,
    drain_seconds: options.DrainSeconds = None,
    retention_days: options.RetentionDays = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
    home: options.Home = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Workers, without the API."""
    settings = options.load(
        handlers=handlers,
        queues=queues,
        slots=slots,
        process_slots=process_slots,
        processes=processes,
        http_allow=http_allow,
        drain_seconds=drain_seconds,
        retention_days=retention_days,
        log_level=log_level,
        log_format=log_format,
        home=home,
        database_url=database_url,
    )
    _serve(settings, Greeting(url_was_typed=database_url is not None), with_api=False)


def _serve(
    settings: Settings, greet: Greeting, *, with_api: bool = True, with_worker: bool = True
) -> None:
    logs.configure(settings.log_level, settings.log_format, settings.log_repeats)
    # Handler modules lie where the command is given, as for `python -m` and for uvicorn.
    sys.path.insert(0, str(Path.cwd()))
    from rowbell.crew import Crew  # noqa: PLC0415 - `--help` need not load a server
    from rowbell.runtime import Service, supervise  # noqa: PLC0415 - nor this

    if not with_worker or settings.processes == 1:
        run(Service(settings, with_api=with_api, with_worker=with_worker, greet=greet))
    elif with_api:
        # The API stays here: no handler can block it, and none takes it along when it crashes.
        run(Service(settings, with_worker=False, crew=Crew(settings), greet=greet))
    else:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            crew = Crew(settings, lambda: greet.crew(settings))
            runner.run(to_the_end(supervise(crew)))


def run(service: "Service") -> None:
    """Run a service to its end, on uvloop where there is one."""
    collect_rarely()
    try:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            runner.run(to_the_end(service.run()))
    finally:
        if service.worker and service.worker.attempts.executors.in_threads:
            _leave_threads_behind(sys.exc_info()[1])


def collect_rarely() -> None:
    """Spare the garbage collector what lasts, and most of its looks at what is new.

    A batch of 500 attempts is 7,000 objects, freed by their counts: with Python's own thresholds
    the collector went through them ten times meanwhile, and took a third of a worker's CPU. What
    the imports left behind stays: to look for it takes 40 ms of every start, and finds 40 kB.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """The last thing that a process does: signals that come later find nothing to stop.

    Python's own handlers would end it with their number although all is done.
    """
    try:
        await work
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed; None: asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - there is none for some platforms
    except ImportError:
        return None
    return uvloop.new_event_loop


def _leave_threads_behind(error: BaseException | None) -> None:
    # Handlers still run in threads although their attempts have ended. A thread cannot be
    # stopped, and at its exit Python would wait for it, for ever if need be.
    code = 0
    if error is not None:
        ours = first_of_ours(error)
        code = exit_code(ours) if ours else FAILED
        report(error) if ours else sys.excepthook(type(error), error, error.__traceback__)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
