"""Fixtures of the tests of faults: the engine of the integration tests."""

from integration.conftest import start_engine, tasks

__all__ = ["start_engine", "tasks"]
