"""The command that a scheduler calls: refresh."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cxtools import formats
from cxtools.cli.exits import BAD_VERDICT, NOT_UNDERSTOOD, REFUSED, REPORT
from cxtools.cli.options import Json
from cxtools.cli.session import session
from cxtools.errors import ConfigError
from cxtools.text import parse_moment

if TYPE_CHECKING:
    from cxtools.refresh.refresh import Refreshed

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
    Take in the files of the home's inbox, collect late events, make the reports of reports.toml
    that are due, keep the index, and tell people. Called again, it does nothing.

    The exit code is that of what went wrong first: events that can't be collected, 7 a report that
    can't be made, 9 a verdict as bad as a report's fail_on, 10 a file that could not be taken in, 3
    a message that doesn't get through any more.
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
    for one in done.made:
        level = "error" if one.error else "info"
        session(context).log("report", level=level, **one.record())
    session(context).print_result(done.document(), str(done), as_json=as_json)
    if done.error:
        raise done.error
    for code in _codes(done):
        raise typer.Exit(code)


def _codes(done: Refreshed) -> Iterator[int]:
    """The exit codes of what went wrong, the first one first."""
    if done.not_made:
        yield REPORT
    if done.bad:
        yield BAD_VERDICT
    if done.failed:
        yield NOT_UNDERSTOOD
    if done.told["dead"] or done.told["parked"]:
        yield REFUSED


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
