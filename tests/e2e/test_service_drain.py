"""SIGTERM, as clients of the API see it."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from deadline import DEADLINE_SECONDS
from e2e.service import Service


@pytest.fixture
def service(home: Path) -> "Service":
    return Service("serve", home=home)


async def test_a_subscriber_is_sent_away_with_1012_while_a_query_is_still_answered(
    service: Service,
) -> None:
    address = await asyncio.to_thread(lambda: service.address)
    url = address.replace("http", "ws", 1) + "/graphql"
    try:
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            httpx.AsyncClient(base_url=address, timeout=DEADLINE_SECONDS) as http,
            connect(url, subprotocols=["graphql-transport-ws"]) as socket,  # type: ignore[list-item]
        ):
            await socket.send('{"type": "connection_init"}')
            await socket.recv()
            await socket.send(
                json.dumps(
                    {
                        "type": "subscribe",
                        "id": "1",
                        "payload": {"query": "subscription { taskAdded { id } }"},
                    }
                )
            )
            sleep = (
                'mutation { executeTask(input: {kind: "sleep", payload: {seconds: 2}},'
                " waitSeconds: 20) { status } }"
            )
            asking = asyncio.create_task(http.post("/graphql", json={"query": sleep}))
            await socket.recv()  # the task that was added
            service.process.terminate()
            with pytest.raises(ConnectionClosed):
                while True:
                    await socket.recv()
            assert socket.close_code == 1012
            assert (await asking).json()["data"]["executeTask"]["status"] == "COMPLETED"
    finally:
        assert await asyncio.to_thread(service.stop) == 0
