"""The kind http_request: call a URL, and keep what it answers."""

import asyncio
import json
import re
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter
from typing import Annotated, Literal, Self

import httpcore
import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from rowbell.context import Context
from rowbell.engine.kinds.http_answer import Answer, HttpFailed
from rowbell.engine.kinds.http_delivery import delivering
from rowbell.engine.kinds.http_hop import SIGNATURE, Hop, location, target
from rowbell.engine.kinds.http_reach import CheckedBackend, Reach
from rowbell.engine.kinds.http_signature import sign
from rowbell.errors import GiveUp
from rowbell.task import NAME
from rowbell.webhook_secrets import WebhookSecrets

MOST_REDIRECTS = 5
IDLE_CONNECTIONS = 20
IDLE_SECONDS = 5.0
USER_AGENT = f"rowbell/{version('rowbell')}"

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"([\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?)?")
# They describe the connection or the framing, which are not the task's to decide.
REFUSED_HEADERS = (
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)


def _callable_url(text: str) -> str:
    target(text)
    return text


def _sendable_headers(headers: dict[str, str]) -> dict[str, str]:
    seen = set()
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header.")
        if name.lower() in REFUSED_HEADERS:
            raise ValueError(f"The header {name} is set by http_request itself: leave it out.")
        if name.lower() in seen:
            raise ValueError(f"The header {name} is given twice.")
        if not HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"The value of the header {name} must be printable ASCII on one line, "
                "with no blank at either end."
            )
        seen.add(name.lower())
    return headers


SecretName = Annotated[str, Field(pattern=NAME.pattern)]


class HttpRequest(BaseModel):
    """The payload of http_request. A 2xx answer completes the task."""

    # A header may be a secret, and the text of a ValidationError ends up in tasks.error.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_callable_url)] = Field(
        description="http or https, at most 2,048 characters, no credentials in it."
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    headers: Annotated[dict[str, str], AfterValidator(_sendable_headers)] = Field(
        default_factory=dict, description="Sent as given; they win over the default ones."
    )
    document: JsonValue = Field(
        default=None, alias="json", description="Any JSON, sent as application/json."
    )
    body: str | None = Field(
        default=None, description="Text, sent as UTF-8; instead of json, not beside it."
    )
    timeout_seconds: float = Field(
        default=30, ge=0.1, le=300, description="For everything, redirects and body included."
    )
    follow_redirects: bool = Field(
        default=True, description="At most 5; credentials are not taken to another origin."
    )

    sign: bool | SecretName = Field(
        default=False,
        description="The name of the secret to sign with; true means the one named default.",
    )

    @model_validator(mode="after")
    def _one_signature(self) -> Self:
        given = [name for name in self.headers if name.lower() in SIGNATURE]
        if self.sign and given:
            raise ValueError(f"The header {given[0]} is set by sign: leave out one of the two.")
        return self

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if self.document is not None and self.body is not None:
            raise ValueError("Give json or body, not both.")
        return self

    def first_hop(self, task_id: int) -> Hop:
        """The request that this payload asks for."""
        headers = httpx.Headers(
            {
                "Accept": "*/*",
                "Accept-Encoding": "identity",  # so little of a body is kept that packing is waste
                "User-Agent": USER_AGENT,
                "Idempotency-Key": f"rowbell-{task_id}",  # the same on every attempt
            }
        )
        content: bytes | None = b"" if self.method in ("POST", "PUT", "PATCH") else None
        if self.body is not None:
            headers["Content-Type"] = "text/plain; charset=utf-8"
            content = self.body.encode()
        elif "document" in self.model_fields_set:
            headers["Content-Type"] = "application/json"
            content = json.dumps(self.document, ensure_ascii=False, allow_nan=False).encode()
        headers.update(self.headers)
        return Hop(self.method, target(self.url), headers, content)


class HttpCaller:
    """Runs http_request; one for a worker, so that tasks share its connections.

    It takes no proxy from the environment, and keeps no cookies from one task to the next.
    """

    def __init__(
        self,
        allow: tuple[str, ...] = (),
        secrets: WebhookSecrets | None = None,
        *,
        connections: int = 100,
    ) -> None:
        """`allow` and `secrets` are ROWBELL_HTTP_ALLOW and ROWBELL_WEBHOOK_SECRETS.

        Raises ConfigurationError if an entry of `allow` is wrong.
        """
        self._reach = Reach(allow)
        self._secrets = secrets or WebhookSecrets()
        self._connections = connections
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def run(self, payload: HttpRequest, context: Context) -> dict[str, object]:
        """Call a URL and keep what it answers.

        Raises HttpFailed or RetryLater if another attempt may succeed, GiveUp if none can.
        """
        started = perf_counter()
        hop = payload.first_hop(context.task_id)
        if payload.sign:
            sign(hop, self._secrets, payload.sign, context.task_id, datetime.now(UTC))
        try:
            async with asyncio.timeout(payload.timeout_seconds):
                answer = await self._call(hop, payload.follow_redirects, context)
        except TimeoutError:
            limit = payload.timeout_seconds
            raise HttpFailed(f"{hop} was not answered in full within {limit:g} s.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise HttpFailed(f"{hop} failed: {_reason(error)}.") from None
        seconds = round(perf_counter() - started, 3)
        return {**answer.result(datetime.now(UTC)), "seconds": seconds}

    async def _call(self, hop: Hop, follow: bool, context: Context) -> Answer:
        for _ in range(1 + MOST_REDIRECTS):
            with delivering(hop, context) as delivery:
                async with self._requested(hop) as response:
                    delivery.status = response.status
                    where = location(response) if follow else None
                    if where is None:
                        answer = await Answer.read(hop, response)
                        delivery.read_bytes = answer.read_bytes
                        return answer
            hop = hop.redirected(response.status, where)
        raise GiveUp(f"{hop} is where redirect {MOST_REDIRECTS + 1} leads: there are too many.")

    def _requested(self, hop: Hop) -> AbstractAsyncContextManager[httpcore.Response]:
        return self._opened().stream(
            hop.method,
            hop.wire_url(),
            headers=[(b"Host", hop.url.netloc), *hop.headers.raw],
            content=hop.content,
        )

    def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                max_connections=self._connections,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=CheckedBackend(self._reach),
            )
        return self._pool

    async def close(self) -> None:
        """Close every connection; a later run opens new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()


def _reason(error: BaseException) -> str:
    """What the innermost error says: the outer ones only say that something failed."""
    said = str(error)
    while inner := error.__cause__ or (error.__context__ if error.__suppress_context__ else None):
        error = inner
        said = str(error) or said
    return said.rstrip(".") or "the connection was lost"
