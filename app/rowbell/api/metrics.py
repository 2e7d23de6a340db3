"""/metrics: who may read it, and the small server of a process that has no API."""

import hmac
from collections.abc import Callable

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rowbell.api import answers
from rowbell.api.auth import Gate
from rowbell.api.credentials import bearer, challenge
from rowbell.api.limits import Limits
from rowbell.api.lobby import Lobby
from rowbell.config import Settings
from rowbell.errors import ConfigurationError, Forbidden, RowbellError, Unauthenticated
from rowbell.metrics import Metrics
from rowbell.viewer import Role

NO_STORE = {"Cache-Control": "no-store"}


class MetricsPage:
    """Answers scrapes. With a gate its rules hold; a token of its own lets in, too."""

    def __init__(self, metrics: Metrics, token: str | None, gate: Gate | None = None) -> None:
        self._metrics = metrics
        self._token = token
        self._gate = gate

    async def serve(self, request: Request) -> Response:
        try:
            await self._admit(request)
        except RowbellError as error:
            headers = challenge(error, request) if isinstance(error, Unauthenticated) else {}
            return _json(answers.of_failure(error), error.status, headers)
        body, media = await self._metrics.text(request.headers.get("accept", ""))
        return Response(body, headers={**NO_STORE, "Content-Type": media})

    async def _admit(self, request: Request) -> None:
        """Raises Unauthenticated, Forbidden, Unavailable."""
        is_open = self._gate.is_open if self._gate else True
        if self._token is None and is_open:
            return
        given = bearer(request)
        if self._token and hmac.compare_digest(given.encode(), self._token.encode()):
            return
        if self._gate is None or is_open:
            raise Unauthenticated("this is not the token of ROWBELL_METRICS_TOKEN.")
        admission = await self._gate.admit(request)
        if not admission.viewer.role.covers(Role.OPERATOR):
            raise Forbidden(
                f"/metrics needs the role {Role.OPERATOR}; yours is {admission.viewer.role}.",
                hint="Use ROWBELL_METRICS_TOKEN, or a token with that role.",
            )


def metrics_app(page: MetricsPage, readiness: Callable[[], str | None]) -> Starlette:
    """What a worker without an API serves at ROWBELL_METRICS_PORT."""

    async def tell_health(_: Request) -> Response:
        return PlainTextResponse("alive\n", headers=NO_STORE)

    async def tell_readiness(_: Request) -> Response:
        reason = readiness()
        if reason is None:
            return PlainTextResponse("ready\n", headers=NO_STORE)
        return _json({"ready": False, "reason": reason}, 503)

    app = Starlette(
        routes=[
            Route("/metrics", page.serve),
            Route("/healthz", tell_health),
            Route("/readyz", tell_readiness),
        ]
    )
    app.state.limits = Limits()
    app.state.lobby = Lobby(app.state.limits.sockets)
    return app


def check_access(settings: Settings) -> None:
    """Raises ConfigurationError if strangers could read the metrics of a worker."""
    if not (settings.listens_on_loopback() or settings.metrics_token or settings.open):
        raise ConfigurationError(
            f"anybody who reaches {settings.host}:{settings.metrics_port} could read the metrics.",
            hint="Set ROWBELL_METRICS_TOKEN, or ROWBELL_HOST=127.0.0.1; ROWBELL_OPEN=true lets"
            " anybody in.",
        )


def _json(value: object, status: int, headers: dict[str, str] | None = None) -> Response:
    form = "application/json"
    return Response(orjson.dumps(value), status, {**NO_STORE, **(headers or {})}, form)
