"""Pages of other sites: none may use the API, except those on the list."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from rowbell.errors import Forbidden

_EXPOSED = "RateLimit, RateLimit-Policy, Retry-After"


class Origins:
    """Browsers say by the header Origin whose page asks; other clients send none."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """`allowed`: scheme, host and port, as a browser sends them."""
        self._allowed = frozenset(each.rstrip("/").lower() for each in allowed)

    def check(self, connection: HTTPConnection) -> None:
        """Raises Forbidden for pages of other sites. For WebSockets: any page may open one."""
        origin = connection.headers.get("origin")
        if origin is None or self._is_listed(origin):
            return
        if origin.partition("://")[2] != connection.headers.get("host"):
            raise Forbidden(
                "a page of another site may not connect.",
                hint="Connect from a page of this host, or name the other in ROWBELL_ORIGINS.",
            )

    def headers(self, headers: Headers) -> dict[str, str]:
        """What lets a page read the answer: nothing, unless its origin is on the list."""
        origin = headers.get("origin")
        if origin is None or not self._is_listed(origin):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED,
            "Cross-Origin-Resource-Policy": "cross-origin",
        }

    def preflight(self, headers: Headers) -> Response | None:
        """The answer to a browser that asks first; None if its page is not on the list."""
        allowed = self.headers(headers)
        if not allowed or "access-control-request-method" not in headers:
            return None
        return Response(
            status_code=204,
            headers={
                **allowed,
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "authorization, content-type, traceparent",
                "Access-Control-Max-Age": "600",
                "Vary": "Origin, Access-Control-Request-Headers",
            },
        )

    def _is_listed(self, origin: str) -> bool:
        return origin.lower() in self._allowed
