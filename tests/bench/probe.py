"""How long a process lets others wait, asked from outside: `python -m bench.probe ADDRESS`.

Asks for /healthz again and again until its standard input ends; prints the longest wait in seconds
since the last line that it was sent.
"""

import http.client
import sys
import threading
import time
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.002


def main(address: str) -> None:
    place = urlsplit(address)
    longest = 0.0
    ended = threading.Event()

    def report() -> None:
        nonlocal longest
        for _ in sys.stdin:
            print(longest, flush=True)
            longest = 0.0
        ended.set()

    threading.Thread(target=report, daemon=True).start()
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    while not ended.is_set():
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        longest = max(longest, time.perf_counter() - began)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
