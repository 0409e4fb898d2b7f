"""
A table written as text: its layout, and the lines below its header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from cxtools.tables.layout import LINES_LOOKED_AT, Header, find_layout


@dataclass(frozen=True)
class DelimitedTable:
    """
    A table of which the first lines were read.

        delimiter   what parts the cells
        header      the names of the columns, and in which line they stand
        first       the lines that were read so far, from the top
        text        the others
    """

    delimiter: str
    header: Header
    first: Sequence[str]
    text: IO[str]

    @property
    def waiting(self) -> Sequence[str]:
        """Of the lines that were read those below the header."""
        return self.first[self.header.place :]

    def lines(self) -> Iterator[str]:
        """All lines below the header; once."""
        return chain(self.waiting, self.text)


def open_table(text: IO[str]) -> DelimitedTable:
    """
    The table in a text, which stands at its start.

    >>> import csv, io
    >>> table = open_table(io.StringIO("sep=;\\nevent;email\\nopen;ann\\n"))
    >>> table.header.names, list(csv.reader(table.lines(), delimiter=table.delimiter))
    (('event', 'email'), [['open', 'ann']])
    """
    first = list(islice(iter(text.readline, ""), LINES_LOOKED_AT))
    layout = find_layout(first)
    return DelimitedTable(layout.delimiter, layout.header, first, text)
