"""Handlers of the tests that run in processes: functions that a process can import."""

import logging
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rowbell import Context, GiveUp, RetryLater


class Sum(BaseModel):
    a: int
    b: int


class NoSuchCustomer(Exception):
    """Needs two arguments: pickle could not make it again."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"no customer {name} {number}")
        self.lock = threading.Lock()


def add_up(payload: Sum) -> dict[str, int]:
    return {"sum": payload.a + payload.b}


def tell_process() -> int:
    return os.getpid()


def fail_as_told(payload: str) -> None:
    raise {
        "give up": GiveUp("no such thing"),
        "later": RetryLater(0, "busy"),
        "custom": NoSuchCustomer("Ada", 7),
        "exit": SystemExit(3),
        "nul": ValueError("a\0b \ud800"),
    }[payload]


def die(payload: Any) -> None:
    if isinstance(payload, int):
        os._exit(payload)
    os.kill(os.getpid(), signal.Signals[payload])


def return_a_lock() -> Any:
    return threading.Lock()


def tell_all(context: Context) -> list[int]:
    context.log("half-way", customer=7)
    logging.getLogger("acme").warning("the disk is nearly full")
    return [context.task_id, context.attempt]


def tell_progress(context: Context) -> None:
    """Half-way, until it is cancelled."""
    context.progress(0.5)
    while not context.is_cancelled:
        time.sleep(0.01)


def ask_for_a_transaction(context: Context) -> None:
    context.transaction()


def note_and_wait(payload: str) -> None:
    """Write the process and that of a program it has started into a file, and stay."""
    child = subprocess.Popen(["sleep", "300"])
    Path(payload).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(300)


def hold_every_thread_still(payload: str) -> None:
    """A regular expression keeps the interpreter's lock for as long as it takes: for ever."""
    Path(payload).write_text(f"{os.getpid()}")
    re.match(r"(a+)+$", "a" * 60 + "b")


def wait_until_told(payload: str, context: Context) -> None:
    Path(payload + ".started").touch()
    while not context.is_cancelled:
        time.sleep(0.01)
    Path(payload).touch()


def sleep_for(payload: float) -> None:
    time.sleep(payload)


def burn(payload: float) -> None:
    """So many seconds of CPU, whatever else runs on the machine."""
    until = time.thread_time() + payload
    while time.thread_time() < until:
        pass


def tell_trace(context: Context) -> str | None:
    return context.traceparent


def waits_in_a_process() -> None:
    time.sleep(60)
