"""A worker process of a crew: `python -m rowbell.cli.member DESCRIPTOR`, for `--processes` only."""

import os
import sys
from pathlib import Path

import structlog

from rowbell import logs
from rowbell.cli.errors import report
from rowbell.cli.serve import run
from rowbell.config import Settings
from rowbell.crew import Orders
from rowbell.errors import RowbellError
from rowbell.runtime import Service


def main(descriptor: int) -> None:
    """Work with the settings of the environment, until the crew says otherwise or is gone."""
    settings = Settings.load()
    logs.configure(settings.log_level, settings.log_format, settings.log_repeats)
    structlog.contextvars.bind_contextvars(process=os.getpid())
    sys.path.insert(0, str(Path.cwd()))
    orders = Orders(descriptor)
    run(Service(settings, with_api=False, greet=lambda _: orders.report_ready(), orders=orders))


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except (RowbellError, BaseExceptionGroup) as error:
        sys.exit(report(error))
