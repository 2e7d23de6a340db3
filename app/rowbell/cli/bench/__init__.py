"""`rowbell bench`: how soon a row runs, and how many run in a second, on the configured database.

commands: what is typed · latency, drain, enqueue, inserts, listeners, sustained, bulk, snapshot,
idle, cpu: the measurements · worker, herd: processes with workers · inserter, paced, clients:
processes that insert · rounds: legs in turns, medians · server_cpu: what PostgreSQL used ·
load, kinds: what is run · ground: rows and workers before and after
"""
