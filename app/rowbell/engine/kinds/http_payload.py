"""What http_request is asked for, and the request that it makes of it."""

import json
import re
from importlib.metadata import version
from typing import Annotated, Literal, Self

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from rowbell.engine.kinds.http_hop import SIGNATURE, Hop, target
from rowbell.task import NAME

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
