"""Frames in words: where a coroutine or a thread is at this moment."""

import traceback
from pathlib import Path
from types import FrameType
from typing import Any

STACK_CHARACTERS = 16_000
DEEPEST = 200

_EXECUTORS = str(Path(__file__).parent / "executors")


def stack_of_frame(frame: FrameType | None) -> str:
    """The frames of a thread, the outermost first, from the handler's own on."""
    frames = [each for each, _ in traceback.walk_stack(frame)]
    return _written([(each, each.f_lineno or 0) for each in reversed(frames)])


def stack_of_coroutine(coroutine: Any) -> str:
    """What a suspended coroutine awaits, through all that it awaits, the outermost first.

    A task keeps the outermost frame alone: each of the others is found in what it awaits.
    """
    frames: list[tuple[FrameType, int]] = []
    awaited = coroutine
    for _ in range(DEEPEST):
        frame = next((f for name in _FRAMES if (f := getattr(awaited, name, None))), None)
        if frame is None:
            break
        frames.append((frame, frame.f_lineno or 0))
        awaited = next((a for name in _AWAITED if (a := getattr(awaited, name, None))), None)
    end = "" if awaited is None else f"  awaits {_short(awaited)}\n"
    return _written(frames) + end


_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_AWAITED = ("cr_await", "gi_yieldfrom", "ag_await")


def _written(frames: list[tuple[FrameType, int]]) -> str:
    """From the handler's own on: what is above it is the same for every handler."""
    above = [n for n, (frame, _) in enumerate(frames) if _is_above(frame)]
    handlers = frames[above[-1] + 1 :] if above else frames
    return "".join(traceback.StackSummary.extract(iter(handlers or frames)).format())


def _is_above(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_EXECUTORS)


def _short(awaited: object) -> str:
    """Its class alone: the repr of an object may be anybody's code."""
    return f"a {type(awaited).__module__}.{type(awaited).__qualname__}"
