"""The questions as commands: one for each entry of the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cxtools import wording
from cxtools.cli.options import Csv, Json
from cxtools.cli.session import print_json, session
from cxtools.errors import ConfigError
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
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COLUMN=VALUE",
        help="Only messages with that value, for example provider=gmail. May be repeated.",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="MOMENT",
        help="Leave out what came later: than a day, as 2026-09-14, to its end, or than "
        "2026-09-14T10:00:00+02:00.",
    ),
]
Parquet = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="FILE", dir_okay=False, help="Write a Parquet file."),
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
    ) -> None:
        from cxtools.files import write_whole
        from cxtools.measures.answers import answer
        from cxtools.measures.choices import parse_where

        refuse_several_forms(as_json, as_csv, parquet)
        table = answer(
            session(context).connect().engine,
            question.name,
            [*(names or ()), *(campaign or ())] or None,
            by=",".join(by).split(",") if by else [],
            where=parse_where(where or ()),
            as_of=as_of,
        )
        if as_json:
            print_json(table.records())
        elif as_csv:
            sys.stdout.write(table.map(safe_value).to_csv(index=False))
        elif parquet:
            write_whole(parquet, partial(table.to_parquet, index=False))
            session(context).say(f"{wording.count(len(table))} rows in {parquet}")
        else:
            session(context).print_text(table.text() if len(table) else question.empty)
            if question.derived and len(table):
                session(context).say(f"\n{question.caption}")

    return ask


def refuse_several_forms(as_json: bool, as_csv: bool, parquet: Path | None) -> None:
    """One command prints or writes one form of its answer."""
    forms = {"--json": as_json, "--csv": as_csv, "--parquet": parquet is not None}
    wanted = [form for form, is_wanted in forms.items() if is_wanted]
    if len(wanted) > 1:
        raise ConfigError(f"{' and '.join(wanted)} were both asked for", do="choose one of them")


def safe_value(value: object) -> object:
    """The value, harmless if a spreadsheet would run it as a formula."""
    from cxtools.text import safe_cell

    return safe_cell(value) if isinstance(value, str) else value


for entry in QUESTIONS.values():
    commands.command(entry.name, help=f"{entry.question}\n\n{entry.note}")(command_for(entry))
