"""Rowbell: insert a row, and it runs. Now."""

from rowbell.errors import GiveUp, RetryLater
from rowbell.handlers import Context, task

__all__ = ["Context", "GiveUp", "RetryLater", "task"]
__version__ = "0.1.0"
