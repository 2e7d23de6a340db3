"""A bar on a terminal, nothing elsewhere. On stderr: stdout is for the report."""

from types import TracebackType
from typing import Self

from rich import progress

from rowbell.cli.screen import errors


class Progress:
    """Used as a context: `show(done)` moves the bar."""

    def __init__(self, words: str, total: int) -> None:
        self._bar = progress.Progress(
            progress.TextColumn("{task.description:>10}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
            refresh_per_second=5,  # drawing takes its share of the same machine
        )
        self._task = self._bar.add_task(words, total=total)

    def show(self, done: int) -> None:
        self._bar.update(self._task, completed=done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
