"""The kinds of hostile requests, and the client that sends them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

AT_ONCE = 32
PATIENCE_SECONDS = 10.0


def _request(body: bytes, *, length: int | None = None, headers: bytes = b"") -> bytes:
    return (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%b"
        b"Content-Length: %d\r\n\r\n%b" % (headers, len(body) if length is None else length, body)
    )


def _query(query: str, variables: object = None) -> bytes:
    return _request(orjson.dumps({"query": query, "variables": variables}))


def _fragments(count: int) -> str:
    chain = "".join(
        f" fragment F{n} on Task {{ id ...F{n + 1} ...F{n + 1} }}" for n in range(count)
    )
    return f"{{ task(id: 1) {{ ...F0 }} }}{chain} fragment F{count} on Task {{ id }}"


def _flat_fragments(count: int) -> str:
    spreads = " ".join(f"...F{n}" for n in range(count))
    each = "".join(f" fragment F{n} on Task {{ id }}" for n in range(count))
    return f"{{ task(id: 1) {{ {spreads} }} }}{each}"


def _upgrade(rest: bytes) -> bytes:
    return (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n" + rest
    )


def _frame(data: bytes, opcode: int = 0x81) -> bytes:
    """Masked with zeros."""
    length = len(data)
    if length < 126:
        return bytes([opcode, 0x80 | length]) + bytes(4) + data
    return bytes([opcode, 0xFF]) + length.to_bytes(8, "big") + bytes(4) + data


def _message(kind: str, **rest: object) -> bytes:
    return _frame(orjson.dumps({"type": kind, **rest}))


_INIT = _message("connection_init")
_WIDE = (
    '{ "query": "mutation ($x: JSON) { createTask(input: {payload: $x}) { id } }", "variables": '
)
_BATCH = "mutation ($i: [TaskInput!]!) { createTasks(inputs: $i) { id } }"
_DEEP_SCHEMA = "{ __schema " + "{ types { fields { type " * 6 + "{ name }" + "} } }" * 6 + " }"


def _wide(count: int) -> bytes:
    return _request((_WIDE + '{"x": [' + "1," * count + "1]}}").encode())


@dataclass(frozen=True, slots=True)
class Attack:
    """One request; `stays`: its client then neither reads nor leaves, until it is thrown out."""

    data: Callable[[], bytes]
    stays: bool = False


ATTACKS: dict[str, Attack] = {
    "deep": Attack(lambda: _query("{ a" * 400 + " }" * 400)),
    "deeper": Attack(lambda: _query("{ a" * 20_000 + " }" * 20_000)),
    "deep_list": Attack(lambda: _query("{ task(id: " + "[" * 900 + "]" * 900 + ") { id } }")),
    "aliases": Attack(lambda: _query("{" + "".join(f"a{n}:__typename " for n in range(330)) + "}")),
    "tokens": Attack(lambda: _query("{" + " a" * 45_000 + "}")),
    "same_field": Attack(lambda: _query("{ task(id: 1) {" + " id" * 980 + "} }")),
    "spread_bomb": Attack(lambda: _query(_fragments(45))),
    "many_fragments": Attack(lambda: _query(_flat_fragments(50))),
    "fragment_cycle": Attack(
        lambda: _query("{ task(id: 1) { ...A } } fragment A on Task { ...B } fragment B on Task"
                       " { ...A }")
    ),
    "introspection": Attack(lambda: _query(_DEEP_SCHEMA)),
    "introspections": Attack(
        lambda: _query("{" + "".join(f"a{n}: __schema {{ types {{ name fields {{ name }} }} }} "
                                     for n in range(20)) + "}")
    ),
    "cost": Attack(
        lambda: _query("query ($n: Int) {" + "".join(
            f"a{n}: tasks(first: $n) {{ nodes {{ id queue {{ paused }} }} }} " for n in range(19)
        ) + "}", {"n": 100})
    ),
    "long_string": Attack(lambda: _query('{ task(id: "' + "x" * 900_000 + '") { id } }')),
    "comment": Attack(lambda: _query("#" + "x" * 99_000 + "\n{ __typename }")),
    "escapes": Attack(lambda: _query('{ task(id: "' + "\\n" * 49_000 + '") { id } }')),
    "unknown_fields": Attack(lambda: _query("{" + "".join(f" x{n}" for n in range(20)) + "}")),
    "errors": Attack(lambda: _query(_BATCH, {"i": [{"kind": n} for n in range(9_000)]})),
    "inputs": Attack(lambda: _query(_BATCH, {"i": [{"kind": "x" * 60} for _ in range(5_000)]})),
    "wide_variables": Attack(lambda: _wide(500_000)),
    "wide_payload": Attack(lambda: _wide(19_000)),
    "deep_variables": Attack(
        lambda: _request((_WIDE + '{"x": ' + "[" * 500_000 + "]" * 500_000 + "}}").encode())
    ),
    "number": Attack(lambda: _request((_WIDE + '{"x": ' + "9" * 100_000 + "}}").encode())),
    "bad_utf8": Attack(lambda: _request(b'{"query": "{ \xff\xfe }"}')),
    "surrogate": Attack(lambda: _request(b'{"query": "{ a }", "variables": {"a": "\\ud800"}}')),
    "nul": Attack(
        lambda: _query('mutation { createTask(input: {description: "\\u0000"}) { id } }')
    ),
    "no_json": Attack(lambda: _request(b"{" * 100_000)),
    "batch": Attack(lambda: _request(orjson.dumps([{"query": "{ __typename }"}] * 10_000))),
    "huge_body": Attack(lambda: _request(b" " * 2_000_000)),
    "huge_head": Attack(lambda: b"GET /graphql?query=" + b"x" * 300_000 + b" HTTP/1.1\r\n\r\n"),
    "no_http": Attack(lambda: bytes(range(256)) * 100),
    "slow_body": Attack(lambda: _request(b'{"query"', length=100), stays=True),
    "deaf": Attack(lambda: _request(orjson.dumps({"query": "subscription { taskAdded { id } }"}),
                                    headers=b"Accept: text/event-stream\r\n")),
    "ws_huge_frame": Attack(lambda: _upgrade(_INIT + _frame(b"x" * 2_000_000))),
    "ws_announced_frame": Attack(lambda: _upgrade(_INIT + b"\x81\xff" + b"\x7f" * 12)),
    "ws_fragments": Attack(
        lambda: _upgrade(_INIT + _frame(b"", 0x01) + _frame(b"", 0x00) * 3_000)
    ),
    "ws_bad_utf8": Attack(lambda: _upgrade(_INIT + _frame(b"\xff\xfe"))),
    "ws_no_init": Attack(lambda: _upgrade(b""), stays=True),
    "ws_deep": Attack(lambda: _upgrade(_INIT + _frame(b"[" * 100_000))),
    "ws_subscribe": Attack(
        lambda: _upgrade(_INIT + b"".join(
            _message("subscribe", id=str(n), payload={"query": "subscription { taskAdded { id } }"})
            for n in range(150)
        ))
    ),
}  # fmt: skip


async def attack(address: str, kind: str, requests: int) -> Counter[str]:
    """What was answered: statuses, or how it ended otherwise."""
    wanted = ATTACKS[kind]
    data = wanted.data()
    answers: Counter[str] = Counter()
    numbers = iter(range(requests))

    async def work() -> None:
        for _ in numbers:
            answers[await _one(address, data, stays=wanted.stays)] += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE if not wanted.stays else 500)))
    return answers


async def _one(address: str, data: bytes, *, stays: bool) -> str:
    place = urlsplit(address)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            try:
                writer.write(data)
                first = await reader.read(65_536)
                if stays and b" 101 " in first:
                    first += await reader.read()
                return first[9:12].decode("latin-1") or "closed"
            finally:
                writer.transport.abort()
    except TimeoutError:
        return "no answer"
    except OSError:
        return "cut off"
