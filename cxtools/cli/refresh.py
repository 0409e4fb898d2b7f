"""The command that a scheduler calls: refresh."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cxtools import formats
from cxtools.cli.exits import NOT_UNDERSTOOD
from cxtools.cli.options import Json
from cxtools.cli.session import session
from cxtools.errors import ConfigError
from cxtools.text import parse_moment

commands = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="List what would be done; do nothing.")]
Now = Annotated[
    str, typer.Option(metavar="MOMENT", help="Another moment than the clock's, for tests.")
]


@commands.command()
def refresh(
    context: typer.Context, dry_run: DryRun = False, now: Now = "", as_json: Json = False
) -> None:
    """
    Collect late events, and take in the files that lie in the home's inbox. Called again, it does
    nothing; ends with exit code 10 where a file could not be taken in.
    """
    from cxtools.refresh import refresh as rounds

    client = session(context).connect()
    moment = _moment(now)
    if dry_run:
        due = rounds.waiting(client, moment)
        text = "\n".join(due) or "nothing is due"
        session(context).print_result({"due": due}, text, as_json=as_json)
        return
    done = rounds.refresh(client, moment)
    session(context).print_result(done.document(), str(done), as_json=as_json)
    if done.failed:
        raise typer.Exit(NOT_UNDERSTOOD)


def _moment(text: str) -> float:
    """The clock's time, or the moment that was named."""
    if not text:
        return time.time()
    moment = parse_moment(text, formats.current().zone)
    if moment is None:
        raise ConfigError(
            f"{text!r} is not a moment",
            where="--now",
            do="write it as 2026-09-14T10:00:00+02:00",
        )
    return moment.timestamp()
