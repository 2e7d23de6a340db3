"""A number with its noun; SQL has rowbell.many for it, the page format.js."""


def many(number: int, noun: str, plural: str = "") -> str:
    """`1 task`, `2,000 tasks`; `plural` where an s does not make it."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
