"""
The rows of a JSON file: of a document, an array, lines, or lines of arrays, also run together.

The reader is our own because the standard library's takes whole documents only. Rows that stand
one after the other and are objects without a doubt are given as blocks of their texts (see
`json_texts`); all others are decoded one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from cxtools.events.lines import Line, Unreadable
from cxtools.events.wrappers import (
    EXTENDED_MARK,
    LIST_BEGIN,
    MAY_CARRY,
    is_row,
    plain_value,
    rows_of,
)

if TYPE_CHECKING:
    from cxtools.events.blocks import TextBlock
    from cxtools.events.json_windows import Found
    from cxtools.events.lines import Piece

#: How much of a file is read at once.
BLOCK_CHARACTERS = 1 << 22
#: Rows of a block, at least and at most, and so many characters of a window for each.
FEWEST = 16
MOST = 1 << 16
LONGEST_PLAIN = 2000
#: Where a row of a block isn't plain, this share of its rows is tried.
SHARE = 8

#: Between the objects of a JSON file: brackets and commas only separate.
SEPARATORS = re.compile(r"[\s,\[\]\ufeff]*")
DECODE = json.JSONDecoder().raw_decode
#: A fault so near to the end of what was read may be a value that was cut in two.
LONGEST_TOKEN = 16
#: Where one row ends and another one begins.
NEXT_ROW = re.compile(r"\}\s*,\s*\{\s*\"")
#: An object as Python shows it.
PYTHON = re.compile(r"\{\s*'")
#: How much of a row that can't be read is kept.
LONGEST_REJECT = 2000


def json_rows(text: IO[str], *, in_blocks: bool) -> Iterator[Piece]:
    """
    The objects of a file and the rows that they carry, plain ones *in_blocks*.

    >>> import io
    >>> text = io.StringIO('[{"a": 1},\\n {"a": 2}]\\n{"a": 3}')
    >>> [line.row for line in json_rows(text, in_blocks=False)]
    [{'a': 1}, {'a': 2}, {'a': 3}]
    """
    reading = _Reading(text)
    plain = _PlainRows(reading) if in_blocks else None
    while True:
        reading.skip_separators()
        block = plain.block() if plain else None
        if block:
            yield block
            continue
        value, end = _json_value(reading.buffer, reading.position, reading.ended)
        if end > reading.position:
            if reading.buffer.find(EXTENDED_MARK, reading.position, end) >= 0:
                value = plain_value(value)
            for row in rows_of(value):
                yield Line(reading.number, row)
            reading.advance(end)
        elif reading.ended:
            return
        else:
            reading.read_more()


class _Reading:
    """A window on the file: what was read and not yet taken, and on which line that begins."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.buffer = ""
        self.position = 0
        self.number = 1
        self.taken = 0
        self.ended = False

    def advance(self, end: int) -> None:
        self.advance_lines(end, self.buffer.count("\n", self.position, end))

    def advance_lines(self, end: int, lines: int) -> None:
        """The same where it is known how many lines end before *end*."""
        self.number += lines
        self.taken += end - self.position
        self.position = end

    def skip_separators(self) -> None:
        match = SEPARATORS.match(self.buffer, self.position)
        self.advance(match.end() if match else self.position)

    def read_more(self) -> None:
        # Twice as much each time, so that a long value isn't decoded over and over.
        more = self._text.read(max(BLOCK_CHARACTERS, len(self.buffer) - self.position))
        self.buffer = self.buffer[self.position :] + more
        self.position = 0
        self.ended = not more


class _PlainRows:
    """
    The blocks of a file's plain rows.

    Where one of many rows isn't plain, fewer are tried, and the last few go one by one; where that
    comes again and again, more and more go so before others are tried.
    """

    def __init__(self, reading: _Reading) -> None:
        from cxtools.events.blocks import ColumnTypes
        from cxtools.events.json_texts import Compactor

        self._reading = reading
        self._types = ColumnTypes()
        self._compactor = Compactor(MAY_CARRY, is_row)
        self._most = MOST
        self._pause = 0
        self._one_by_one_until = 0

    def block(self) -> TextBlock | None:
        """The next rows in the window, but never the last, which may be cut; None: one by one."""
        from cxtools.events.blocks import TextBlock

        reading = self._reading
        if reading.taken < self._one_by_one_until:
            return None
        while found := self._find():
            raw = self._compactor.compact(found.texts)
            if raw is not None:
                self._most = min(MOST, 2 * self._most)
                self._pause = 0
                reading.advance_lines(reading.position + found.characters, found.lines)
                return TextBlock(found.numbers, raw, self._types)
            self._most = max(FEWEST, len(found.texts) // SHARE)
            if len(found.texts) < SHARE * FEWEST:
                self._pause = min(BLOCK_CHARACTERS, 2 * self._pause + found.characters)
                self._one_by_one_until = reading.taken + self._pause
                return None
        return None

    def _find(self) -> Found | None:
        """The texts of some rows, if they are not too few."""
        from cxtools.events.json_windows import rows_anywhere, rows_in_lines

        reading = self._reading
        end = reading.position + self._most * LONGEST_PLAIN
        try:
            window = reading.buffer[reading.position : end].encode()
        except UnicodeEncodeError:  # half of a pair
            return None
        found = rows_in_lines(window, reading.number, self._most)
        found = found or rows_anywhere(window, reading.number, self._most)
        return found if found and len(found.texts) >= FEWEST else None


def _json_value(buffer: str, position: int, ended: bool) -> tuple[object, int]:
    """
    The value at a position, and where it ends: there, if it may be one that was cut in two by the
    end of what was read so far.
    """
    fault = 0
    try:
        return DECODE(buffer, position)
    except json.JSONDecodeError as error:
        reason = error.msg
        fault = error.pos
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as error:  # a number of more digits than Python reads
        reason = str(error)
    last_token = fault >= len(buffer) - LONGEST_TOKEN
    cut_in_two = last_token or reason.startswith("Unterminated string")
    if cut_in_two and not ended:
        return None, position
    if PYTHON.match(buffer, position):
        reason = "Python shows objects like this; write it with json.dumps"
    end = _end_of_fault(buffer, position, fault)
    unreadable = Unreadable(f"not JSON: {reason}", buffer[position:end][:LONGEST_REJECT])
    return unreadable, end


def _end_of_fault(buffer: str, position: int, fault: int) -> int:
    """
    Where what can't be read ends: before the rows that it carries, which are read one by one; or
    with its line, or before, where behind the fault a row seems to end and another one to begin, as
    they do in a document that is one line.
    """
    head = LIST_BEGIN.match(buffer, position)
    if head and head.end() <= fault:
        return head.end()
    line_end = buffer.find("\n", position)
    end = len(buffer) if line_end < 0 else line_end
    next_row = NEXT_ROW.search(buffer, max(position, fault), end)
    return next_row.start() + 1 if next_row else end
