"""`rowbell token`: a token is made, used against a running service, listed and revoked."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deadline import DEADLINE_SECONDS
from e2e.command_line import CommandLine
from e2e.service import Service
from postgres import Server

WHO = {"query": "{ viewer { subject role audiences } }"}


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    return servers("packaged")


@pytest.fixture
def rowbell(database_url: str) -> CommandLine:
    return CommandLine(database_url)


def ask(address: str, secret: str) -> httpx.Response:
    return httpx.post(
        f"{address}/graphql",
        json=WHO,
        headers={"Authorization": f"Bearer {secret}"},
        timeout=DEADLINE_SECONDS,
    )


def test_a_token_opens_the_service_until_it_is_revoked(
    rowbell: CommandLine, database_url: str, tmp_path: Path
) -> None:
    secret = rowbell.says("token", "create", "the shop", "--role", "producer", "--subject", "shop",
                          "--audience", "ops", "--audience", "dev").strip()  # fmt: skip
    assert secret.startswith("rbt_")
    assert len(secret) == 47
    service = Service("api", home=tmp_path, database_url=database_url, host="0.0.0.0")  # noqa: S104
    try:
        address = service.address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        answer = ask(address, secret)
        assert answer.json()["data"]["viewer"] == {
            "subject": "shop",
            "role": "PRODUCER",
            "audiences": ["dev", "ops"],
        }
        with connect(
            address.replace("http", "ws") + "/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            additional_headers={"Authorization": f"Bearer {secret}"},
        ) as socket:
            socket.send('{"type": "connection_init"}')
            assert "connection_ack" in socket.recv(timeout=DEADLINE_SECONDS)
            assert rowbell.says("token", "revoke", "1") == "Token 1 is revoked.\n"
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=DEADLINE_SECONDS)
            assert socket.protocol.close_code == 4401
        assert ask(address, secret).status_code == 401
        assert secret not in service.log()
    finally:
        assert service.stop() == 0


def test_tokens_are_listed_without_secrets(rowbell: CommandLine) -> None:
    made = rowbell.tells("token", "create", "shop", "--role", "reader", "--expires-in", "never")
    rowbell.says("token", "create", "old", "--role", "admin", "--expires-in", "2h")
    rowbell.says("token", "revoke", "2")
    listed = rowbell.tells("token", "ls")
    assert [(line["name"], line["state"], line["role"]) for line in listed] == [
        ("old", "revoked", "admin"),
        ("shop", "valid", "reader"),
    ]
    assert listed[1]["expires_at"] is None
    table = rowbell.says("token", "ls")
    assert "shop" in table
    assert made["token"] not in table + str(listed)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "a", "--role", "chef"), "admin"),
        (("create", "a", "--role", "reader", "--expires-in", "soon"), "no duration"),
        (("create", "a", "--role", "reader", "--expires-in", "0s"), "cannot live"),
        (("create", "a", "--role", "reader", "--expires-in", "40000d"), "36500d"),
        (("create", "", "--role", "reader"), "1 to 200"),
        (("create", "a", "--role", "reader", "--audience", "x" * 9_000), "audiences"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    rowbell: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    done = rowbell.run("token", *arguments)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert done.stdout == ""


def test_a_token_that_is_not_there_cannot_be_revoked(rowbell: CommandLine) -> None:
    assert "token 7" in rowbell.refuses("token", "revoke", "7", code=1)


def test_serve_without_credentials_refuses_an_address_that_others_reach(
    rowbell: CommandLine,
) -> None:
    said = rowbell.refuses("api", "--host", "0.0.0.0", "--port", "0", code=2)  # noqa: S104
    assert "rowbell token create" in said
    assert "ROWBELL_OPEN" in said


def test_the_greeting_says_that_it_is_open(tmp_path: Path, database_url: str) -> None:
    service = Service("api", home=tmp_path, database_url=database_url)
    try:
        assert "open to" in service.greeting()
        service.wait_for("api.open", host="127.0.0.1")
    finally:
        service.stop()
