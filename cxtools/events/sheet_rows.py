"""The rows of a workbook of events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cxtools.events.lines import Line, Unreadable
from cxtools.tables.layout import distinct_names, fits
from cxtools.tables.workbook import open_workbook


def sheet_rows(file: IO[bytes], path: Path, notes: list[str]) -> Iterator[Line]:
    """
    The rows below the header of the first sheet; empty ones are none.

    Raises:
        ConfigError: the workbook can't be read, or two columns have one name.
    """
    table = open_workbook(file, path, notes)
    if table.header.titles:
        notes.append(table.header.note)
    names = tuple(distinct_names(table.header.names))
    for number, cells in table.rows:
        if fits(cells, len(names)):
            if any(cells):
                row = dict(zip(names, cells, strict=False))
                yield Line(number, row, names)
        else:
            yield Line(number, Unreadable("cells beyond the last column", ", ".join(cells)))
