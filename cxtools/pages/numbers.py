"""
The numbers of a page: the rows of a figure or of a long table. Its first rows stand in the page as
HTML; all of them travel along packed, for the script that sorts, searches and saves them.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxtools import wording
from cxtools.charts import tables
from cxtools.charts.display import MIME
from cxtools.charts.rows import SHOWN_ROWS
from cxtools.pages.checks import check_addresses
from cxtools.pages.facts import script_json

#: An object of JSON.
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Numbers:
    """
    The rows of a figure or a table.

    columns  in the CSV's order
    shown    the columns for readers
    rows     column -> value
    total    how many rows there were, of which a large feed's last ones are not here
    """

    title: str
    caption: str
    columns: Sequence[str]
    shown: Sequence[str]
    rows: Sequence[Document]
    total: int

    @property
    def more(self) -> str:
        """How many rows are left out of the page, in words; "" where all are there."""
        return wording.shown_note(len(self.rows), self.total)

    @property
    def html(self) -> str:
        """The first rows as a table for readers."""
        note = wording.shown_note(SHOWN_ROWS, self.total)
        rows = [dict(row) for row in self.rows[:SHOWN_ROWS]]
        return tables.html_table(self.shown, rows, self.caption + note)

    def file_name(self, number: int) -> str:
        """The name of the file that "Download CSV" saves."""
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return f"{number}-{words}.csv"

    def to_dict(self) -> dict[str, Any]:
        """What the page's script needs: values for the CSV, and texts where they are others."""
        return {
            "caption": self.caption,
            "columns": self.columns,
            "shown": [self.columns.index(column) for column in self.shown],
            "rows": [[row[column] for column in self.columns] for row in self.rows],
            "texts": [self._texts(row) for row in self.rows],
            "total": self.total,
        }

    def _texts(self, row: Document) -> list[str | None]:
        return [_other_text(column, row) for column in self.shown]


def _other_text(column: str, row: Document) -> str | None:
    """How a value is written, unless that is the value itself."""
    text = tables.unbroken(tables.value_text(column, dict(row)))
    return None if text == row[column] else text


def numbers_of(about: Document, *, title: str, caption: str = "") -> Numbers:
    """The numbers of a figure's `layout.meta`, or of a table's own MIME type."""
    columns = about.get("columns", [])
    rows = [_row(columns, values) for values in about.get("rows", [])]
    return Numbers(
        title=title,
        caption=caption,
        columns=columns,
        shown=about.get("shown", columns),
        rows=rows,
        total=about.get("of", len(rows)),
    )


def _row(columns: Sequence[str], values: Any) -> Document:
    """A row as a figure carries it; in notebooks of 0.1.0 each is an object."""
    if isinstance(values, Mapping):
        return values
    return dict(zip(columns, values, strict=True))


def take_tables(notebook: Any) -> list[Numbers]:
    """The long tables of a notebook, in order; each output is marked (`metadata.table`)."""
    found: list[Numbers] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            about = output.get("data", {}).get(MIME)
            if about is None:
                continue
            output.metadata["table"] = len(found)
            caption = about.get("caption", "")
            found.append(numbers_of(about, title=about["title"], caption=caption))
    return found


def packed(numbers: Sequence[Numbers]) -> str:
    """
    All numbers of a page, for its script: JSON, deflated, as letters.

    Raises:
        ReportError: an address stands in them unmasked; in the page nobody would see it.
    """
    documents = [each.to_dict() for each in numbers]
    for each, document in zip(numbers, documents, strict=True):
        check_addresses(script_json(document), each.title)
    text = script_json(documents)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
