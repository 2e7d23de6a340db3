"""`rowbell bench`: how soon a row runs, and how many run in a second, on the configured database.

commands: what is typed · latency, drain: the two measurements · worker, inserter: processes of
their own · load, kinds: what is run · ground: rows and workers before and after
"""
