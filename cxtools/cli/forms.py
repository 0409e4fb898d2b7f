"""
The forms of an answer: text, JSON and CSV on stdout, Parquet and Excel into a file. Every command
that answers with rows has the same, and one at a time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxtools import wording
from cxtools.cli.session import print_json
from cxtools.errors import ConfigError

if TYPE_CHECKING:
    from cxtools.cli.session import Session
    from cxtools.measures.table import Table

Parquet = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="FILE", dir_okay=False, help="Write a Parquet file."),
]
Xlsx = Annotated[
    Path | None,
    typer.Option("--xlsx", metavar="FILE", dir_okay=False, help="Write a sheet for Excel."),
]
#: Rows that a sheet of Excel holds below its head.
SHEET_ROWS = 1_048_575


@dataclass(frozen=True)
class Form:
    """The form that was asked for; none of them: text."""

    as_json: bool = False
    as_csv: bool = False
    parquet: Path | None = None
    xlsx: Path | None = None

    def __post_init__(self) -> None:
        """
        Refuse several forms at once.

        Raises:
            ConfigError: more than one was asked for.
        """
        forms = {
            "--json": self.as_json,
            "--csv": self.as_csv,
            "--parquet": self.parquet is not None,
            "--xlsx": self.xlsx is not None,
        }
        wanted = [form for form, is_wanted in forms.items() if is_wanted]
        if len(wanted) > 1:
            raise ConfigError(
                f"{' and '.join(wanted)} were both asked for", do="choose one of them"
            )

    @property
    def is_text(self) -> bool:
        """Whether people read it in the terminal."""
        return not (self.as_json or self.as_csv or self.parquet or self.xlsx)

    def show(
        self,
        session: Session,
        table: Table,
        empty: str,
        *,
        most: int | None = None,
        in_words: bool = False,
    ) -> None:
        """
        Print a table or write it; *empty* is what people read of one without rows. In a terminal at
        most *most* rows are shown (None: all), and it is said how many more there are; *in_words*
        are those of columns that are ours, not of a statement.
        """
        if self.as_json:
            print_json(table.records())
        elif self.as_csv:
            from cxtools.sheets import csv_text

            sys.stdout.write(csv_text(table))
        elif self.parquet or self.xlsx:
            session.say(f"{wording.count(len(table))} rows in {self._write(table)}")
        else:
            shown = table if most is None else table.head(most)
            as_text = _in_words if in_words else _text
            session.print_text(as_text(shown) if len(table) else empty)
            more = len(table) - len(shown)
            if more:
                session.say(f"{wording.count(more)} more rows: --csv, --json, --parquet FILE")

    def _write(self, table: Table) -> Path:
        from cxtools.files import write_whole

        if self.parquet:
            return write_whole(self.parquet, partial(table.to_parquet, index=False))
        if not self.xlsx:
            raise ValueError("no file was asked for")
        if len(table) > SHEET_ROWS:
            raise ConfigError(
                f"a sheet holds {wording.count(SHEET_ROWS)} rows, not "
                f"{wording.count(len(table))}; nothing was written",
                where=str(self.xlsx),
                do="write --csv or --parquet FILE, or ask for less",
            )
        return write_whole(self.xlsx, partial(_write_sheet, table))


def _write_sheet(table: Table, file: Any) -> None:
    table.to_excel(file, index=False, engine="openpyxl", sheet_name="cxtools")


def _in_words(table: Table) -> str:
    from cxtools.charts.tables import listing

    return listing(table)


def _text(table: Table) -> str:
    """The answer to a question as such; of anything else every row and column."""
    if table.question:
        return table.text()
    from cxtools.text import printable

    lines = table.to_string(index=False).split("\n")
    return "\n".join(printable(line) for line in lines)
