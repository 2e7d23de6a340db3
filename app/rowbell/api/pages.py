"""What browsers get: the welcome page, GraphiQL, and headers that keep foreign code out."""

import base64
import re
from hashlib import sha256
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

_YEAR = "public, max-age=31536000, immutable"
_VERSIONED = re.compile(r"-[0-9]+\.[0-9]+\.[0-9]+\.")


def graphiql_page() -> Response:
    return _page(HERE / "graphiql" / "index.html", GRAPHIQL)


def welcome_page() -> Response:
    place = HERE / "welcome.html"
    style = re.search(r"<style>(.*?)</style>", place.read_text(encoding="utf-8"), re.DOTALL)
    digest = base64.b64encode(sha256(style[1].encode() if style else b"").digest()).decode()
    return _page(place, f"{NOTHING}; style-src 'sha256-{digest}'; img-src data:")


def _page(place: Path, policy: str) -> Response:
    headers = {
        **SecurityHeaders.HEADERS,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    return HTMLResponse(place.read_text(encoding="utf-8"), headers=headers)


class VendoredFiles(StaticFiles):
    """Files whose names carry a version never change; the others are asked for anew."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _YEAR if _VERSIONED.search(path) else "no-cache"
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
