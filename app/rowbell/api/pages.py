"""What browsers get: GraphiQL, and headers that keep foreign code out."""

import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = Path(__file__).parent

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For answers that no browser should run anything of."""

GRAPHIQL = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    # CodeMirror, the editor in GraphiQL, positions its lines by style attributes, and its fonts
    # lie in the stylesheet.
    " style-src 'self' 'unsafe-inline'; font-src 'self' data:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

YEAR = "public, max-age=31536000, immutable"
_VERSIONED = re.compile(r"-[0-9]+\.[0-9]+\.[0-9]+[./]")


def is_versioned(path: str) -> bool:
    """A file, or a folder above it, whose name carries a version never changes."""
    return _VERSIONED.search(path) is not None


def graphiql_page() -> Response:
    headers = {
        **SecurityHeaders.HEADERS,
        "Content-Security-Policy": GRAPHIQL,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    return HTMLResponse((HERE / "graphiql" / "index.html").read_bytes(), headers=headers)


class VendoredFiles(StaticFiles):
    """Files whose names carry a version never change; the others are asked for anew."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = YEAR if is_versioned(path) else "no-cache"
        return response


class SecurityHeaders:
    """Middleware: on every answer, unless it has its own."""

    HEADERS = {  # noqa: RUF012
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": NOTHING,
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in self.HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
