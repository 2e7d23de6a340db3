"""`rowbell completion`: what a shell needs to complete commands and options."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

VARIABLE = "_ROWBELL_COMPLETE"


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Which shell.")]) -> None:
    """Print what makes a shell complete: eval "$(rowbell completion bash)" in ~/.bashrc.

    zsh: the same in ~/.zshrc, after compinit. fish: rowbell completion fish >
    ~/.config/fish/completions/rowbell.fish
    """
    typer.echo(get_completion_script(prog_name="rowbell", complete_var=VARIABLE, shell=shell))
