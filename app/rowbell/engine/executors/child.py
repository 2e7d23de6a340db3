"""What runs in a process of handlers: calls come through a socket, one at a time."""

import ctypes
import importlib
import logging
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict
from functools import cache, reduce
from typing import Any, NoReturn

import orjson

from rowbell.db.tasks import as_progress, as_result
from rowbell.decorator import describe
from rowbell.engine.executors.call import arguments_of
from rowbell.engine.failures import told, types_of
from rowbell.engine.frames import STACK_CHARACTERS, stack_of_frame
from rowbell.engine.lines import fit, plain
from rowbell.errors import GiveUp
from rowbell.handlers import Handler

PR_SET_PDEATHSIG = 1  # prctl(2)
LOG_CHARACTERS = 16_384


def main(descriptor: int) -> NoReturn:
    """Import, say that it is ready, then run what is called for, until the parent is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # The parent decides; a supervisor may signal every process. Not SIG_IGN, which programs
        # that a handler starts would inherit.
        signal.signal(number, lambda *_: None)
    _die_with_parent()
    pipe = Pipe(socket.socket(fileno=descriptor))
    logging.basicConfig(handlers=[Warnings(pipe)], level=logging.WARNING, force=True)
    calls: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    contexts: dict[int, ProcessContext] = {}
    threading.Thread(target=_listen, args=(pipe, calls, contexts), daemon=True).start()
    for module in calls.get()["modules"]:
        with suppress(BaseException):  # the first call meets it again, and reports it
            importlib.import_module(module)
    pipe.send({"call": 0, "ready": True})
    while True:
        call = calls.get()
        context = contexts[call["call"]] = ProcessContext(pipe, call)
        pipe.send(_performed(pipe, call, context))
        del contexts[call["call"]]


class Pipe:
    """The socket to the parent: a JSON document a line."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self.lines = connection.makefile("rb")

    def send(self, message: dict[str, Any]) -> None:
        line = orjson.dumps(message) + b"\n"
        with self._turn:
            self._connection.sendall(line)


class ProcessContext:
    """Implements `rowbell.Context` in a process: it tells the parent, and is told by it."""

    def __init__(self, pipe: Pipe, call: dict[str, Any]) -> None:
        self.task_id: int = call["task"]
        self.attempt: int = call["attempt"]
        self.traceparent: str | None = call["traceparent"]
        self.is_cancelled = False
        self._pipe = pipe
        self._call: int = call["call"]

    def progress(self, fraction: float) -> None:
        self._pipe.send({"call": self._call, "progress": as_progress(fraction)})

    def log(self, message: str, **fields: object) -> None:
        if reserved := fields.keys() & {"event", "text"}:
            raise TypeError(f"context.log() has a use of its own for {', '.join(sorted(reserved))}")
        values = {name: plain(value) for name, value in fields.items()}
        self._pipe.send({"call": self._call, "log": fit(message, LOG_CHARACTERS), "fields": values})

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        raise GiveUp(
            'context.transaction() is not to be had with runs_in="process": the connection is the'
            " worker's. Write with a connection of the handler's own, or make it an async function."
        )

    def result(self, value: object) -> None:  # noqa: ARG002 - of the protocol
        raise GiveUp(
            'context.result() belongs to context.transaction(), which runs_in="process" has not:'
            " return the result."
        )


class Warnings(logging.Handler):
    """Brings what libraries log in this process into the log of the parent."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(logging.WARNING)
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        text = fit(record.getMessage(), LOG_CHARACTERS)
        self._pipe.send({"warning": {"library": record.name, "text": text}})


def _listen(
    pipe: Pipe, calls: "queue.SimpleQueue[dict[str, Any]]", contexts: "dict[int, ProcessContext]"
) -> None:
    with suppress(OSError):
        for line in pipe.lines:
            message = orjson.loads(line)
            if "stack" in message:
                pipe.send({"call": message["stack"], "stack": _stack()})
            elif "cancel" not in message:
                calls.put(message)
            elif context := contexts.get(message["cancel"]):
                context.is_cancelled = True
    os.killpg(0, signal.SIGKILL)  # the parent is gone: this process, and what its handler started


def _stack() -> str:
    """Where the main thread is, which runs the handler."""
    main_thread = threading.main_thread().ident
    frames = stack_of_frame(sys._current_frames().get(main_thread or 0))
    return fit(frames, -STACK_CHARACTERS)


def _performed(pipe: Pipe, call: dict[str, Any], context: ProcessContext) -> dict[str, Any]:
    """The answer, whatever the handler does, as long as the process lives."""
    answer: dict[str, Any] = {"call": call["call"], "answer": True, "failure": None}
    pipe.send({"call": call["call"], "began": True})
    try:
        handler = _handler(call["kind"], call["module"], call["name"])
        arguments = arguments_of(handler, call["payload"], context)
        return {**answer, "result": as_result(handler.function(**arguments))}
    except BaseException as error:  # noqa: BLE001 - a handler may raise anything, SystemExit too
        return {**answer, "failure": asdict(told(error)), "types": types_of(error)}
    finally:
        sys.stdout.flush()


@cache
def _handler(kind: str, module: str, name: str) -> Handler:
    function = reduce(getattr, name.split("."), importlib.import_module(module))
    return describe(function, kind=kind, runs_in="process")  # type: ignore[arg-type]


def _die_with_parent() -> None:
    # The end of the socket says it too, but a handler in C code may keep every other thread still.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
