"""The chaos run: real workers on a real PostgreSQL, broken at random; then the questions.

`make chaos` runs it for long, tests/faults/test_chaos.py for short. What it goes by is written
where no fault reaches it: handlers write to a file of their process (`record`), producers keep in
memory which inserts were committed (`ledger`), a trigger of its own notes every change of a status
in the transaction that makes it (`audit.sql`), and a connection of its own samples what runs
(`watch`).
"""
