"""What send_email accepts, and the mail that it makes of it: values only."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from pydantic import ValidationError

from rowbell.engine.kinds.mail_content import POLICY, Mail, compose
from rowbell.engine.kinds.mail_payload import SendEmail
from rowbell.engine.kinds.smtp_exchange import cleaned

BASIC = {"to": ["bob@example.net"], "subject": "Hi", "text": "Hello"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def mail(**fields: object) -> Mail:
    return compose(SendEmail.model_validate(BASIC | fields), "rowbell@example.org", 7, NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"to": []},
        {"to": ["bob"]},
        {"to": "bob@example.net"},
        {"to": [f"u{number}@example.net" for number in range(101)]},
        {"subject": None},
        {"subject": "a\r\nBcc: eve@example.net"},
        {"subject": "a\nb"},
        {"subject": "a\u2028b"},
        {"subject": "a" * 901},
        {"subject": "=?utf-8?q?a=0D=0ABcc=3A_eve=40example=2Enet?="},
        {"text": None},
        {"sender": "Eve\r\n <eve@example.net>"},
        {"reply_to": "eve"},
        {"timeout_seconds": 0.5},
        {"attachments": []},
        {"headers": {"Bcc": "eve@example.net"}},
        {"headers": {"to": "eve@example.net"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"content-transfer-encoding": "8bit"}},
        {"headers": {"Resent-To": "eve@example.net"}},
        {"headers": {"Message-ID": "<a@b>"}},
        {"headers": {"X-A": "a\r\nBcc: eve@example.net"}},
        {"headers": {"X-A": "a\nb"}},
        {"headers": {"X-A": "=?utf-8?q?a=0ABcc:_eve?= " + "x" * 90}},
        {"headers": {"X-A": "a\rb"}},
        {"headers": {"X-A\r\nBcc": "a"}},
        {"headers": {"X A": "a"}},
        {"headers": {"X-A:": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"X-A": "a", "x-a": "b"}},
        {"headers": {"X-A": "a" * 901}},
    ],
)
def test_a_payload_that_makes_no_mail_or_another_one_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SendEmail.model_validate(BASIC | fields)


def test_a_refusal_names_the_field_and_not_the_address() -> None:
    with pytest.raises(ValidationError) as caught:
        SendEmail.model_validate(BASIC | {"to": ["bob@example.net", "eve at example.net"]})
    assert caught.value.errors()[0]["loc"] == ("to", 1)
    assert "eve" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["Bob", "Doe, Bob", 'Bob "B" \\ Doe', "Bøb, D.", "ä, b; " * 30, "a, b " * 40]
)
def test_a_name_survives_with_whatever_is_in_it(name: str) -> None:
    quoted = name.strip().replace("\\", "\\\\").replace('"', '\\"')
    to = [f'"{quoted}" <{"l" * 60}@{"d" * 60}.example>', "carl@example.net"]
    # Read by the older parser: the newer one of Python 3.11 adds blanks between encoded words.
    header = message_from_bytes(mail(to=to).content)["To"].replace("\r\n", "")
    (first, spec), (_, second) = getaddresses([header])
    assert str(make_header(decode_header(first))) == name.strip()
    assert (spec, second) == (f"{'l' * 60}@{'d' * 60}.example", "carl@example.net")


@pytest.mark.parametrize(
    "value", ["<https://example.org/?" + "x" * 800 + ">", " ".join(["<" + "i" * 90 + "@b>"] * 8)]
)
def test_a_long_word_of_a_header_is_left_whole(value: str) -> None:
    content = mail(headers={"References": value}).content.decode()
    unfolded = re.sub(r"\r\n(?= )", "", content)
    assert f"\r\nReferences: {value}\r\n" in unfolded


@pytest.mark.parametrize("value", ["a\r\nBcc: b", f"{'x' * 90}\nBcc: b", f"{'x' * 90}\rBcc: b"])
def test_a_header_that_would_begin_another_one_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match=r"X-A would begin another|[Ll]inefeed|newline"):
        POLICY.fold_binary("X-A", value)


def test_no_line_is_longer_than_smtp_allows_and_all_is_ascii() -> None:
    content = mail(
        subject="ü" * 900,
        text="ü" * 5_000,
        html="x" * 5_000,
        headers={"X-A": "y" * 900, "X-B": "ö" * 900},
        to=[f"{'ä' * 190} <u{number}@example.net>" for number in range(50)],
    ).content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("OK\nqueued  as 1.", "OK queued as 1"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("\udce4", "?"),
        ("x" * 600, "x" * 500),
    ],
)
def test_what_a_server_says_is_kept_in_a_form_that_postgresql_can_store(
    said: str, kept: str
) -> None:
    assert cleaned(said) == kept
