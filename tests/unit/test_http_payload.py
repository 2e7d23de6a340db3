"""What http_request accepts, and how it reads an answer: values only."""

from datetime import UTC, datetime

import orjson
import pytest
from pydantic import ValidationError

from rowbell.engine.kinds.http_answer import (
    CHARSETS,
    KEPT_BYTES,
    STORED_BYTES,
    body_of,
    retry_after,
)
from rowbell.engine.kinds.http_payload import HttpRequest

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
URL = "https://example.com/"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "//example.com/",
        "http://",
        "http:///path",
        "http://user:secret@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://exa mple.com/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://example.com/\r\nX: y",
        "http://example.com\\@localhost/",
        f"http://example.com/{'a' * 2_048}",
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="URL"):
        HttpRequest(url=url)


def test_credentials_in_a_refused_url_are_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        HttpRequest(url="http://user:secret@example.com/")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Evil": "a\r\nHost: other"},
        {"X-Evil": "a\nb"},
        {"X-Evil": "a\x00b"},
        {"X-Evil": " a"},
        {"X-Evil": "a\t"},
        {"X-Evil": "ü"},
        {"X-Evil\r\nHost": "a"},
        {"X Evil": "a"},
        {"": "a"},
        {"Host": "other"},
        {"host": "other"},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
        {"Expect": "100-continue"},
        {"Upgrade": "h2c"},
        {"X-Same": "a", "x-same": "b"},
    ],
)
def test_a_header_that_would_change_the_request_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HttpRequest(url=URL, headers=headers)


@pytest.mark.parametrize(
    "fields",
    [
        {"json": {"a": 1}, "body": "a"},
        {"method": "TRACE"},
        {"method": "get"},
        {"timeout_seconds": 0.05},
        {"timeout_seconds": 301},
        {"verify": False},
        {"document": 1},
    ],
)
def test_fields_that_do_not_fit_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HttpRequest.model_validate({"url": URL} | fields)


@pytest.mark.parametrize(
    ("fields", "content", "content_type"),
    [
        ({"method": "GET"}, None, None),
        ({"method": "POST"}, b"", None),
        ({"method": "POST", "json": None}, b"null", "application/json"),
        ({"method": "POST", "json": {"ä": 1}}, '{"ä": 1}'.encode(), "application/json"),
        ({"method": "PUT", "body": "ä"}, "ä".encode(), "text/plain; charset=utf-8"),
        (
            {"method": "PUT", "body": "<a/>", "headers": {"content-type": "text/xml"}},
            b"<a/>",
            "text/xml",
        ),
    ],
)
def test_the_content_is_what_was_given(
    fields: dict[str, object], content: bytes | None, content_type: str | None
) -> None:
    hop = HttpRequest.model_validate({"url": URL} | fields).first_hop(7)
    assert (hop.content, hop.headers.get("content-type")) == (content, content_type)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("9" * 400, 86_400),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30),
        ("Thu Jan  1 12:00:30 2026", 30),
        ("Fri, 01 Jan 2027 12:00:00 GMT", 86_400),
        ("Thu, 01 Jan 2026 11:59:59 GMT", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_garbage_is_ignored(
    value: str, seconds: float | None
) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b"", "application/json", None),
        (b'{"a": [1]}', "application/json", {"a": [1]}),
        (b'{"a": 1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"{broken", "application/json", "{broken"),
        (b"NaN", "application/json", "NaN"),
        (b'"\\u0000"', "application/json", '"\\u0000"'),
        (b'"\\ud800"', "application/json", '"\\ud800"'),
        (b"a\x00b\nc", "text/plain", "a\ufffdb\nc"),
        (b"\xe4", "text/plain; charset=ISO-8859-1", "ä"),
        (b"\xe4", "text/plain", "\ufffd"),
        (b"abc", "text/plain; charset=punycode", "abc"),
    ],
)
def test_a_body_is_kept_in_a_form_that_postgresql_can_store(
    content: bytes, content_type: str, body: object
) -> None:
    assert body_of(content, content_type, truncated=False) == body


def test_a_character_that_was_cut_in_half_is_dropped() -> None:
    assert body_of("aä".encode()[:-1], "text/plain", truncated=True) == "a"


@pytest.mark.parametrize("unit", [b"\x01", b"\xff", b'"', b"\n", b"\xb1"])
@pytest.mark.parametrize("charset", CHARSETS)
def test_no_text_outgrows_the_limit_of_a_result(unit: bytes, charset: str) -> None:
    body = body_of(unit * KEPT_BYTES, f"text/plain; charset={charset}", truncated=True)
    assert len(orjson.dumps(body)) <= STORED_BYTES + len('""')


@pytest.mark.parametrize("number", [b"1e300", b"1e-300", b"1e15"])
def test_json_that_would_outgrow_the_limit_of_a_result_is_kept_as_text(number: bytes) -> None:
    few, many = b"[%s]" % number, b"[%s]" % b",".join([number] * 2_700)
    assert body_of(few, "application/json", truncated=False) == [float(number)]
    assert body_of(many, "application/json", truncated=False) == many.decode()
