"""Windows and periods: what a client may ask for."""

from datetime import timedelta

from rowbell.errors import InvalidArgument

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=366)
MOST_OFTEN = timedelta(seconds=1)
SELDOM = timedelta(hours=1)


def check_window(window: timedelta) -> timedelta:
    """Raises InvalidArgument."""
    return _checked("window", window, SHORTEST, LONGEST)


def check_period(every: timedelta) -> float:
    """Seconds. Raises InvalidArgument."""
    return _checked("every", every, MOST_OFTEN, SELDOM).total_seconds()


def _checked(field: str, given: timedelta, least: timedelta, most: timedelta) -> timedelta:
    if not least <= given <= most:
        raise InvalidArgument(
            f"{field} is {given.total_seconds():g} s.",
            hint=f"Use {least.total_seconds():g} to {most.total_seconds():g} s.",
            field=field,
        )
    return given
