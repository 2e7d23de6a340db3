"""The operations page and its files, from memory: a visit asks for dozens of them at once."""

import base64
import gzip
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rowbell.api.pages import HERE, YEAR, is_versioned

FOLDER = HERE / "dashboard"

POLICY = (
    "default-src 'none'; script-src 'self' '{importmap}'; style-src 'self'; connect-src 'self';"
    # Text is rendered as text: no string may become markup or code.
    " img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/markdown; charset=utf-8",
    "": "text/plain; charset=utf-8",  # LICENSE
}
"""Not those of the machine: with another type, and nosniff, no browser runs a module."""


@dataclass(frozen=True)
class File:
    """A file as it was when the process began."""

    body: bytes
    headers: dict[str, str]

    @cached_property
    def small(self) -> bytes:
        return gzip.compress(self.body)

    def answer(self, request: Request) -> Response:
        if self.headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=self.headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.body, headers=self.headers)
        return Response(self.small, headers={**self.headers, "Content-Encoding": "gzip"})


class PageFiles:
    """The ASGI application at / and below /dashboard/."""

    def __init__(self) -> None:
        self._files = {
            name: _read(place, name)
            for place in FOLDER.rglob("*")
            if place.suffix in TYPES and place.is_file()
            for name in [place.relative_to(FOLDER).as_posix()]
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope.get("path_params", {}).get("file", "index.html")
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        await file.answer(Request(scope))(scope, receive, send)


def _read(place: Path, name: str) -> File:
    body = place.read_bytes()
    headers = {
        "Content-Type": TYPES[place.suffix],
        "Cache-Control": YEAR if is_versioned(name) else "no-cache",
        "ETag": f'W/"{sha256(body).hexdigest()[:32]}"',  # weak: of both encodings
        "Vary": "Accept-Encoding",
    }
    if place.suffix == ".html":
        headers["Content-Security-Policy"] = _policy(body)
    return File(body, headers)


def _policy(page: bytes) -> str:
    """The map of module names is the one script that browsers take from within the page."""
    inline = re.search(rb'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(sha256(inline[1] if inline else b"").digest()).decode()
    return POLICY.format(importmap=f"sha256-{digest}")
