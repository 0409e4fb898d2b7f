"""The command on mailbox providers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session

commands = typer.Typer()

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="CAMPAIGN", help="Names of campaigns; all when left out."),
]
Dns = Annotated[
    bool,
    typer.Option("--dns", help="Ask DNS for the mail servers of domains that no entry names."),
]


@commands.command()
def providers(
    context: typer.Context, names: Names = None, dns: Dns = False, as_json: Json = False
) -> None:
    """
    Who runs the mailboxes that were mailed, with how many messages and which domains. Own entries
    stand in providers.toml of the home; what --dns learns is kept there, since no question waits
    for DNS.
    """
    from cxtools import mailboxes

    cli = session(context)
    client = cli.connect()
    if dns:
        looked_up = mailboxes.look_up_unknown(
            client.engine,
            client.settings.home,
            names or None,
            server=client.settings.dns_server,
            shows_progress=cli.shows_progress,
        )
        cli.say(str(looked_up))
    shares = mailboxes.provider_shares(client.engine, names or None)
    documents = [asdict(share) for share in shares]
    cli.print_result(documents, mailboxes.text(shares) or "no messages", as_json=as_json)
