"""What people ask beside the questions of the catalogue: sql, recipients, texts, timeline."""

from __future__ import annotations

from typing import Annotated

import typer

from cxtools import wording
from cxtools.cli.forms import Form, Parquet, Xlsx
from cxtools.cli.options import Addresses, AsOf, Csv, Json
from cxtools.cli.options import Where as WhereOption
from cxtools.cli.session import session

commands = typer.Typer()

#: Rows that a terminal shows; those left over are counted.
LINES_SHOWN = 50
#: What a terminal has room for of a recipient; the other forms have all.
TERMINAL_COLUMNS = [
    "campaign",
    "person",
    "email",
    "provider",
    "delivered",
    "opened",
    "clicked",
    "category",
]

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


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="CAMPAIGN", help="Names of campaigns; all when left out."),
]
Step = Annotated[
    str,
    typer.Option(help="attempted, delivered, bounced, late_bounced, opened, clicked, complained."),
]
Category = Annotated[
    list[str] | None,
    typer.Option("--category", metavar="CAUSE", help="Only bounces of that category."),
]
Kind = Annotated[
    list[str] | None, typer.Option("--kind", help="Only hard, soft, block or undetermined ones.")
]
Reason = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="TEXT", help="Only that reason, as `cxtools reasons` has it."),
]
Link = Annotated[
    list[str] | None,
    typer.Option("--link", metavar="URL", help="Only who followed it, as `cxtools links` has it."),
]
Person = Annotated[
    str, typer.Argument(help="An address, or the person that `cxtools recipients` names.")
]


@commands.command("recipients")
def list_recipients(  # noqa: PLR0913  # a command has as many options as its line
    context: typer.Context,
    *,
    names: Names = None,
    step: Step = "",
    category: Category = None,
    kind: Kind = None,
    reason: Reason = None,
    link: Link = None,
    where: WhereOption = None,
    as_of: AsOf = None,
    addresses: Addresses = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
    xlsx: Xlsx = None,
) -> None:
    """
    The people behind a count: one row per message to somebody, with what became of it.
    """
    from cxtools.measures import people
    from cxtools.measures.choices import parse_options

    form = Form(as_json, as_csv, parquet, xlsx)
    table = people.recipients(
        session(context).connect().engine,
        names or None,
        people.Behind(step, category, kind, reason, link=link),
        where=parse_options(where or ()),
        as_of=as_of,
        addresses=addresses,
    )
    if form.is_text:
        table = table[TERMINAL_COLUMNS]
    form.show(session(context), table, "Nobody is that.", most=LINES_SHOWN, in_words=True)


@commands.command("texts")
def list_texts(  # noqa: PLR0913  # a command has as many options as its line
    context: typer.Context,
    *,
    names: Names = None,
    category: Category = None,
    kind: Kind = None,
    reason: Reason = None,
    where: WhereOption = None,
    as_of: AsOf = None,
    addresses: Addresses = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
    xlsx: Xlsx = None,
) -> None:
    """
    What servers wrote when they refused a message, word for word, and to how many people.
    """
    from cxtools.measures import people
    from cxtools.measures.choices import parse_options

    form = Form(as_json, as_csv, parquet, xlsx)
    table = people.texts(
        session(context).connect().engine,
        names or None,
        people.Behind("", category, kind, reason),
        where=parse_options(where or ()),
        as_of=as_of,
        addresses=addresses,
    )
    form.show(session(context), table, "No bounce is that.", most=LINES_SHOWN, in_words=True)


@commands.command("timeline")
def show_timeline(
    context: typer.Context,
    *,
    person: Person,
    addresses: Addresses = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
    xlsx: Xlsx = None,
) -> None:
    """
    One person's time line: plans, events and suppressions, in all campaigns.
    """
    from cxtools.people.timeline import timeline

    form = Form(as_json, as_csv, parquet, xlsx)
    table = timeline(session(context).connect(), person, addresses=addresses)
    form.show(session(context), table, "Nothing is held on that person.", most=LINES_SHOWN)
