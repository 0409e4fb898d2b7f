"""The commands on one person: person, forget."""

from __future__ import annotations

from typing import Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session

commands = typer.Typer()

Address = Annotated[str, typer.Argument(help="The person's address.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; it is kept, addresses in it are masked.")
]


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
