"""
Blocks: many plain rows of a file or a page, held as columns, so that no row becomes an object.

Each kind of block says of its rows the same as a reader that takes them one by one. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json
from pydantic_core import to_json

from cxtools.model import RAW_JSON

TEXT = pa.string()
#: What JSON writes with a backslash.
ESCAPED = r'[\x00-\x1f"\\]'
#: Python's type of a JSON value -> the type of a column that holds it without loss.
JSON_TYPES: Mapping[type, pa.DataType] = {
    str: TEXT,
    int: pa.int64(),
    bool: pa.bool_(),
    float: pa.float64(),
}
#: Whole numbers beyond this are not all floats.
LARGEST_WHOLE_FLOAT = 2.0**53

#: Numbers with an exponent or many digits, minus nought, NaN and Infinity, a comma at the end, and
#: escaped characters that need none: other programs may write or read them otherwise than Python.
BEFORE_A_VALUE = r"[:\[,]\s*"
DOUBTFUL = "|".join(
    [
        rf"{BEFORE_A_VALUE}-?[0-9.]+[eE]",
        rf"{BEFORE_A_VALUE}-?[0-9]{{16}}",
        rf"{BEFORE_A_VALUE}-?0\.000",
        rf"{BEFORE_A_VALUE}-0\s*[,}}\]]",
        rf"{BEFORE_A_VALUE}[-+]?(?i:nan|inf)",
        r",\s*[}\]]",
        r"\\u00[0-7]",
    ]
)

Row = dict[str, Any]


class Block(Protocol):
    """
    Rows that stand one after the other.

    `numbers` are their lines, `raw` the rows as compact JSON, `names` the columns where all rows
    have the same, else None.
    """

    @property
    def numbers(self) -> Sequence[int]: ...

    @property
    def raw(self) -> pa.Array: ...

    @property
    def names(self) -> tuple[str, ...] | None: ...

    def __len__(self) -> int: ...

    def row(self, place: int) -> Row:
        """One row as an object."""
        ...

    def cells(self, names: Sequence[str], *, only_these: bool = False) -> pa.Table | None:
        """
        The columns of these names as far as there are any; None where the rows don't have one type
        in each, or, with *only_these*, have other names.
        """
        ...

    def part(self, start: int, rows: int) -> Block:
        """Some of the rows."""
        ...


def parts(block: Block, count: int) -> Iterator[Block]:
    """The rows of a block as so many blocks."""
    rows = -(-len(block) // count)
    for start in range(0, len(block), rows):
        yield block.part(start, rows)


# --- rows of a table ---


@dataclass(frozen=True)
class TableBlock:
    """
    Rows of a table, whose columns bear different names.

    >>> block = TableBlock(range(2, 4), pa.table({"event": ["open", "click"], "to": ["a", "b"]}))
    >>> block.row(1), block.raw[0].as_py()
    ({'event': 'click', 'to': 'b'}, '{"event":"open","to":"a"}')
    """

    numbers: Sequence[int]
    table: pa.Table

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @cached_property
    def raw(self) -> pa.Array:
        return rows_as_json(self.table)

    def __len__(self) -> int:
        return len(self.numbers)

    def row(self, place: int) -> Row:
        [row] = self.table.slice(place, 1).to_pylist()
        return dict(row)

    def cells(self, names: Sequence[str], *, only_these: bool = False) -> pa.Table:
        there = [name for name in names if name in self.names]
        return self.table.select(there)

    def part(self, start: int, rows: int) -> TableBlock:
        end = start + rows
        return TableBlock(self.numbers[start:end], self.table.slice(start, rows))


def rows_as_json(table: pa.Table) -> pa.Array:
    """
    Each row as `RAW_JSON` writes it.

    Texts are joined column by column; what JSON writes with a backslash, and all but texts, is
    written row by row.
    """
    if not _are_whole_texts(table):
        return _written(table.to_pylist())
    pieces: list[Any] = []
    opening = "{"
    for name in table.column_names:
        quoted_name = RAW_JSON.encode(name)
        pieces.append(f'{opening}{quoted_name}:"')
        pieces.append(table[name])
        opening = '",'
    joined = pc.binary_join_element_wise(*pieces, '"}', "")
    escaped = _rows_with_escapes(table)
    rows = table.filter(escaped)
    return replaced(joined, escaped, _written(rows.to_pylist()))


def _written(rows: Sequence[Row]) -> pa.Array:
    texts = [RAW_JSON.encode(row) for row in rows]
    return pa.array(texts, TEXT)


def _are_whole_texts(table: pa.Table) -> bool:
    kinds = set(table.schema.types)
    missing = sum(column.null_count for column in table.columns)
    return kinds == {TEXT} and missing == 0


def _rows_with_escapes(table: pa.Table) -> pa.Array:
    found = pa.repeat(False, len(table))
    for column in table.columns:
        if may_hold(column, ESCAPED_BYTES):
            escaped = pc.match_substring_regex(column, ESCAPED)
            found = pc.or_(found, escaped)
    return array(found)


def bytes_that(pattern: str) -> bytes:
    """
    The bytes that a pattern of one letter finds, each taken for a letter of its own.

    >>> bytes_that("[x-z]")
    b'xyz'
    """
    return bytes(byte for byte in range(256) if re.match(pattern, chr(byte)))


ESCAPED_BYTES = bytes_that(ESCAPED)


def may_hold(column: pa.ChunkedArray, meant: bytes) -> bool:
    """
    Whether one of these bytes stands in a column, or in what it was cut from: a look at all of
    them at once, which takes a seventh of a regular expression.
    """
    for chunk in column.chunks:
        _, _, text = chunk.buffers()
        letters = text.to_pybytes() if text else b""
        others = letters.translate(None, meant)
        if len(others) < len(letters):
            return True
    return False


# --- rows as JSON ---


@dataclass
class ColumnTypes:
    """The types that names were seen to have in one file or feed, learnt when they are needed."""

    types: dict[str, pa.DataType] = field(default_factory=dict)

    def of(self, name: str) -> pa.DataType:
        return self.types.get(name, TEXT)

    def learn(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for name, value in row.items():
                kind = JSON_TYPES.get(type(value))
                if kind is not None:
                    self.types.setdefault(name, kind)


@dataclass
class TextBlock:
    """
    Rows as compact JSON.

    >>> raw = pa.array(['{"event":"open","at":5}', '{"event":"click"}'])
    >>> block = TextBlock(range(1, 3), raw, ColumnTypes())
    >>> block.cells(["event", "at"]).to_pydict()
    {'event': ['open', 'click'], 'at': [5, None]}
    """

    numbers: Sequence[int]
    raw: pa.Array
    types: ColumnTypes
    may_learn: bool = True
    names: None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def row(self, place: int) -> Row:
        text = self.raw[place]
        row: Row = json.loads(text.as_py())
        return row

    def cells(self, names: Sequence[str], *, only_these: bool = False) -> pa.Table | None:
        table = self._parsed(names, only_these)
        if table is None and self.may_learn:
            rows = [json.loads(text) for text in self.raw.to_pylist()]
            self.types.learn(rows)
            table = self._parsed(names, only_these)
        return table

    def part(self, start: int, rows: int) -> TextBlock:
        end = start + rows
        raw = self.raw.slice(start, rows)
        return TextBlock(self.numbers[start:end], raw, self.types, may_learn=False)

    def _parsed(self, names: Sequence[str], only_these: bool) -> pa.Table | None:
        are_objects = pc.starts_with(self.raw, "{")
        if not all_true(are_objects):  # pyarrow crashes where all of them are null
            return None
        columns = [pa.field(name, self.types.of(name)) for name in names]
        objects = _run_together(self.raw)
        reading = arrow_json.ReadOptions(
            use_threads=False,
            block_size=objects.size + 1,
        )
        parsing = arrow_json.ParseOptions(
            explicit_schema=pa.schema(columns),
            unexpected_field_behavior="error" if only_these else "ignore",
        )
        try:
            table = arrow_json.read_json(pa.BufferReader(objects), reading, parsing)
        except pa.ArrowException:
            return None
        is_whole = len(table) == len(self)
        return table if is_whole and _is_exact(table) else None


def _run_together(texts: pa.Array) -> pa.Buffer:
    """The letters of all texts, one after the other, as they stand in memory."""
    _, offsets, letters = texts.buffers()
    places = np.frombuffer(offsets, np.int32)
    first = places[texts.offset]
    last = places[texts.offset + len(texts)]
    return letters.slice(first, last - first)


def _is_exact(table: pa.Table) -> bool:
    """Whether no whole number among floats can have lost a digit."""
    for column in table.columns:
        if column.type == pa.float64():
            largest = pc.max(pc.abs(column))
            if (largest.as_py() or 0.0) >= LARGEST_WHOLE_FLOAT:
                return False
    return True


def rows_as_texts(rows: Sequence[Row]) -> pa.Array:
    """
    Rows that came as JSON, each as `RAW_JSON` writes it, which takes twice as long.

    >>> rows_as_texts([{"a": "ü"}, {"b": 1e-7}]).to_pylist()
    ['{"a":"ü"}', '{"b":1e-07}']
    """
    texts = [to_json(row) for row in rows]
    written = pa.array(texts, TEXT)
    doubtful = pc.match_substring_regex(written, DOUBTFUL)
    corrected = [rows[place] for place in places(doubtful)]
    return replaced(written, doubtful, _written(corrected))


# --- arrays ---


def array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks()
    return column


def places(mask: pa.Array) -> list[int]:
    """
    Where a mask says so.

    >>> places(pa.array([True, False, True]))
    [0, 2]
    """
    is_meant = mask.to_numpy(zero_copy_only=False)
    found: list[int] = np.flatnonzero(is_meant).tolist()
    return found


def all_true(mask: pa.Array) -> bool:
    is_all = pc.all(mask, min_count=0)
    return bool(is_all.as_py())


def replaced(
    column: pa.Array | pa.ChunkedArray,
    mask: pa.Array | pa.ChunkedArray,
    values: pa.Array | pa.ChunkedArray,
) -> pa.Array:
    """
    A column with other values where the mask says so, in their order.

    >>> replaced(pa.array(["a", "b"]), pa.array([False, True]), pa.array(["c"])).to_pylist()
    ['a', 'c']
    """
    if not len(values):
        return array(column)
    return pc.replace_with_mask(array(column), array(mask), array(values))
