"""Answers of /graphql, written with no more than they need: they are most of what is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from rowbell.api.pages import SecurityHeaders

_FIXED = [
    (name.lower().encode(), value.encode())
    for name, value in {
        **SecurityHeaders.HEADERS,
        "Cache-Control": "no-store",
        "Vary": "Accept, Origin",
    }.items()
]


@dataclass(slots=True)
class Reply:
    """An ASGI application that sends one answer."""

    body: bytes
    status: int
    form: str
    headers: Mapping[str, str]

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status, "headers": self._head()}
        await send(head)
        await send({"type": "http.response.body", "body": self.body})

    def _head(self) -> list[tuple[bytes, bytes]]:
        own = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()
        ]
        names = {name for name, _ in own}
        return [
            (b"content-type", f"{self.form}; charset=utf-8".encode()),
            (b"content-length", b"%d" % len(self.body)),
            *own,
            *(each for each in _FIXED if each[0] not in names),
        ]
