"""The command `sql`: what people ask beside the questions of the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from cxtools import wording
from cxtools.cli.forms import Form, Parquet, Xlsx
from cxtools.cli.options import Addresses, Csv, Json
from cxtools.cli.session import session

commands = typer.Typer()

Sql = Annotated[
    str, typer.Argument(metavar="STATEMENT", help="One select; `describe messages` lists columns.")
]
Campaigns = Annotated[
    list[str] | None,
    typer.Option("--campaign", metavar="NAME", help="Only this campaign; may be repeated."),
]


@commands.command("sql")
def ask_sql(  # a command has as many options as its line
    context: typer.Context,
    *,
    statement: Sql,
    campaign: Campaigns = None,
    addresses: Addresses = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
    xlsx: Xlsx = None,
) -> None:
    """
    What a statement selects from the views messages, clicks, events and campaigns. It only reads:
    no files, no network, no settings; it is ended when it takes too long (`sql_seconds`) or too
    much memory. Addresses are masked unless --addresses asks for them.
    """
    from cxtools.inquiry import ask_statement, write_statement

    form = Form(as_json, as_csv, parquet, xlsx)
    client = session(context).connect()
    if parquet:
        rows = write_statement(client, statement, campaign, addresses=addresses, file=parquet)
        session(context).say(f"{wording.count(rows)} rows in {parquet}")
        return
    table = ask_statement(client, statement, campaign, addresses=addresses)
    form.show(session(context), table, "The statement selects no rows.")
