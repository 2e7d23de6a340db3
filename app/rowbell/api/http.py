"""GraphQL over HTTP: POST for all, GET for queries, streams for who accepts them, and the page.

Follows https://graphql.github.io/graphql-over-http/: with application/graphql-response+json the
status says whether the request was carried out, with application/json it is 200 once the request
was understood.
"""

from dataclasses import dataclass, field

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rowbell.api import answers, bodies, requests
from rowbell.api.context import payer_of
from rowbell.api.credentials import challenge
from rowbell.api.documents import DocumentRefused
from rowbell.api.event_stream import EventStream
from rowbell.api.limits import LimitExceeded
from rowbell.api.negotiation import GRAPHQL, HTML, JSON, STREAM, choose, names
from rowbell.api.operations import MANY_BYTES, Operations, Prepared
from rowbell.api.origins import Origins
from rowbell.api.replies import Reply
from rowbell.api.requests import BadRequest, GraphQLRequest
from rowbell.errors import RowbellError, Unauthenticated

READS = ("GET", "HEAD")
_NEWER_FIRST = (GRAPHQL, JSON, STREAM)
_OLDER_FIRST = (JSON, GRAPHQL, STREAM)


@dataclass(slots=True)
class _Form:
    """The form of the answer, and what its head says besides."""

    name: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class GraphQLOverHTTP:
    """The ASGI application at /graphql. `page` is what a browser gets; None: nothing."""

    def __init__(self, operations: Operations, origins: Origins, page: Response | None) -> None:
        self._operations = operations
        self._origins = origins
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._respond(Request(scope, receive))
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        form = _Form(headers=self._origins.headers(request.headers))
        try:
            return await self._serve(request, form)
        except DocumentRefused as refused:
            if form.name == STREAM:
                return self._refusing(refused, request, form)
            return _answer(answers.of_failure(refused), 400 if form.name == GRAPHQL else 200, form)
        except RowbellError as error:
            form.headers |= _headers(request, error)
            if form.name == STREAM and error.status == 400 and not isinstance(error, BadRequest):
                return self._refusing(error, request, form)
            return _answer(answers.of_failure(error), error.status, form)
        except ClientDisconnect:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            return _answer(answers.of_failure(failure), 500, form)

    async def _serve(self, request: Request, form: _Form) -> ASGIApp:
        """Raises DocumentRefused, RowbellError, ClientDisconnect."""
        preflight = self._origins.preflight(request.headers)
        if request.method == "OPTIONS" and preflight:
            return preflight
        form.name = self._choose_form(request)
        if form.name == HTML and self._page:
            return self._page
        await self._operations.gate.admit(request)
        form.headers |= self._operations.rates.spend(payer_of(request))
        prepared = await self._operations.prepare(await self._read(request))
        _check_operation(prepared, request, form)
        if form.name == STREAM:
            return EventStream(self._operations, request, form.headers, prepared)
        return await self._carry_out(prepared, request, form)

    def _choose_form(self, request: Request) -> str:
        """Raises BadRequest for methods and forms that are not served."""
        if request.method not in (*READS, "POST"):
            raise BadRequest(
                f"{request.method} is not served here.", hint="Use POST, or GET.", status=405
            )
        accepted = _accepted(request)
        # Who does not ask for the newer form by its name may not know its statuses.
        offers: tuple[str, ...] = _NEWER_FIRST if names(accepted, GRAPHQL) else _OLDER_FIRST
        if request.method in READS and self._page:
            offers = (*offers, HTML)
        form = choose(accepted, offers)
        if form is None:
            raise BadRequest(
                "no form of answer that you accept is served.",
                hint=f"Accept {GRAPHQL}, {JSON}, or {STREAM} for subscriptions.",
                status=406,
            )
        return form

    async def _read(self, request: Request) -> GraphQLRequest:
        """Raises BadRequest, BodyTooLarge, BodyTooSlow, ClientDisconnect."""
        if request.method in READS:
            return requests.from_parameters(request.query_params)
        bodies.check_content_type(request.headers.get("content-type", ""))
        body = await bodies.read(request, self._operations.limits)
        if len(body) < MANY_BYTES:
            return requests.from_json(body)
        async with self._operations.turns.turn():
            return requests.from_json(body)

    async def _carry_out(self, prepared: Prepared, request: Request, form: _Form) -> Reply:
        """Raises OperationTimeout."""
        result = await self._operations.execute(prepared, request)
        refused = form.name == GRAPHQL and answers.is_refused(result)
        return _answer(answers.of_result(result), 400 if refused else 200, form)

    def _refusing(self, failure: Exception, request: Request, form: _Form) -> ASGIApp:
        """Who accepts a stream alone hears of what is wrong with the query by an event."""
        return EventStream(self._operations, request, form.headers, answers.of_failure(failure))


def _check_operation(prepared: Prepared, request: Request, form: _Form) -> None:
    """Raises BadRequest."""
    if prepared.kind == OperationType.SUBSCRIPTION:
        # Who accepts several forms, as urql does, means the stream for subscriptions alone.
        if not names(_accepted(request), STREAM):
            raise BadRequest(
                "a subscription needs a WebSocket, or a stream.",
                hint="Connect to this address with the subprotocol graphql-transport-ws, or send"
                f" Accept: {STREAM}.",
            )
        form.name = STREAM
    if prepared.kind == OperationType.MUTATION and request.method in READS:
        raise BadRequest("a GET changes nothing.", hint="Send mutations by POST.", status=405)


def _accepted(request: Request) -> str:
    return ", ".join(request.headers.getlist("accept"))


def _headers(request: Request, error: RowbellError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return challenge(error, request)
    if isinstance(error, LimitExceeded):
        return error.headers
    if error.status == 405:
        return {"Allow": "POST" if request.method in READS else "GET, POST"}
    return {"Retry-After": "1"} if error.status == 503 else {}


def _answer(answer: answers.Answer, status: int, form: _Form) -> Reply:
    media = JSON if form.name in (STREAM, HTML) else form.name
    return Reply(orjson.dumps(answer), status, media, form.headers)
