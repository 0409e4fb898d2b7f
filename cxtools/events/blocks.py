"""
Blocks: many plain rows of a file or a page, held as columns, so that no row becomes an object.

Each kind of block says of its rows the same as a reader that takes them one by one. Pure.
"""

from __future__ import annotations

import io
import json
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

#: What JSON writes with a backslash.
ESCAPED = r'[\x00-\x1f"\\]'
#: Python's type of a JSON value -> the type of a column that holds it without loss.
JSON_TYPES: Mapping[type, pa.DataType] = {
    str: pa.string(),
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
        return self.table.select([name for name in names if name in self.names])

    def part(self, start: int, rows: int) -> TableBlock:
        return TableBlock(self.numbers[start : start + rows], self.table.slice(start, rows))


def rows_as_json(table: pa.Table) -> pa.Array:
    """
    Each row as `RAW_JSON` writes it.

    Texts are joined column by column; what JSON writes with a backslash, and all but texts, is
    written row by row.
    """
    if not all(_is_whole_text(column) for column in table.columns):
        return pa.array([RAW_JSON.encode(row) for row in table.to_pylist()], pa.string())
    pieces: list[Any] = []
    opening = "{"
    for name, column in zip(table.column_names, table.columns, strict=True):
        pieces.append(f'{opening}{RAW_JSON.encode(name)}:"')
        pieces.append(column)
        opening = '",'
    joined = pc.binary_join_element_wise(*pieces, '"}', "")
    escaped = _rows_with_escapes(table)
    rows = table.filter(escaped).to_pylist()
    written = pa.array([RAW_JSON.encode(row) for row in rows], pa.string())
    return replaced(joined, escaped, written)


def _is_whole_text(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type)) and column.null_count == 0


def _rows_with_escapes(table: pa.Table) -> pa.Array:
    found = pa.repeat(False, len(table))
    for column in table.columns:
        if _may_hold_escapes(column):
            found = pc.or_(found, pc.match_substring_regex(column, ESCAPED))
    return array(found)


def _may_hold_escapes(column: pa.ChunkedArray) -> bool:
    """A look at the bytes of the whole column, which takes a tenth of a regular expression."""
    for chunk in column.chunks:
        text = np.frombuffer(chunk.buffers()[2] or b"", np.uint8)
        if ((text < ord(" ")) | (text == ord('"')) | (text == ord("\\"))).any():
            return True
    return False


# --- rows as JSON ---


@dataclass
class ColumnTypes:
    """The types that names were seen to have in one file or feed, learnt when they are needed."""

    types: dict[str, pa.DataType] = field(default_factory=dict)

    def of(self, name: str) -> pa.DataType:
        return self.types.get(name, pa.string())

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
        row: Row = json.loads(self.raw[place].as_py())
        return row

    def cells(self, names: Sequence[str], *, only_these: bool = False) -> pa.Table | None:
        table = self._parsed(names, only_these)
        if table is None and self.may_learn:
            self.types.learn([json.loads(text) for text in self.raw.to_pylist()])
            table = self._parsed(names, only_these)
        return table

    def part(self, start: int, rows: int) -> TextBlock:
        numbers = self.numbers[start : start + rows]
        return TextBlock(numbers, self.raw.slice(start, rows), self.types, may_learn=False)

    def _parsed(self, names: Sequence[str], only_these: bool) -> pa.Table | None:
        schema = pa.schema([pa.field(name, self.types.of(name)) for name in names])
        lines = b"\n".join(self.raw.cast(pa.binary()).to_pylist())
        try:
            table = arrow_json.read_json(
                io.BytesIO(lines),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=schema,
                    unexpected_field_behavior="error" if only_these else "ignore",
                ),
            )
        except pa.ArrowException:
            return None
        return table if _is_exact(table) and len(table) == len(self) else None


def _is_exact(table: pa.Table) -> bool:
    """Whether no whole number among floats can have lost a digit."""
    floats = [column for column in table.columns if pa.types.is_floating(column.type)]
    largest = [pc.max(pc.abs(column)).as_py() or 0.0 for column in floats]
    return all(number < LARGEST_WHOLE_FLOAT for number in largest)


def rows_as_texts(rows: Sequence[Row]) -> pa.Array:
    """
    Rows that came as JSON, each as `RAW_JSON` writes it, which takes twice as long.

    >>> rows_as_texts([{"a": "ü"}, {"b": 1e-7}]).to_pylist()
    ['{"a":"ü"}', '{"b":1e-07}']
    """
    written = pa.array([to_json(row) for row in rows], pa.string())
    doubtful = pc.match_substring_regex(written, DOUBTFUL)
    places = np.flatnonzero(doubtful.to_numpy(zero_copy_only=False)).tolist()
    corrected = [RAW_JSON.encode(rows[place]) for place in places]
    return replaced(written, doubtful, pa.array(corrected, pa.string()))


# --- arrays ---


def array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


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
