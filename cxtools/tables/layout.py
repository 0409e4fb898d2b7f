"""
How a table is laid out: what parts its cells, and which row is its header. Pure.

A header is the first row whose cells look like names and that no row below is wider than; narrow
rows above it are titles. Ours because `csv.Sniffer` knows no titles, and takes a letter that occurs
equally often in each line for what parts cells.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cxtools.errors import ConfigError
from cxtools.text import safe_line

DELIMITERS = ",;\t|"
#: So many lines at the top of a file tell its layout.
LINES_LOOKED_AT = 50
#: Rows below a header that must not be wider.
ROWS_BELOW = 3

#: A line that tells Excel what parts the cells.
SEPARATOR = re.compile(r'\s*"?sep=(?P<delimiter>.)"?\s*', re.IGNORECASE)
#: Bytes that no encoding made a letter of.
NOT_TEXT = re.compile("[\ud800-\udfff]")
#: What isn't the name of a column: an address, a number or moment, a link, an object.
NOT_A_NAME = re.compile(r".*@.*|[\d\s.,:;/+-]*|https?:.*|[{\[].*|.{100,}", re.DOTALL)


@dataclass(frozen=True)
class Header:
    """
    The names of a table's columns.

        names   as they are written, in NFC, without white space around them
        place   how many rows or lines there are up to the end of the header
        titles  whether some above it are left out
    """

    names: tuple[str, ...]
    place: int
    titles: bool

    @property
    def note(self) -> str:
        return f"the names of the columns are in line {self.place}; what stands above was left out"


@dataclass(frozen=True)
class Layout:
    """What parts the cells of a text, and its header."""

    delimiter: str
    header: Header


class _Record:
    """The cells of a row, those without the empty ones at its end, and where the row ends."""

    def __init__(self, cells: Sequence[str], end: int) -> None:
        self.all_cells = [cell.strip() for cell in cells]
        self.cells = filled(cells)
        self.end = end


def filled(cells: Sequence[str]) -> tuple[str, ...]:
    """
    The cells without the empty ones at the end, and without white space around them.

    >>> filled([" event", "", "email", "", " "])
    ('event', '', 'email')
    """
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return tuple(stripped)


def fits(cells: Sequence[str], width: int) -> bool:
    """
    Whether a row has the cells of a header; those beyond it must be empty.

    >>> fits(["open", "ann", ""], 2), fits(["open", "ann", "?"], 2), fits(["open"], 2)
    (True, False, False)
    """
    return len(cells) >= width and not any(cells[width:])


def find_layout(lines: Sequence[str]) -> Layout:
    """
    The layout of a text by its first lines.

    >>> find_layout(["Report\\n", "\\n", "event;to\\n", "open;Smith, Ann\\n"])
    Layout(delimiter=';', header=Header(names=('event', 'to'), place=3, titles=True))
    """
    first, rest = _without_separator(lines)
    layouts = {}
    for delimiter in first or DELIMITERS:
        records = list(_records(rest, delimiter))
        header = find_header(records)
        layouts[delimiter] = (_fitting(records, header), len(header.names), header)
    best = max(layouts, key=lambda delimiter: layouts[delimiter][:2])
    header = layouts[best][2]
    skipped = len(lines) - len(rest)
    return Layout(best, Header(header.names, header.place + skipped, header.titles))


def _without_separator(lines: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The delimiter that the first line names, if any, and the other lines."""
    for number, line in enumerate(lines):
        match = SEPARATOR.fullmatch(line)
        if match:
            return match["delimiter"], lines[number + 1 :]
        if line.strip():
            break
    return "", lines


def _records(lines: Sequence[str], delimiter: str) -> Iterator[_Record]:
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:  # too long a cell
            return
        if cells is None:
            return
        yield _Record(cells, reader.line_num)


def header_of_rows(rows: Sequence[Sequence[str]]) -> Header:
    """The header of a sheet by its first rows."""
    records = [_Record(cells, end) for end, cells in enumerate(rows, start=1)]
    return find_header(records)


def find_header(records: Sequence[_Record]) -> Header:
    """The header among the first rows; the first that isn't blank where none looks like one."""
    written = [record for record in records if record.cells]
    if not written:
        return Header((), len(records), titles=False)
    place = next((place for place in range(len(written)) if _is_header(written, place)), 0)
    names = _names(written[place], written[place + 1 :])
    return Header(names, written[place].end, titles=place > 0)


def _names(header: _Record, below: Sequence[_Record]) -> tuple[str, ...]:
    """The names of all columns in which there is something: also a column may have none."""
    widest = max((len(record.cells) for record in below), default=0)
    width = max(len(header.cells), widest)
    return tuple(unicodedata.normalize("NFC", name) for name in header.all_cells[:width])


def distinct_names(names: Sequence[str]) -> list[str]:
    """
    The names by which the cells of a row are known; a column without one is named by its number.

    Raises:
        ConfigError: two columns have the same name, or one is not text.

    >>> distinct_names(["", "event"])
    ['column 1', 'event']
    """
    if any(map(NOT_TEXT.search, names)):
        raise ConfigError("the names of the columns are not UTF-8 text", do="save it as UTF-8")
    known: list[str] = []
    for number, name in enumerate(names, start=1):
        if name and name in known:
            raise ConfigError(
                f"two columns are called {safe_line(name, 80)!r}",
                do="give one of them another name, so that it is clear which one is meant",
            )
        known.append(name or f"column {number}")
    return known


def _is_header(records: Sequence[_Record], place: int) -> bool:
    """Whether a row can be the header and those above it titles."""
    names = records[place].cells
    above = records[:place]
    below = records[place + 1 : place + 1 + ROWS_BELOW]
    is_wider = all(2 * len(title.cells) <= len(names) for title in above)
    is_widest = all(len(row.cells) <= len(names) for row in below)
    return is_wider and is_widest and _look_like_names(names)


def _look_like_names(cells: Sequence[str]) -> bool:
    are_different = len(set(cells)) == len(cells)
    return are_different and not any(map(NOT_A_NAME.fullmatch, cells))


def _fitting(records: Sequence[_Record], header: Header) -> int:
    """How many rows are as wide as the header; none where that has one cell only."""
    return sum(1 < len(record.cells) <= len(header.names) for record in records)
