"""The command on a list before it is mailed: hygiene."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from cxtools.cli.options import Csv, Json
from cxtools.cli.session import session, write_lines
from cxtools.text import safe_cell

commands = typer.Typer()

List = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A list of recipients: CSV or Excel.")
]
Dns = Annotated[bool, typer.Option("--dns", help="Ask DNS which domains take no mail.")]
Addresses = Annotated[bool, typer.Option("--addresses", help="Whole addresses, not masked ones.")]

COLUMNS = ("line", "email", "kind", "detail")


@commands.command()
def hygiene(
    context: typer.Context,
    *,
    file: List,
    dns: Dns = False,
    addresses: Addresses = False,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """
    What is odd about a list before it is mailed: typos, dead domains, role accounts, throw-away
    mailboxes, duplicates, who bounced repeatedly or never opened. Changes nothing.
    """
    from cxtools.sending.recipients import TableFile

    client = session(context).connect()
    found = client.hygiene(TableFile(file), dns=dns)
    if not as_csv:
        document = found.to_dict(masked=not addresses)
        session(context).print_result(document, str(found), as_json=as_json)
        return
    rows = [list(COLUMNS)]
    for row in found.documents(masked=not addresses):
        rows.append([safe_cell(str(row[column])) for column in COLUMNS])
    table = io.StringIO()
    csv.writer(table).writerows(rows)
    write_lines([table.getvalue()])
