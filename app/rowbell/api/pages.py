"""What browsers get: the operations page, GraphiQL, and headers that keep foreign code out."""

import base64
import re
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
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

DASHBOARD = (
    "default-src 'none'; script-src 'self' {importmap}; style-src 'self'; connect-src 'self';"
    # Text is rendered as text: no string may become markup or code.
    " img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_YEAR = "public, max-age=31536000, immutable"
_VERSIONED = re.compile(r"-[0-9]+\.[0-9]+\.[0-9]+[./]")
# Whatever the machine's own tables say: with another type, and nosniff, no browser runs a module.
_SCRIPTS = (".js", ".mjs")


def graphiql_page() -> Response:
    return HTMLResponse((HERE / "graphiql" / "index.html").read_bytes(), headers=_headers(GRAPHIQL))


class DashboardPage:
    """The ASGI application at /: the operations page, whose files are beside it."""

    def __init__(self) -> None:
        text = (HERE / "dashboard" / "index.html").read_text(encoding="utf-8")
        # The map of module names is the one script that browsers take from the page alone.
        inline = re.search(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)
        digest = base64.b64encode(sha256(inline[1].encode() if inline else b"").digest()).decode()
        self._body = text.encode()
        self._headers = _headers(DASHBOARD.format(importmap=f"'sha256-{digest}'"))
        self._headers["ETag"] = f'"{sha256(self._body).hexdigest()[:32]}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = Request(scope).headers.get("if-none-match", "")
        if self._headers["ETag"] in known:
            await Response(status_code=304, headers=self._headers)(scope, receive, send)
        else:
            await HTMLResponse(self._body, headers=self._headers)(scope, receive, send)


def _headers(policy: str) -> dict[str, str]:
    return {
        **SecurityHeaders.HEADERS,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }


class VendoredFiles(StaticFiles):
    """Files whose names carry a version never change; the others are asked for anew."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _YEAR if _VERSIONED.search(path) else "no-cache"
        if path.endswith(_SCRIPTS):
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
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
