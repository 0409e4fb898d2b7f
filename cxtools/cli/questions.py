"""The questions as commands: one for each entry of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cxtools.cli.forms import Form, Parquet, Xlsx
from cxtools.cli.options import AsOf, Csv, Json, Where
from cxtools.cli.session import session
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.question import Question

commands = typer.Typer()

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="CAMPAIGN", help="Names of campaigns; all when left out."),
]
Campaigns = Annotated[
    list[str] | None,
    typer.Option("--campaign", metavar="NAME", help="The same; may be repeated."),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMN[,COLUMN]",
        help=f"Split by columns: {', '.join(DIMENSIONS)}, or segments. May be repeated.",
    ),
]


def command_for(question: Question) -> Callable[..., None]:
    """The command that asks one question."""

    def ask(  # noqa: PLR0913  # a command has as many options as its line
        context: typer.Context,
        *,
        names: Names = None,
        campaign: Campaigns = None,
        by: By = None,
        where: Where = None,
        as_of: AsOf = None,
        as_json: Json = False,
        as_csv: Csv = False,
        parquet: Parquet = None,
        xlsx: Xlsx = None,
    ) -> None:
        from cxtools.measures.answers import answer
        from cxtools.measures.choices import parse_options

        form = Form(as_json, as_csv, parquet, xlsx)
        table = answer(
            session(context).connect().engine,
            question.name,
            [*(names or ()), *(campaign or ())] or None,
            by=",".join(by or ()),
            where=parse_options(where or ()),
            as_of=as_of,
        )
        form.show(session(context), table, question.nothing(table.splits))
        if question.derived and len(table) and form.is_text:
            session(context).say(f"\n{question.caption}")
        for note in table.notes:
            session(context).say(note)

    return ask


for entry in QUESTIONS.values():
    commands.command(entry.name, help=f"{entry.question}\n\n{entry.note}")(command_for(entry))
