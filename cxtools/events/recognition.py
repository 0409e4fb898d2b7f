"""
Whose rows a file holds: each row of JSON is asked by itself, a table by its header. Pure.

So a stream may change its vendor, and an odd first row decides nothing. Rows of a block are not
asked one by one: it is enough that a row has the names that only its feed has.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.events import feeds
from cxtools.events.blocks import array
from cxtools.events.feeds import AUTO

if TYPE_CHECKING:
    from cxtools.events.blocks import Block
    from cxtools.events.feeds.plain import Plain
    from cxtools.events.feeds.values import Row

Names = tuple[str, ...]


class Recognition:
    """
    Whose the rows of one file are; *format* is a feed's name where the user said it, or AUTO.

    >>> recognition = Recognition(AUTO)
    >>> recognition.feed_of({"eventType": "open", "messageId": "m1"}, None)
    'cxone'
    >>> recognition.feed_of({"eventType": "open", "who": "m1"}, ("eventType", "who"))
    'table'
    """

    def __init__(self, format: str) -> None:
        self.is_told = format != AUTO
        self._format = format
        self._feeds_of_headers: dict[Names, str] = {}

    def feed_of(self, row: Row, names: Names | None) -> str:
        """The feed of a row; *names* are the columns where it is a row of a table."""
        if self.is_told:
            return self._format
        if names is None:
            return feeds.recognise(row)
        return self._feed_of_header(names)

    def feed_of_block(self, block: Block) -> str:
        """The feed of all rows of a table, or of most rows of a block of others."""
        if self.is_told:
            return self._format
        if block.names is not None:
            return self._feed_of_header(block.names)
        places = (0, len(block) // 2, len(block) - 1)
        found = Counter(feeds.recognise(block.row(place)) for place in places)
        [(name, _)] = found.most_common(1)
        return name

    def _feed_of_header(self, names: Names) -> str:
        if names not in self._feeds_of_headers:
            header = dict.fromkeys(names, "")
            self._feeds_of_headers[names] = feeds.recognise(header)
        return self._feeds_of_headers[names]


def strangers(plain: Plain, block: Block, cells: pa.Table) -> pa.Array:
    """The rows of a block that may be of another feed than the one that is read as *plain* says."""
    if plain.marks:
        return pc.invert(_marked(plain, cells))
    return _not_tables(block, cells)


def _marked(plain: Plain, cells: pa.Table) -> pa.Array:
    """The rows that have the names of one of the feed's marks."""
    is_marked = pa.repeat(False, len(cells))
    for group in plain.marks:
        is_there = pa.repeat(True, len(cells))
        for name in group:
            is_there = pc.and_(is_there, pc.is_valid(cells[name]))
        is_marked = pc.or_(is_marked, is_there)
    return array(is_marked)


def _not_tables(block: Block, cells: pa.Table) -> pa.Array:
    """The rows that a vendor recognises; of those with the same names one is asked for all."""
    patterns = np.zeros(len(cells), np.int64)
    for place, column in enumerate(cells.columns):
        is_there = pc.is_valid(column).to_numpy()
        patterns |= is_there.astype(np.int64) << place
    _, places, pattern_of_row = np.unique(patterns, return_index=True, return_inverse=True)
    is_strange = [feeds.recognise(block.row(place)) != "table" for place in places.tolist()]
    return pa.array(np.array(is_strange)[pattern_of_row])
