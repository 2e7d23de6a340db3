"""A connection that is kept for the next request."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from clients.services import Services

CLIENTS_KEEP_SECONDS = 5.0
"""As httpx does, and uvicorn unless told otherwise."""


def test_a_connection_is_kept_for_longer_than_its_client_keeps_it(standing: Services) -> None:
    connection = http.client.HTTPConnection(urlsplit(standing.addresses[0]).netloc, timeout=60)
    headers = {"content-type": "application/json", "accept": "application/json"}
    connection.request("POST", "/graphql", json.dumps({"query": "{ __typename }"}), headers)
    assert connection.getresponse().read()
    kept = connection.sock
    assert isinstance(kept, socket.socket)
    kept.settimeout(CLIENTS_KEEP_SECONDS + 1)
    with pytest.raises(TimeoutError):  # nothing comes, and not its end
        kept.recv(1)
    connection.close()
