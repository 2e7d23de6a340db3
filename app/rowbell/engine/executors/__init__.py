"""Where handlers run: on the event loop, in a thread, in a process. An attempt does not know which.

executor: the one shape · call: one run of a handler · loop, threads, processes: the three places
· process: one process as this side sees it · child: what runs in it
"""
