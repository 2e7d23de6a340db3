"""GraphQL over HTTP: POST for all but subscriptions, GET for queries, and the page for browsers.

Follows https://graphql.github.io/graphql-over-http/: with application/graphql-response+json the
status says whether the request was carried out, with application/json it is 200 once the request
was understood.
"""

from collections.abc import Mapping

import orjson
from graphql import DocumentNode, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rowbell.api import answers, requests
from rowbell.api.credentials import challenge
from rowbell.api.documents import DocumentRefused
from rowbell.api.negotiation import GRAPHQL, HTML, JSON, choose
from rowbell.api.operations import Operations
from rowbell.api.requests import BadRequest, GraphQLRequest
from rowbell.errors import RowbellError, Unauthenticated

READS = ("GET", "HEAD")


class GraphQLOverHTTP:
    """The ASGI application at /graphql. `page` is what a browser gets."""

    def __init__(self, operations: Operations, page: Response) -> None:
        self._operations = operations
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        form = JSON
        try:
            form = _choose_form(request)
            if form == HTML:
                return self._page
            await self._operations.gate.admit(request)
            return await self._carry_out(await self._read(request), request, form)
        except DocumentRefused as refused:
            return _answer(answers.of_failure(refused), 400 if form == GRAPHQL else 200, form)
        except RowbellError as error:
            return _answer(
                answers.of_failure(error), error.status, form, _headers_of(request, error)
            )
        except ClientDisconnect:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            return _answer(answers.of_failure(failure), 500, form)

    async def _read(self, request: Request) -> GraphQLRequest:
        """Raises BadRequest."""
        if request.method in READS:
            return requests.from_parameters(request.query_params)
        _check_content_type(request.headers.get("content-type", ""))
        return requests.from_json(await _body(request, self._operations.limits.body_bytes))

    async def _carry_out(self, wanted: GraphQLRequest, request: Request, form: str) -> Response:
        """Raises DocumentRefused, BadRequest."""
        document = self._operations.document(wanted)
        self._check_operation(wanted, document, request.method)
        result = await self._operations.execute(wanted, document, request)
        status = 400 if form == GRAPHQL and answers.is_refused(result) else 200
        return _answer(answers.of_result(result), status, form)

    def _check_operation(self, wanted: GraphQLRequest, document: DocumentNode, method: str) -> None:
        """Raises BadRequest."""
        kind = self._operations.operation_type(wanted, document)
        if kind == OperationType.SUBSCRIPTION:
            raise BadRequest(
                "a subscription needs a WebSocket.",
                hint="Connect to this address with the subprotocol graphql-transport-ws.",
            )
        if kind == OperationType.MUTATION and method in READS:
            raise BadRequest("a GET changes nothing.", hint="Send mutations by POST.", status=405)


def _choose_form(request: Request) -> str:
    """The form of the answer. Raises BadRequest for methods and forms that are not served."""
    if request.method not in (*READS, "POST"):
        raise BadRequest(
            f"{request.method} is not served here.", hint="Use POST, or GET.", status=405
        )
    offers = [GRAPHQL, JSON] if request.method == "POST" else [GRAPHQL, JSON, HTML]
    form = choose(", ".join(request.headers.getlist("accept")), offers)
    if form is None:
        raise BadRequest(
            "no form of answer that you accept is served.",
            hint=f"Accept {GRAPHQL} or {JSON}.",
            status=406,
        )
    return form


def _headers_of(request: Request, error: RowbellError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return challenge(error, request)
    if error.status != 405:
        return {}
    return {"Allow": "POST" if request.method in READS else "GET, POST"}


async def _body(request: Request, most: int) -> bytes:
    """Raises BadRequest for one that is larger than so many bytes."""
    body = bytearray()
    announced = request.headers.get("content-length", "")
    too_large = announced.isdecimal() and int(announced) > most
    if not too_large:
        async for chunk in request.stream():
            body += chunk
            too_large = len(body) > most
            if too_large:
                break
    if too_large:
        raise BadRequest(
            f"the body has more than {most} bytes.",
            hint="A task carries keys and ids: keep files elsewhere.",
            status=413,
        )
    return bytes(body)


def _check_content_type(header: str) -> None:
    """Raises BadRequest. Also the wall against forms of other sites, which cannot send JSON."""
    kind, *parameters = (piece.strip().lower() for piece in header.split(";"))
    charsets = [value.strip('"') for name, _, value in map(_split, parameters) if name == "charset"]
    if kind != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise BadRequest(
            f"the content type {header[:80]!r} is not served.",
            hint="Send Content-Type: application/json, in UTF-8.",
            status=415,
        )


def _split(parameter: str) -> tuple[str, str, str]:
    return parameter.partition("=")


def _answer(
    answer: answers.Answer, status: int, form: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(answer),
        status_code=status,
        headers={"Cache-Control": "no-store", "Vary": "Accept", **(headers or {})},
        media_type=f"{form}; charset=utf-8",
    )
