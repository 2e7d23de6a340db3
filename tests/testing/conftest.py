"""The example is a project of its own: test_example.py runs its tests."""

collect_ignore = ["example"]
