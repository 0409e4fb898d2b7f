"""The rows of a workbook of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cxtools.events.lines import Line, Unreadable
from cxtools.tables.layout import distinct_names, fits
from cxtools.tables.workbook import SheetTable, open_workbook

if TYPE_CHECKING:
    from cxtools.events.blocks import TableBlock
    from cxtools.events.lines import Piece

Names = tuple[str, ...]

#: So many rows are given as one block.
ROWS_AT_ONCE = 10_000


def sheet_rows(
    file: IO[bytes], path: Path, notes: list[str], *, in_blocks: bool
) -> Iterator[Piece]:
    """
    The rows below the header of the first sheet; empty ones are none.

    Raises:
        ConfigError: the workbook can't be read, or two columns have one name.
    """
    table = open_workbook(file, path, notes)
    if table.header.titles:
        notes.append(table.header.note)
    names = tuple(distinct_names(table.header.names))
    lines = _lines(table, names)
    return _blocks(lines, names) if in_blocks else lines


def _lines(table: SheetTable, names: Names) -> Iterator[Line]:
    for number, cells in table.rows:
        if not fits(cells, len(names)):
            yield Line(number, Unreadable("cells beyond the last column", ", ".join(cells)))
        elif any(cells):
            yield Line(number, dict(zip(names, cells, strict=False)), names)


def _blocks(lines: Iterable[Line], names: Names) -> Iterator[Piece]:
    """The same lines, rows that stand one after the other as blocks."""
    waiting: list[Line] = []
    for line in lines:
        is_row = isinstance(line.row, dict)
        if is_row:
            waiting.append(line)
        if waiting and (not is_row or len(waiting) == ROWS_AT_ONCE):
            yield _block(waiting, names)
            waiting = []
        if not is_row:
            yield line
    if waiting:
        yield _block(waiting, names)


def _block(lines: Sequence[Line], names: Names) -> TableBlock:
    import pyarrow as pa

    from cxtools.events.blocks import TableBlock

    schema = pa.schema([(name, pa.string()) for name in names])
    table = pa.Table.from_pylist([line.row for line in lines], schema)
    return TableBlock([line.number for line in lines], table)
