"""What a glance at the text of a query refuses, before anybody parses it."""

import pytest
from graphql import TokenKind
from graphql.language import Lexer, Source

from rowbell.api import skim
from rowbell.api.limits import LimitExceeded, Limits

QUERIES = [
    "{ task(id: 1) { id status } }",
    'query Q($a: [Int!]! = [1, -2.5e10], $b: JSON) @x(y: "a \\" } b") { a: tasks { ...F } }',
    '# { { {\n{ a(x: """ { " \\""" { """) { ... on Task { id } } }',
    "fragment F on Task{id...G ...on Task{kind}}",
    "subscription($i:ID!){task(id:$i){status,progress}}",
]


def tokens(query: str) -> int:
    lexer, count = Lexer(Source(query)), 0
    while lexer.advance().kind != TokenKind.EOF:
        count += 1
    return count


@pytest.mark.parametrize("query", QUERIES)
def test_as_many_tokens_are_seen_as_the_parser_will_read(query: str) -> None:
    count = tokens(query)
    skim.check(query, Limits(tokens=count))
    with pytest.raises(LimitExceeded, match="tokens"):
        skim.check(query, Limits(tokens=count - 1))


@pytest.mark.parametrize(
    "query",
    [
        "{ a" * 101,
        "[" * 101,
        '{ a(b: "' + "\\n" * 5_001 + '") }',
        '{ a(b: """' + "x" * 10_001 + '""") }',
        "#" + "x" * 10_000,
        "a " * 1_001,
    ],
)
def test_what_would_take_long_to_parse_is_refused(query: str) -> None:
    with pytest.raises(LimitExceeded):
        skim.check(query, Limits())


@pytest.mark.parametrize("query", ["", '"', '"""', "}}}}", "\0", '"\n"', "é \U0001f600", "}" * 500])
def test_what_is_no_graphql_is_left_to_the_parser(query: str) -> None:
    skim.check(query, Limits())
