"""Bounds of a query that can be told from its text, before it is parsed.

The parser reads letter by letter in Python: a thousand tokens take it ten milliseconds, a text of
100,000 characters forty. A regular expression tells in one that there is too much to read.
"""

import re

from rowbell.api.limits import Limits, QueryTooDeep, QueryTooLong, TooManyTokens

LONGEST_TOKEN = 10_000
"""Characters of one text or comment."""
NESTING = 100
"""Brackets within brackets: a level of fields has one, its arguments may have others."""

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""|"(?:[^"\\\n\r]|\\.)*+"|#[^\n\r]*+|-?\d[\w.+-]*+|\w++|\.\.\.|[^\s,]',
    re.DOTALL,
)
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


def check(query: str, limits: Limits) -> None:
    """Raises LimitExceeded. What is no GraphQL is left to the parser."""
    tokens = depth = 0
    for match in _TOKEN.finditer(query):
        token = match[0]
        if len(token) > LONGEST_TOKEN:
            raise QueryTooLong(
                f"the query has a text or a comment of more than {LONGEST_TOKEN} characters.",
                hint="Send values as variables.",
            )
        if token[0] == "#":
            continue
        tokens += 1
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        if tokens > limits.tokens:
            raise TooManyTokens(
                f"the query has more than {limits.tokens} tokens.",
                hint="Send values as variables, and large queries in parts.",
            )
        if depth > NESTING:
            raise QueryTooDeep(
                f"this document has more than {NESTING} brackets within brackets.",
                hint="Ask for the inner objects in a request of their own.",
            )
