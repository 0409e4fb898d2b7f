"""The commands on whom our campaigns don't mail: suppressions list, add, lift, import, export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxtools import wording
from cxtools.cli.options import Addresses, Csv, Json
from cxtools.cli.session import session, write_lines
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.text import mask_address, safe_cell, safe_line
from cxtools.wording import quantity

if TYPE_CHECKING:
    from cxtools.connection import Connection
    from cxtools.ledger.suppressions import Suppressed

commands = typer.Typer(
    no_args_is_help=True, help="Whom no campaign mails, and why: list, add, lift, import, export."
)

Address = Annotated[str, typer.Argument(help="The person's address.")]
Reason = Annotated[
    str,
    typer.Option(
        "--reason", help="Why; kept here and in the audit trail, addresses in it are masked."
    ),
]
List = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="JSON of another platform's API, or a table with a column of addresses.",
    ),
]
Campaign = Annotated[str, typer.Option("--campaign", help="Only those that this campaign found.")]

#: The columns of a list, in their order.
COLUMNS = ("key", "email", "reason", "since", "source", "campaign")
#: Letters of a reason that are kept.
LONGEST_REASON = 300


@commands.command("list")
def list_suppressions(
    context: typer.Context,
    addresses: Addresses = False,
    campaign: Campaign = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """
    Who is suppressed, why, since when, and who says so. The ledger keeps a key of each; the address
    is shown where a plan or the events still hold it, masked unless --addresses asks for it.
    """
    client = session(context).connect()
    rows = _rows(client, masked=not addresses, campaign=campaign)
    if as_csv:
        write_lines(_csv(COLUMNS, rows))
        return
    lines = [_line(row) for row in rows]
    text = "\n".join(lines) or "nobody is suppressed"
    session(context).print_result(rows, text, as_json=as_json)


@commands.command("add")
def add_suppression(
    context: typer.Context, address: Address, reason: Reason, as_json: Json = False
) -> None:
    """Suppress a person from now on."""
    from cxtools.ledger.suppressions import BY_HAND, OPERATOR

    client = session(context).connect()
    reasons = {_key(address): safe_line(reason, LONGEST_REASON)}
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
    lifted = client.ledger.suppressions.lift(_key(address), safe_line(reason, LONGEST_REASON))
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
    taken = suppress_list(client.ledger, file, safe_line(reason, LONGEST_REASON))
    client.ledger.audit_log.append_anchor()
    people = wording.count(taken.people)
    text = f"people on the list: {people}, newly suppressed: {wording.count(taken.added)}"
    if taken.without_address:
        text += f"; rows without one valid address: {wording.count(taken.without_address)}"
    session(context).print_result(taken._asdict(), text, as_json=as_json)


@commands.command("export")
def export_suppressions(
    context: typer.Context, campaign: Campaign = "", as_json: Json = False
) -> None:
    """
    A list with whole addresses for another platform, as CSV, or with --json as JSON; it can be
    imported again. Who is known by a key alone can't be in it, and is counted. Has its entry in the
    audit log.
    """
    from cxtools.ledger.suppressions import EXPORTED

    client = session(context).connect()
    rows = _rows(client, masked=False, campaign=campaign)
    known = [row for row in rows if row["email"]]
    client.ledger.audit_log.write(
        EXPORTED, count=len(known), without_address=len(rows) - len(known)
    )
    if as_json:
        session(context).print_result(known, "", as_json=True)
    else:
        write_lines(_csv(COLUMNS[1:], known))
    if len(known) < len(rows):
        number = quantity(len(rows) - len(known), "suppressed person")
        session(context).say(f"left out, since no address is held any more: {number}")


def _rows(client: Connection, *, masked: bool, campaign: str) -> list[dict[str, Any]]:
    """The suppressed people, those of last first."""
    from cxtools.people.addresses import addresses_of

    people = client.ledger.suppressions.listed() if client.has_ledger else []
    if campaign:
        people = [one for one in people if one.source == "campaign" and one.campaign == campaign]
    emails = addresses_of(client, [one.key for one in people])
    if masked:
        emails = {key: mask_address(email) for key, email in emails.items()}
    return [_row(one, emails.get(one.key, "")) for one in people]


def _row(one: Suppressed, email: str) -> dict[str, Any]:
    since = datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds")
    is_campaign = one.source == "campaign"
    return {
        "key": one.key,
        "email": email,
        "reason": one.reason,
        "since": since,
        "source": one.source,
        "campaign": one.campaign if is_campaign else "",
    }


def _line(row: Mapping[str, Any]) -> str:
    who = row["email"] or f"key {row['key']}"
    by_whom = f"campaign {row['campaign']}" if row["campaign"] else row["source"]
    return f"{row['since'][:10]}  {who}  {row['reason']} ({by_whom})"


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows as CSV, without what a spreadsheet would run."""
    for values in [dict(zip(columns, columns, strict=True)), *rows]:
        line = io.StringIO()
        cells = [safe_cell(str(values[column])) for column in columns]
        csv.writer(line).writerow(cells)
        yield line.getvalue()


def _key(address: str) -> str:
    from cxtools.sending.address import planned_address

    try:
        return recipient_key(planned_address(address))
    except ValueError:
        raise ConfigError("that is not an address", do="write one, as name@example.com") from None
