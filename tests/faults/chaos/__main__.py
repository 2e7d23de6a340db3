"""`python -m faults.chaos`, from the folder tests: what `make chaos` runs."""

import asyncio
import sys

import orjson

from rowbell.cli.serve import event_loop

from faults.chaos.card import lines
from faults.chaos.history import histories
from faults.chaos.options import read
from faults.chaos.run import Run


def main(arguments: list[str]) -> int:
    """0: every promise was kept. 1: some was not, and it says which."""
    options = read(arguments)
    chaos = Run(options)
    say(f"chaos: seed {options.seed}; logs in {chaos.folder}", to_errors=True)
    try:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            runner.run(chaos.run())
    except BaseException:  # of the run itself, or Ctrl-C: there is nothing to be learnt
        chaos.remove()
        raise
    if options.as_json:
        say(orjson.dumps(chaos.facts, option=orjson.OPT_INDENT_2).decode())
    else:
        say("\n".join(lines(chaos.facts)))
    if chaos.evidence and chaos.problems:
        say("\n".join(histories(chaos.evidence, chaos.problems)), to_errors=True)
    if chaos.problems or options.keep:
        chaos.stop_server()
        say("kept: " + " and ".join(map(str, chaos.places())), to_errors=True)
    else:
        chaos.remove()
    return 1 if chaos.problems else 0


def say(text: str, *, to_errors: bool = False) -> None:
    stream = sys.stderr if to_errors else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
