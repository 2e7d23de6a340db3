"""The HTTP side of a process: which address answers with what."""

import asyncio
from collections.abc import Callable, Sequence

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from rowbell.api import answers, pages, websocket
from rowbell.api.auth import Gate
from rowbell.api.http import GraphQLOverHTTP
from rowbell.api.limits import Limits
from rowbell.api.metrics import MetricsPage
from rowbell.api.operations import Operations
from rowbell.api.origins import Origins
from rowbell.api.page_files import PageFiles
from rowbell.api.subscriptions import Watch
from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import RowbellError
from rowbell.measures import measures

ALIVE_SECONDS = 2.0
"""How long PostgreSQL may take to answer a readiness check."""

NO_STORE = {"Cache-Control": "no-store"}


def create_app(
    database: Database,
    watch: Watch,
    gate: Gate,
    *,
    readiness: Callable[[], str | None],
    limits: Limits | None = None,
    origins: Sequence[str] = (),
    graphiql: bool = True,
    metrics: MetricsPage | None = None,
) -> Starlette:
    """The ASGI application. `readiness` returns None when ready, else a sentence.

    Its `state.lobby` is who has to leave before the process ends.
    """
    operations = Operations(database, watch, gate, limits or Limits())
    allowed = Origins(origins)

    async def serve_socket(socket: WebSocket) -> None:
        await websocket.serve(socket, operations, allowed)

    async def tell_readiness(_: Request) -> Response:
        reason = readiness() or await _reason_of(database)
        if reason is None:
            return PlainTextResponse("ready\n", headers=NO_STORE)
        return _json({"ready": False, "reason": reason}, 503)

    page = pages.graphiql_page() if graphiql else None
    dashboard = PageFiles()
    files = pages.VendoredFiles(directory=pages.HERE / "graphiql")
    graphql = GraphQLOverHTTP(operations, allowed, page)
    app = _Application(
        routes=[
            Route("/", dashboard, methods=["GET"]),
            Route("/dashboard/{file:path}", dashboard, methods=["GET"]),
            WebSocketRoute("/graphql", serve_socket),
            *([Mount("/graphiql", files)] if graphiql else []),
            Route("/healthz", _tell_health),
            Route("/readyz", tell_readiness),
            *([Route("/metrics", metrics.serve)] if metrics else []),
        ],
        middleware=[Middleware(pages.SecurityHeaders)],
        exception_handlers={HTTPException: _refuse, Exception: _apologise},
    )
    app.graphql = graphql
    app.state.lobby = operations.lobby
    app.state.limits = operations.limits
    return app


class _Application(Starlette):
    """Nearly all requests go to one address: straight there, they cost a third less."""

    graphql: GraphQLOverHTTP

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        measures.requests += scope["type"] == "http"
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _tell_health(_: Request) -> Response:
    return PlainTextResponse("alive\n", headers=NO_STORE)


async def _reason_of(database: Database) -> str | None:
    """Why PostgreSQL does not serve; None if it does."""
    try:
        async with asyncio.timeout(ALIVE_SECONDS):
            await overview.is_alive(database)
    except TimeoutError:
        return f"PostgreSQL did not answer within {ALIVE_SECONDS:g} s."
    except RowbellError:
        return "PostgreSQL is not available."
    return None


class NoSuchAddress(RowbellError):
    code = "NOT_FOUND"
    status = 404


class NoSuchMethod(RowbellError):
    code = "METHOD_NOT_ALLOWED"
    status = 405


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        problem: Exception = NoSuchMethod(f"{request.method} is not served here.", hint="Use GET.")
    elif status < 500:
        problem = NoSuchAddress("nothing is served at this address.", hint="Begin at /.")
    else:
        problem = error
    headers = getattr(error, "headers", None) or {}
    return _json(answers.of_failure(problem), status, headers)


async def _apologise(_: Request, error: Exception) -> Response:
    return _json(answers.of_failure(error), 500)


def _json(value: object, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        headers={**NO_STORE, **(headers or {})},
        media_type="application/json",
    )
