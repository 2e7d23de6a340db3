"""How commands end, in one place: `rowbell --help` and docs/operations.md have it from here."""

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

EXIT_CODES = (
    (
        str(DONE),
        "done; serve, api, worker: drained after SIGTERM or Ctrl-C; watch ID: all are COMPLETED",
    ),
    (
        str(FAILED),
        "it failed: PostgreSQL is not available, no such task, a refused change; enqueue --wait,"
        " watch ID: not COMPLETED, or not in time; services: a handler ignored its cancellation"
        " (with --processes: in any of them); doctor: it has found problems",
    ),
    (
        str(WRONG),
        "nothing was tried: a setting, an option or an argument is wrong; doctor: PostgreSQL cannot"
        " be reached",
    ),
    (str(INTERRUPTED), "interrupted by Ctrl-C before it was done; watch never is"),
    ("other", "psql ends with the exit code of psql"),
)
"""Code, and what it means."""
