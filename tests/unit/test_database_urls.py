"""No secret of a database URL is shown, and what is left of the URL still connects."""

import pytest

from rowbell.cli.urls import masked, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@host:5432/db", "postgresql://u:***@host:5432/db"),
        ("postgres://u@host/db", "postgres://u@host/db"),
        ("postgresql:///db", "postgresql:///db"),
        ("postgresql://u@/db?host=/tmp/a%20b", "postgresql://u@/db?host=/tmp/a%20b"),
        ("postgresql://h/db?user=u&password=secret", "postgresql://h/db?user=u&password=***"),
        ("postgresql://h/db?sslpassword=secret", "postgresql://h/db?sslpassword=***"),
        ("postgresql://u:se%40cret@a:1,b:2/db", "postgresql://u:***@a:1,b:2/db"),
    ],
)
def test_secrets_are_masked_and_nothing_else_is_changed(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("url", "stripped", "password"),
    [
        ("postgresql://u:se%40cret@host/db", "postgresql://u@host/db", "se@cret"),
        ("postgresql://:secret@/db", "postgresql:///db", "secret"),
        ("postgresql://u@/db?host=/tmp", "postgresql://u@/db?host=/tmp", None),
        (
            "postgresql://h/db?password=a+b&sslmode=require",
            "postgresql://h/db?sslmode=require",
            "a+b",
        ),
    ],
)
def test_a_password_is_taken_out_as_libpq_reads_it(
    url: str, stripped: str, password: str | None
) -> None:
    assert without_password(url) == (stripped, password)
