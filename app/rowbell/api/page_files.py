"""The operations page and its files, from memory: a visit asks for dozens of them at once."""

import base64
import gzip
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import PurePosixPath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rowbell.api.pages import HERE, YEAR, is_versioned

FOLDER = HERE / "dashboard"
PAGE = "index.html"
STYLES = "styles.css"
_STYLESHEETS = re.compile(rb'(?:<link rel="stylesheet" href="dashboard/[^"]+">\s*)+')

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
    """The ASGI application at / and below /dashboard/.

    The page names its files below a folder with the digest of all of them, dashboard/DIGEST/: a
    browser that has them asks for none again, and one that has those of another version for all.
    Nothing is painted before every style is there, so they come as one file.
    """

    def __init__(self) -> None:
        bodies = {
            place.relative_to(FOLDER).as_posix(): place.read_bytes()
            for place in sorted(FOLDER.rglob("*"))
            if place.suffix in TYPES and place.is_file()
        }
        digest = sha256(b"".join(bodies.values())).hexdigest()[:16]
        page, bodies[STYLES] = _with_one_stylesheet(bodies.pop(PAGE), bodies)
        page = page.replace(b"dashboard/", f"dashboard/{digest}/".encode())
        self._files = {PAGE: _file(PAGE, page)}
        for name, body in bodies.items():
            self._files[name] = _file(name, body)
            self._files[f"{digest}/{name}"] = _file(name, body, lasting=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope.get("path_params", {}).get("file", PAGE)
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        await file.answer(Request(scope))(scope, receive, send)


def _file(name: str, body: bytes, *, lasting: bool = False) -> File:
    suffix = PurePosixPath(name).suffix
    headers = {
        "Content-Type": TYPES[suffix],
        "Cache-Control": YEAR if lasting or is_versioned(name) else "no-cache",
        "ETag": f'W/"{sha256(body).hexdigest()[:32]}"',  # weak: of both encodings
        "Vary": "Accept-Encoding",
    }
    if suffix == ".html":
        headers["Content-Security-Policy"] = _policy(body)
    return File(body, headers)


def _with_one_stylesheet(page: bytes, bodies: dict[str, bytes]) -> tuple[bytes, bytes]:
    """The page with one link for all that it has, and what that is to."""
    names = re.findall(r'<link rel="stylesheet" href="dashboard/([^"]+)">', page.decode())
    one = f'<link rel="stylesheet" href="dashboard/{STYLES}">\n'.encode()
    return _STYLESHEETS.sub(one, page), b"\n".join(bodies[name] for name in names)


def _policy(page: bytes) -> str:
    """The map of module names is the one script that browsers take from within the page."""
    inline = re.search(rb'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(sha256(inline[1] if inline else b"").digest()).decode()
    return POLICY.format(importmap=f"sha256-{digest}")
