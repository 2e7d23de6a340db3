"""The kind http_request: call a URL, and keep what it answers."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from time import perf_counter

import httpcore
import httpx

from rowbell.context import Context
from rowbell.engine.kinds.http_answer import Answer, HttpFailed
from rowbell.engine.kinds.http_delivery import delivering
from rowbell.engine.kinds.http_hop import Hop, location
from rowbell.engine.kinds.http_payload import HttpRequest
from rowbell.engine.kinds.http_reach import CheckedBackend, Reach
from rowbell.engine.kinds.http_signature import sign
from rowbell.errors import GiveUp
from rowbell.webhook_secrets import WebhookSecrets

MOST_REDIRECTS = 5
IDLE_CONNECTIONS = 20
IDLE_SECONDS = 5.0


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
        if context.traceparent:
            hop.headers.setdefault("traceparent", context.traceparent)
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
