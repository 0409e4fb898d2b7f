"""
The rows of a CSV file.

Lines that are certainly a row each are read together by pyarrow (0.4 µs a row), all others by
Python's reader (1.4 µs and an object each), whose word is final. DuckDB's reader takes 0.9 µs.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, TYPE_CHECKING

from cxtools.errors import ConfigError
from cxtools.events.lines import Line, Unreadable
from cxtools.tables.layout import distinct_names, fits

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.lines import Piece
    from cxtools.tables.delimited import DelimitedTable

#: How much of a file is read at once; to the end of a line.
BLOCK_CHARACTERS = 1 << 22
#: A cell may be a whole mail. Python's reader takes 131,072 characters unless it is told; after a
#: longer cell it goes on inside of it, and takes for rows what a mail says.
LONGEST_CELL = BLOCK_CHARACTERS
#: A row over more lines that is set aside has most likely swallowed others.
LONGEST_ROW = 100


def csv_rows(table: DelimitedTable, notes: list[str], *, in_blocks: bool) -> Iterator[Piece]:
    """
    The rows of a table below its header, those of plain lines *in_blocks*.

    *notes* gets a sentence where titles stand above the header, and where a row has most likely
    swallowed others.

    Raises:
        ConfigError: two columns have the same name, or a cell is longer than LONGEST_CELL.

    >>> from cxtools.tables.delimited import open_table
    >>> table = open_table(io.StringIO("a;b\\n1;2\\n"))
    >>> [line.row for line in csv_rows(table, [], in_blocks=False)]
    [{'a': '1', 'b': '2'}]
    """
    csv.field_size_limit(LONGEST_CELL)
    if table.header.titles:
        notes.append(table.header.note)
    header = tuple(distinct_names(table.header.names))
    number = table.header.place + 1
    for lines in _blocks_of_lines(table):
        block = _table(lines, header, table.delimiter) if in_blocks else None
        if block is None:
            reading = _OneByOne(lines, table.text, header, table.delimiter, notes)
            yield from reading.rows(number)
            number += reading.lines_read
        else:
            from cxtools.events.blocks import TableBlock

            yield TableBlock(range(number, number + len(block)), block)
            number += len(block)


def _blocks_of_lines(table: DelimitedTable) -> Iterator[str]:
    """The text below the header, a block after the other, each to the end of a line."""
    text = table.text
    lines = "".join(table.waiting)
    while lines := lines + text.read(BLOCK_CHARACTERS) + text.readline():
        yield lines
        lines = ""


class _OneByOne:
    """
    The rows that begin in some lines, each read by itself; the last one may go on in those that
    follow in *text*.
    """

    def __init__(
        self,
        lines: str,
        text: IO[str],
        header: tuple[str, ...],
        delimiter: str,
        notes: list[str],
    ) -> None:
        self._header = header
        self._notes = notes
        self._delimiter = delimiter
        self._lines = sum(1 for _ in _lines_of(lines))
        self._reader = csv.reader(chain(_lines_of(lines), text), delimiter=delimiter)

    @property
    def lines_read(self) -> int:
        return self._reader.line_num

    def rows(self, first: int) -> Iterator[Line]:
        """The rows; *first* is the number of the first line."""
        while self.lines_read < self._lines:
            number = first + self.lines_read
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                if "larger than field limit" in str(error):
                    raise _too_long(number) from error
                yield Line(number, Unreadable(f"not CSV: {error}", ""))
                continue
            if cells is None:
                return
            if fits(cells, len(self._header)):
                row = dict(zip(self._header, cells, strict=False))
                yield Line(number, row, self._header)
            elif cells:
                lines = first + self.lines_read - number
                reason = _wrong_length(len(cells), len(self._header), lines)
                if lines > LONGEST_ROW:
                    self._notes.append(f"a row of {lines:,} lines was set aside: line {number}")
                yield Line(number, Unreadable(reason, self._delimiter.join(cells)))


def _lines_of(text: str) -> IO[str]:
    """The lines as a file gives them, with their ends."""
    return io.StringIO(text, newline="")


def _too_long(number: int) -> ConfigError:
    return ConfigError(
        f"line {number}: a cell has more than {LONGEST_CELL:,} characters",
        do="correct that row; perhaps a quote is left open in it",
    )


def _wrong_length(cells: int, columns: int, lines: int) -> str:
    reason = f"{cells} fields, the header has {columns}"
    if lines > 1:
        reason += f" over {lines} lines; is a quote left open?"
    return reason


# --- plain lines ---


def _table(text: str, header: Sequence[str], delimiter: str) -> pa.Table | None:
    """The cells of lines; None where not every line is certainly a row of the table."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        utf_8 = text.encode()
    except UnicodeEncodeError:  # a byte that isn't UTF-8
        return None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if not _are_plain(text, lines, delimiter):
        return None
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(utf_8),
            read_options=arrow_csv.ReadOptions(
                column_names=header, use_threads=False, block_size=len(utf_8) + 1
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException:
        return None
    return table if len(table) == len(lines) else None


def _are_plain(text: str, lines: Sequence[str], delimiter: str) -> bool:
    """Whether both readers find the same cells in these lines."""
    if "\0" in text or text.count("\r") != text.count("\r\n"):
        return False
    if max(map(len, lines)) > csv.field_size_limit():
        return False
    return '"' not in text or _are_quoted_well(lines, delimiter)


def _are_quoted_well(lines: Sequence[str], delimiter: str) -> bool:
    """Whether quotes stand around whole cells only, and each ends in its line."""
    import pyarrow as pa
    import pyarrow.compute as pc

    separator = re.escape(delimiter)
    cell = rf'("([^"]|"")*"|[^"{separator}]*)'
    with_quotes = pa.array([line for line in lines if '"' in line], pa.string())
    well = pc.match_substring_regex(with_quotes, rf"^{cell}({separator}{cell})*\r?$")
    return bool(pc.all(well).as_py())
