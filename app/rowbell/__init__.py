"""Rowbell: insert a row, and it runs. Now."""

from rowbell.backoff import exponential, linear
from rowbell.context import Context
from rowbell.decorator import task
from rowbell.errors import GiveUp, RetryLater

__all__ = ["Context", "GiveUp", "RetryLater", "exponential", "linear", "task"]
__version__ = "0.1.0"
