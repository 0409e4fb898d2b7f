"""
Where the rows stand in a window of a JSON file, found by the look of what is between them.

Nothing is copied: what parts the rows is made white space, and each text reaches to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, overload

import numpy as np
import pyarrow as pa

from cxtools.events.hashes import numbers_between

Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
Places = np.ndarray[tuple[int], np.dtype[np.int64]]

OPENING, CLOSING, NEWLINE, SPACE = b"{}\n "
#: Where one object ends and the next begins, if it isn't inside of an object.
BOUNDARY = re.compile(rb"\}[\s,\[\]]*\{")


class Found(NamedTuple):
    """
    Texts that look like objects, the lines that they begin on, how many characters they are
    together, and how many of those end a line.
    """

    texts: pa.Array
    numbers: Sequence[int]
    characters: int
    lines: int


def rows_in_lines(window: bytes, number: int, most: int) -> Found | None:
    """
    The first texts of a window if each is a line, which *number* is the first of; what follows the
    last line end may be cut.

    >>> found = rows_in_lines(b'{"a":1}\\n{"a":2}\\n{"a"', number=5, most=100)
    >>> found.texts.to_pylist(), found.numbers, found.characters
    (['{"a":1}\\n', '{"a":2}\\n'], range(5, 7), 16)
    """
    letters = np.frombuffer(window, np.uint8)
    ends = np.flatnonzero(letters == NEWLINE)[:most] + 1
    starts = np.concatenate([[0], ends])
    are_lines = (letters[starts[:-1]] == OPENING) & (letters[ends - 2] == CLOSING)
    if not len(ends) or not are_lines.all():
        return None
    numbers = range(number, number + len(ends))
    characters = _characters(window, starts[-1])
    return Found(_texts(window, starts), numbers, characters, len(ends))


def rows_anywhere(window: bytes, number: int, most: int) -> Found | None:
    """
    The first texts of a window that commas and brackets part; the last one, which may be cut, is
    left out.

    >>> found = rows_anywhere(b'{"a":1},\\n {"a":2},{"a"', number=5, most=100)
    >>> found.texts.to_pylist(), list(found.numbers), found.characters
    (['{"a":1}   ', '{"a":2} '], [5, 6], 18)
    """
    places = [match.span() for match in BOUNDARY.finditer(window)]
    if not places or not window.startswith(b"{"):
        return None
    spans = np.array(places[:most])
    ends = spans[:, 0] + 1
    starts = np.concatenate([[0], spans[:, 1] - 1])
    letters = np.frombuffer(window, np.uint8).copy()
    letters[numbers_between(ends, starts[1:])] = SPACE
    numbers = LineNumbers(window, number, starts[:-1])
    characters = _characters(window, starts[-1])
    lines = window.count(b"\n", 0, starts[-1])
    return Found(_texts(letters, starts), numbers, characters, lines)


@dataclass(frozen=True)
class LineNumbers(Sequence[int]):
    """The lines that rows begin on, counted when they are asked for."""

    window: bytes
    first: int
    starts: Places

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...

    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if isinstance(place, slice):
            return replace(self, starts=self.starts[place])
        return self.first + self.window.count(b"\n", 0, self.starts[place])


def _texts(letters: bytes | Bytes, starts: Places) -> pa.Array:
    """The texts that begin at these places, each up to the next; the last place ends the last."""
    offsets = pa.py_buffer(starts.astype(np.int32))
    return pa.StringArray.from_buffers(len(starts) - 1, offsets, pa.py_buffer(letters))


def _characters(window: bytes, end: int) -> int:
    """How many characters so many bytes are."""
    return len(window[:end].decode())
