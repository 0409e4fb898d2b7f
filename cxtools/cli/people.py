"""The commands on people: person, forget, purge."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session
from cxtools.errors import ConfigError

commands = typer.Typer()

Address = Annotated[str, typer.Argument(help="The person's address.")]
Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="The person's address, or key: `person` in tables.")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; it is kept, addresses in it are masked.")
]
Age = Annotated[str, typer.Option("--older-than", metavar="DAYS", help="An age, as 400d.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List what would go; delete nothing.")]


@commands.command()
def person(context: typer.Context, named: Person, as_json: Json = False) -> None:
    """
    All that is held on one person: plans, events, webhooks, suppression, audit entries, files.
    """
    from cxtools.people.person import held_on

    held = held_on(session(context).connect(), named)
    session(context).print_result(held.to_dict(), str(held), as_json=as_json)


@commands.command()
def forget(context: typer.Context, address: Address, reason: Reason, as_json: Json = False) -> None:
    """
    Erase a person from all that the home keeps: events, plans, webhooks, pages, notebooks. A token
    takes the address's place, so counts stay; the person stays suppressed. Killed anywhere, the
    same again finishes; what is brought back by a backup is erased by the next `cxtools refresh`.
    """
    from cxtools.people.forget import forget as forget_person

    forgotten = forget_person(session(context).connect(), address, reason)
    session(context).print_result(forgotten.to_dict(), str(forgotten), as_json=as_json)


@commands.command()
def purge(
    context: typer.Context, older_than: Age, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """
    Delete people's data of campaigns of which nothing was heard for so long: events, what was sent
    to whom, webhooks, files of the inbox. Counts of the ledger, verdicts, pages, suppressions and
    the audit log stay.
    """
    from cxtools.people.purge import purge as purge_old

    before = datetime.now(UTC) - timedelta(days=_days(older_than))
    purged = purge_old(session(context).connect(), before, dry_run=dry_run)
    document = purged.to_dict() | {"dry_run": dry_run}
    session(context).print_result(document, str(purged), as_json=as_json)


def _days(age: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})d", age)
    if found is None:
        raise ConfigError(
            f"{age!r} is not an age in days", where="--older-than", do="write it as 400d"
        )
    return int(found[1])
