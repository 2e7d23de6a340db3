"""What `rowbell doctor` asks a database: one module a check, and none of them changes anything.

A check takes a Patient and returns an Answer; it has a deadline, which the caller keeps.
"""
