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
    newlines = np.flatnonzero(letters == NEWLINE)[:most]
    rows = len(newlines)
    if not rows:
        return None
    starts = np.concatenate([[0], newlines + 1])
    first_letters = letters[starts[:rows]]
    last_letters = letters[newlines - 1]
    are_objects = (first_letters == OPENING) & (last_letters == CLOSING)
    if not are_objects.all():
        return None
    numbers = range(number, number + rows)
    characters = _characters(window, starts[-1])
    texts = _texts(window, starts)
    return Found(texts, numbers, characters, lines=rows)


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
    closing_braces, ends_of_boundaries = np.array(places[:most]).T
    starts_of_next = ends_of_boundaries - 1
    between = numbers_between(closing_braces + 1, starts_of_next)
    letters = np.frombuffer(window, np.uint8).copy()
    letters[between] = SPACE
    starts = np.concatenate([[0], starts_of_next])
    end = starts[-1]
    texts = _texts(letters, starts)
    numbers = LineNumbers(window, number, starts[:-1])
    lines = window.count(b"\n", 0, end)
    return Found(texts, numbers, _characters(window, end), lines)


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
