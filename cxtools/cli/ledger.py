"""The commands on the ledger itself: ledger upgrade."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session

if TYPE_CHECKING:
    from cxtools.ledger.upgrade import Upgrade

commands = typer.Typer(no_args_is_help=True, help="The ledger itself: upgrade.")

BackupMade = Annotated[
    bool,
    typer.Option("--backup-made", help="You have a backup already; none is made before."),
]


@commands.callback()
def ledger() -> None:
    """The ledger itself: upgrade."""


@commands.command("upgrade")
def upgrade_ledger(
    context: typer.Context, backup_made: BackupMade = False, as_json: Json = False
) -> None:
    """
    Bring a ledger of an older cxtools to this one's schema, with a backup before it; safe to run
    again.
    """
    from cxtools.ledger.upgrade import Upgrade, upgrade

    client = session(context).connect()
    settings = client.settings
    done = Upgrade(0, 0)
    if client.has_ledger:
        done = upgrade(
            settings.ledger_url, home=settings.home, now=time.time, backup_made=backup_made
        )
    document = {
        "from": done.before,
        "to": done.after,
        "backup": str(done.backup) if done.backup else None,
    }
    session(context).print_result(document, describe(done), as_json=as_json)


def describe(done: Upgrade) -> str:
    """What an upgrade did, in a sentence."""
    if done.after == 0:
        return "there is no ledger yet; it is made with the newest schema when it is needed"
    if done.before == done.after:
        return f"the ledger has the newest schema already, version {done.after}"
    before = "you have a backup"
    if done.backup:
        before = f"the backup is {done.backup}"
    return f"the ledger went from schema version {done.before} to {done.after}; {before}"
