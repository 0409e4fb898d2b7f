"""The commands on the audit log: audit verify, export, forget-addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cxtools import wording
from cxtools.cli.options import Csv, Json
from cxtools.cli.session import session, write_lines
from cxtools.errors import StoreError
from cxtools.wording import quantity

if TYPE_CHECKING:
    from cxtools.connection import Connection
    from cxtools.ledger.audit import Anchor, Verification

#: So many digits of a hash name it for people, as in an anchor.
SHOWN_OF_HASH = 16

commands = typer.Typer(no_args_is_help=True, help="The audit log: verify, export.")

Anchors = Annotated[
    list[str] | None,
    typer.Option(help="ROW:HASH as a report's footer or a webhook gives it; may be repeated."),
]
About = Annotated[str, typer.Option(help="An address: only the rows that name this person.")]


@commands.command("verify")
def verify(context: typer.Context, anchor: Anchors = None, as_json: Json = False) -> None:
    """Check the log's chain and its anchors; names the first bad row, and what is missing."""
    from cxtools.ledger.audit import parse_anchor

    anchors = [parse_anchor(text) for text in anchor or ()]
    report = _verification(session(context).connect(), anchors)
    faults = [f"\n  {fault}" for fault in report.faults]
    findings = "".join(faults) or "no fault found"
    head = report.head[:SHOWN_OF_HASH]
    text = f"{wording.count(report.rows)} rows, head {head}: {findings}"
    session(context).print_result(asdict(report), text, as_json=as_json)
    if faults:
        number = quantity(len(faults), "fault")
        first = f", the first at row {report.first_bad}" if report.first_bad else ""
        raise StoreError(
            f"the audit log has {number}{first}",
            do="keep the ledger as it is and compare it with a backup",
        )


def _verification(client: Connection, anchors: Sequence[Anchor]) -> Verification:
    """
    What a check finds. A ledger that isn't there has no rows, and isn't made; where the home has
    anchors of one, it is missed.
    """
    from cxtools.ledger.audit import verify_chain

    has_anchors = any(client.settings.home.glob("audit-anchors*"))
    if client.has_ledger or has_anchors:
        return client.ledger.audit_log.verify(anchors)
    return verify_chain((), anchors)


@commands.command("export")
def export(
    context: typer.Context,
    about: About = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """The log for a compliance officer, as one JSON list or as CSV."""
    from cxtools.identity import recipient_key
    from cxtools.ledger.audit import export_csv, export_json

    person = recipient_key(about) if about else ""
    client = session(context).connect()
    rows = client.ledger.audit_log.entries(person) if client.has_ledger else ()
    write_lines(export_csv(rows) if as_csv else export_json(rows))


@commands.command("forget-addresses")
def forget_addresses(context: typer.Context) -> None:
    """
    Erase the key by which the log names people: nobody can be found in it any more, and it still
    verifies.
    """
    session(context).connect().ledger.audit_log.forget_addresses()
    session(context).say("the key is erased; rows from now on name people by a new one")
