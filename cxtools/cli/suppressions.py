"""The commands on whom our campaigns don't mail: suppressions list, add, lift, import."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import session
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.ledger.suppressions import BY_HAND, OPERATOR

commands = typer.Typer(
    no_args_is_help=True, help="Whom no campaign mails, and why: list, add, lift, import."
)

Address = Annotated[str, typer.Argument(help="The person's address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept, and in the audit trail.")]
List = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="JSON of another platform's API, or a table with a column of addresses.",
    ),
]


@commands.command("list")
def list_suppressions(context: typer.Context, as_json: Json = False) -> None:
    """
    Who is suppressed, why, by which campaign or list, since when. The ledger keeps no addresses,
    only a key of each.
    """
    people = session(context).connect().ledger.suppressions.listed()
    rows = []
    for one in people:
        since = datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds")
        rows.append({"key": one.key, "reason": one.reason, "source": one.campaign, "since": since})
    lines = [f"{row['key']}  {row['since']}  {row['source']}: {row['reason']}" for row in rows]
    text = "\n".join(lines) or "nobody is suppressed"
    session(context).print_result(rows, text, as_json=as_json)


@commands.command("add")
def add_suppression(
    context: typer.Context, address: Address, reason: Reason, as_json: Json = False
) -> None:
    """Suppress a person from now on."""
    client = session(context).connect()
    reasons = {_key(address): reason}
    added = client.ledger.suppressions.add(BY_HAND, reasons, OPERATOR)
    client.ledger.audit_log.append_anchor()
    text = (
        "suppressed"
        if added
        else "was suppressed already; no change of bounce rules lifts that now"
    )
    session(context).print_result({"added": added}, text, as_json=as_json)


@commands.command("lift")
def lift_suppression(
    context: typer.Context, address: Address, reason: Reason, as_json: Json = False
) -> None:
    """
    Mail a person again. Events of an imported campaign that say otherwise suppress them again, at
    its next import and at `cxtools rejudge`; so does a list that is imported again.
    """
    client = session(context).connect()
    lifted = client.ledger.suppressions.lift(_key(address), reason)
    client.ledger.audit_log.append_anchor()
    text = "lifted" if lifted else "was not suppressed"
    session(context).print_result({"lifted": int(lifted)}, text, as_json=as_json)


@commands.command("import")
def import_suppressions(
    context: typer.Context, file: List, reason: Reason = "", as_json: Json = False
) -> None:
    """
    Suppress everybody on another platform's list: SES, SendGrid, Mailgun, Postmark, Brevo, or any
    table with a column of addresses.
    """
    from cxtools.sending.suppression_lists import suppress_list

    client = session(context).connect()
    taken = suppress_list(client.ledger, file, reason)
    client.ledger.audit_log.append_anchor()
    text = f"people on the list: {taken.people:,}, newly suppressed: {taken.added:,}"
    if taken.without_address:
        text += f"; rows without one valid address: {taken.without_address:,}"
    session(context).print_result(taken._asdict(), text, as_json=as_json)


def _key(address: str) -> str:
    from cxtools.sending.address import planned_address

    try:
        return recipient_key(planned_address(address))
    except ValueError:
        raise ConfigError("that is not an address", do="write one, as name@example.com") from None
