"""The Accept header: which of the forms on offer a client would rather have."""

from functools import lru_cache

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
STREAM = "text/event-stream"

_SPECIFIC, _FAMILY, _ANY = 2, 1, 0


@lru_cache(maxsize=256)
def choose(accept: str, offers: tuple[str, ...]) -> str | None:
    """The best offer, or None if the client takes none. On a tie the earlier offer wins.

    An empty header takes anything. Between equal weights a form that is named beats one that a
    `*` covers: `application/json, */*` means JSON.
    """
    wishes = [_wish(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    ranked = [(_rank(offer, wishes), offer) for offer in offers]
    best, offer = max(ranked, key=lambda pair: pair[0])
    return offer if best[0] > 0 else None


@lru_cache(maxsize=256)
def names(accept: str, form: str) -> bool:
    """True if the client names this very form: a `*` would take a stream for any answer."""
    wishes = [_wish(part) for part in accept.split(",")]
    return any(name == form and weight > 0 for name, weight in wishes)


def _wish(part: str) -> tuple[str, float]:
    """A media range and its weight, 0 to 1."""
    form, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            weight = _number(value.strip())
    return form, weight


def _number(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _rank(offer: str, wishes: list[tuple[str, float]]) -> tuple[float, int]:
    """Weight and specificity of the most specific range that covers the offer."""
    ranges = {offer: _SPECIFIC, f"{offer.partition('/')[0]}/*": _FAMILY, "*/*": _ANY}
    covering = [(ranges[form], weight) for form, weight in wishes if form in ranges]
    if not covering:
        return 0.0, 0
    specificity, weight = max(covering)
    return weight, specificity
