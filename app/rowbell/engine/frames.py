"""Frames in words: where a coroutine or a thread is at this moment."""

import traceback
from pathlib import Path
from types import FrameType
from typing import Any

STACK_CHARACTERS = 16_000
DEEPEST = 200

_OURS = str(Path(__file__).parent)


def stack_of_frame(frame: FrameType | None) -> str:
    """The frames of a thread, the outermost first, from the handler's own on."""
    frames = [each for each, _ in traceback.walk_stack(frame)]
    return _written([(each, each.f_lineno) for each in reversed(frames)])


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
        frames.append((frame, frame.f_lineno))
        awaited = next((a for name in _AWAITED if (a := getattr(awaited, name, None))), None)
    end = "" if awaited is None else f"  awaits {_short(awaited)}\n"
    return _written(frames) + end


_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_AWAITED = ("cr_await", "gi_yieldfrom", "ag_await")


def _written(frames: list[tuple[FrameType, int]]) -> str:
    """Without ours, which are above each handler and say nothing about it."""
    own = [pair for pair in frames if not pair[0].f_code.co_filename.startswith(_OURS)]
    ours = [n for n, pair in enumerate(frames) if pair[0].f_code.co_filename.startswith(_OURS)]
    below = frames[ours[-1] + 1 :] if ours else own
    summary = traceback.StackSummary.extract(iter(below or own or frames))
    return "".join(summary.format())


def _short(awaited: object) -> str:
    return repr(awaited)[:200]
