"""How long a test waits for what ought to happen soon, before it says that it never will."""

DEADLINE_SECONDS = 120.0
"""For the busiest of machines: where all is well, nobody waits for it."""
