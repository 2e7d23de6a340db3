"""`rowbell token create`, `ls` and `revoke`: who may call the API without a JWT."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from rowbell.cli.command import short
from rowbell.cli.durations import age, in_words, read_duration
from rowbell.cli.screen import one_line, out, printable, say, show_json, show_table
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import tokens
from rowbell.db.pool import Database
from rowbell.db.tokens import Line
from rowbell.errors import InvalidArgument
from rowbell.logs import log
from rowbell.viewer import Role, Viewer

NEVER = "never"
LONGEST_DAYS = 36_500
COLUMNS = ("id", "name", "state", "subject", "role", "audiences", "expires", "last used")
STATE_STYLES = {"valid": "green", "expired": "yellow", "revoked": "bright_black"}

app = typer.Typer(no_args_is_help=True, help="Create, list or revoke tokens of the API.")


@app.command()
@short
def create(
    settings: Settings,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what it is for.")],
    role: Annotated[str, typer.Option(help="admin, operator, producer or reader.")],
    subject: Annotated[
        str | None, typer.Option(help="In whose name it creates tasks. Default: NAME.")
    ] = None,
    audience: Annotated[
        list[str] | None, typer.Option(help="It sees tasks of this audience; may be repeated.")
    ] = None,
    expires_in: Annotated[
        str, typer.Option(metavar="DURATION", help="90d, 12h, or never.")
    ] = "365d",
    as_json: bool,
) -> None:
    """Make a token. It is shown once: only its digest is kept. Piped, nothing else is printed."""
    viewer = Viewer(
        role=read_role(role),
        subject=subject if subject is not None else name,
        audiences=frozenset(audience or ()),
    )
    lifetime = read_lifetime(expires_in)
    new = run(settings, lambda db: tokens.create(db, name, viewer, lifetime=lifetime))
    log.info("token.changed", token=new.id, change="created", subject=viewer.subject, role=role)
    if as_json:
        show_json({"id": new.id, "token": new.secret})
    elif out.is_terminal:
        say(f"Token {new.id} is made. Keep it now: it is not shown again.\n\n  {new.secret}\n")
        say("Send it as the header Authorization: Bearer TOKEN.")
    else:
        say(new.secret)


@app.command()
@short
def ls(
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """List tokens, newest first: whose they are, what they may do, when they were last used."""
    found = run(settings, tokens.lines)
    if as_json:
        show_json(found)
    elif not found and out.is_terminal:
        say("There are no tokens. rowbell token create --help tells how to make one.")
    else:
        show_table(COLUMNS, [_row(line) for line in found])


@app.command()
@short
def revoke(
    settings: Settings,
    *,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Of the tokens.")],
    as_json: bool,
) -> None:
    """Take tokens back for good: requests are refused, open sockets are closed."""

    async def revoke_all(database: Database) -> None:
        for token in ids:
            await tokens.revoke(database, token)
            log.info("token.changed", token=token, change="revoked")

    run(settings, revoke_all)
    if as_json:
        show_json({"revoked": ids})
    else:
        for token in ids:
            say(f"Token {token} is revoked.")


def read_role(text: str) -> Role:
    """Raises InvalidArgument."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidArgument(
            f"there is no role {text!r}.", hint=f"Use {', '.join(Role)}.", field="role"
        ) from None


def read_lifetime(text: str) -> timedelta | None:
    """None: it never expires. Raises InvalidArgument."""
    if text == NEVER:
        return None
    lifetime = read_duration(text)
    if not timedelta(seconds=1) <= lifetime <= timedelta(days=LONGEST_DAYS):
        raise InvalidArgument(
            f"a token cannot live for {in_words(lifetime)}.",
            hint=f"Use 1s to {LONGEST_DAYS}d, or {NEVER}.",
        )
    return lifetime


def _row(line: Line) -> list[Text | str]:
    return [
        str(line.id),
        one_line(line.name),
        Text(line.state, STATE_STYLES.get(line.state, "")),
        printable(line.subject),
        line.role,
        one_line(", ".join(line.audiences)),
        f"{line.expires_at.astimezone():%Y-%m-%d %H:%M}" if line.expires_at else NEVER,
        f"{age(line.last_used_at)} ago" if line.last_used_at else NEVER,
    ]
