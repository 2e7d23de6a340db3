"""How an error of ours ends a command: a sentence, what to do, and an exit code."""

from rich.text import Text

from rowbell.cli.exit_codes import FAILED, WRONG
from rowbell.cli.screen import errors, printable
from rowbell.errors import ConfigurationError, InvalidArgument, RowbellError


def report(error: BaseException) -> int:
    """Say on stderr what went wrong; returns the exit code. Raises what is no error of ours."""
    ours = first_of_ours(error)
    if ours is None:
        raise error
    say(ours)
    return exit_code(ours)


def say(error: RowbellError) -> None:
    """A sentence, and on a line of its own what to do."""
    text = Text.assemble(("rowbell: ", "bold red"), printable(error.message))
    if hint := error.hint.strip():
        text.append(f"\n  {printable(hint)}", "dim")
    errors.print(text, soft_wrap=True)


def exit_code(error: RowbellError) -> int:
    return WRONG if isinstance(error, ConfigurationError | InvalidArgument) else FAILED


def first_of_ours(error: BaseException) -> RowbellError | None:
    """The RowbellError that this is, or the first of a group of nothing else; or None."""
    if isinstance(error, RowbellError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [first_of_ours(each) for each in error.exceptions]
    return found[0] if all(found) else None
