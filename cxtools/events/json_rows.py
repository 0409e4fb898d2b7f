"""
The rows of a JSON file: of a document, an array, lines, or lines of arrays, also run together.

The reader is our own because the standard library's takes whole documents only. Rows that stand
one after the other and are objects without a doubt are given as blocks of their texts (see
`json_texts`); all others are decoded one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, NamedTuple, overload

from cxtools.events.lines import Line, Unreadable
from cxtools.events.wrappers import EXTENDED_MARK, MAY_CARRY, is_row, plain_value, rows_of

if TYPE_CHECKING:
    from cxtools.events.blocks import TextBlock
    from cxtools.events.lines import Piece

#: How much of a file is read at once.
BLOCK_CHARACTERS = 1 << 22
#: Fewer rows than this are not worth a block.
FEWEST = 16

#: Between the objects of a JSON file: brackets and commas only separate.
SEPARATORS = re.compile(r"[\s,\[\]\ufeff]*")
#: Where one object ends and the next begins, if it isn't inside of an object.
BOUNDARY = re.compile(r"\}[\s,\[\]\ufeff]*\{")
DECODE = json.JSONDecoder().raw_decode
#: A fault so near to the end of what was read may be a value that was cut in two.
LONGEST_TOKEN = 16
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
    """The blocks of a file's plain rows, which are found by the look of what is between them."""

    def __init__(self, reading: _Reading) -> None:
        from cxtools.events.blocks import ColumnTypes
        from cxtools.events.json_texts import Compactor

        self._reading = reading
        self._types = ColumnTypes()
        self._compactor = Compactor(MAY_CARRY, is_row)
        self._one_by_one_until = 0

    def block(self) -> TextBlock | None:
        """
        The rows in the window but for the last, which may be cut; None where they are few or not
        plain: then what is in the window goes one by one.
        """
        from cxtools.events.blocks import TextBlock

        reading = self._reading
        if reading.taken < self._one_by_one_until:
            return None
        found = _rows_in_lines(reading) or _rows_anywhere(reading)
        if len(found.texts) < FEWEST:
            return None
        raw = self._compactor.compact(found.texts)
        if raw is None:
            self._one_by_one_until = reading.taken + len(reading.buffer) - reading.position
            return None
        reading.advance_lines(found.end, found.lines)
        return TextBlock(found.numbers, raw, self._types)


class _Found(NamedTuple):
    """
    Texts that look like objects, the lines that they begin on, where the last one ends, and how
    many lines end before that.
    """

    texts: Sequence[str]
    numbers: Sequence[int]
    end: int
    lines: int


def _rows_in_lines(reading: _Reading) -> _Found | None:
    """The texts in the window if each seems to be a line; the last line is left out."""
    begin = reading.position
    end = reading.buffer.rfind("\n", begin)
    lines = reading.buffer[begin:end].split("\n")
    looks = {lines[0][:1], lines[0][-1:], lines[-1][:1], lines[-1][-1:]}
    if end < 0 or looks != {"{", "}"}:
        return None
    numbers = range(reading.number, reading.number + len(lines))
    return _Found(lines, numbers, end, len(lines) - 1)


def _rows_anywhere(reading: _Reading) -> _Found:
    """The texts in the window that are parted by commas and brackets; the last one is left out."""
    begin = reading.position
    boundaries = list(BOUNDARY.finditer(reading.buffer, begin))
    if not boundaries or not reading.buffer.startswith("{", begin):
        return _Found([], [], begin, 0)
    starts = [begin, *(match.end() - 1 for match in boundaries)]
    ends = [match.start() + 1 for match in boundaries]
    texts = [reading.buffer[start:end] for start, end in zip(starts, ends, strict=False)]
    numbers = _LineNumbers(reading.buffer, reading.number, begin, starts[:-1])
    lines = reading.buffer.count("\n", begin, ends[-1])
    return _Found(texts, numbers, ends[-1], lines)


@dataclass(frozen=True)
class _LineNumbers(Sequence[int]):
    """The lines that rows begin on, counted when they are asked for."""

    text: str
    first: int
    begin: int
    starts: Sequence[int]

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...

    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if isinstance(place, slice):
            return replace(self, starts=self.starts[place])
        return self.first + self.text.count("\n", self.begin, self.starts[place])


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
    line, _, _ = buffer[position:].partition("\n")
    unreadable = Unreadable(f"not JSON: {reason}", line[:LONGEST_REJECT])
    return unreadable, position + len(line)
