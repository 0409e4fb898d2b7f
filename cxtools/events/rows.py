"""
The rows of a file: JSON, JSON lines, CSV or Parquet, plain or gzipped, read as a stream.

The JSON reader is our own because the standard library's takes whole documents only, and files of
webhooks come as arrays, as lines, as lines of arrays, and run together.

DuckDB's readers and msgspec were measured in its place, on 200,000 rows, and not taken. DuckDB
needs longer (CSV 0.60 s against 0.55 here, JSON lines 1.71 against 1.17, Parquet 0.98 against
0.51), can't read UTF-16, and takes a title above a CSV's header for the header. msgspec decodes
JSON in 0.20 s of CPU against 0.77, but refuses objects that are run together, and NaN.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from cxtools.errors import ConfigError

#: How much of a JSON file is read at once, and how many rows of a Parquet file.
BLOCK_CHARACTERS = 1 << 18
BATCH_ROWS = 10_000

#: How much of a file is looked at to tell what it is.
HEAD_BYTES = 4096
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

JSON_BEGINS = ("{", "[")
DELIMITERS = ",;\t|"

#: Where objects that only carry rows, as pages of an API do, have them.
CARRIERS = ("results", "Records", "events")

#: Between the objects of a JSON file: brackets and commas only separate.
SEPARATORS = re.compile(r"[\s,\[\]\ufeff]*")
DECODE = json.JSONDecoder().raw_decode
#: A fault so near to the end of what was read may be a value that was cut in two.
LONGEST_TOKEN = 16
#: How much of a row that can't be read is kept.
LONGEST_REJECT = 2000


@dataclass(frozen=True)
class Unreadable:
    """What stood where a row should be, and why it can't be read."""

    reason: str
    text: str


class Line(NamedTuple):
    """
    A row and the line that it begins on (of a Parquet file: its number). A row that can be used is
    a dict.
    """

    number: int
    row: object


@contextmanager
def open_rows(path: Path) -> Iterator[Iterator[Line]]:
    """
    The rows of a file, for a `with` block.

    Raises:
        ConfigError: the file can't be read or unpacked; nothing was imported.
    """
    try:
        with path.open("rb") as file:
            is_gzip = file.read(len(GZIP)) == GZIP
            file.seek(0)
            if is_gzip:
                with gzip.open(file, "rb") as unpacked:
                    yield _rows(cast(IO[bytes], unpacked))
            else:
                yield _rows(file)
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path.name} can't be read: {reason}",
            where=str(path),
            do="check the path and the file; nothing was imported",
        ) from error


def _rows(file: IO[bytes]) -> Iterator[Line]:
    """The rows by what the file's first bytes are."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(PARQUET):
        return _parquet_rows(file)
    encoding = "utf-16" if head.startswith(UTF_16) else "utf-8-sig"
    # A byte that isn't UTF-8 becomes a lone surrogate, so that it costs its row and not the file.
    text = io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")
    beginning = head.decode(encoding, "replace").lstrip()
    if beginning.startswith(JSON_BEGINS):
        return _json_rows(text)
    return _csv_rows(text)


def _parquet_rows(file: IO[bytes]) -> Iterator[Line]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield Line(number, row)
    except pa.ArrowException as error:
        raise ConfigError(
            f"the Parquet file is damaged: {error}", do="write it again; nothing was imported"
        ) from error


def _csv_rows(text: IO[str]) -> Iterator[Line]:
    header_line = text.readline()
    delimiter = max(DELIMITERS, key=header_line.count)
    header = next(csv.reader([header_line], delimiter=delimiter), [])
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        number = reader.line_num + 2
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Line(number, Unreadable(f"not CSV: {error}", ""))
            continue
        if cells is None:
            return
        if len(cells) == len(header):
            row = dict(zip(header, cells, strict=True))
            yield Line(number, row)
        elif cells:
            lines = reader.line_num + 2 - number
            reason = _wrong_length(len(cells), len(header), lines)
            yield Line(number, Unreadable(reason, delimiter.join(cells)))


def _wrong_length(cells: int, columns: int, lines: int) -> str:
    reason = f"{cells} fields, the header has {columns}"
    if lines > 1:
        reason += f" over {lines} lines; is a quote left open?"
    return reason


def _json_rows(text: IO[str]) -> Iterator[Line]:
    """
    The objects of a document, an array, lines, or lines of arrays, and the rows that they carry.

    >>> [line.row for line in _json_rows(io.StringIO('[{"a": 1},\\n {"a": 2}]\\n{"a": 3}'))]
    [{'a': 1}, {'a': 2}, {'a': 3}]
    """
    for line in _json_values(text):
        for row in _carried_rows(line.row):
            yield Line(line.number, row)


def _carried_rows(value: object) -> list[object]:
    """
    The rows that an object carries, or itself; a record of SNS inside a Lambda event stands under
    "Sns".

    >>> _carried_rows({"Records": [{"Sns": {"Type": "Notification"}}]})
    [{'Type': 'Notification'}]
    """
    rows = [value]
    if isinstance(value, dict):
        lists = (value.get(name) for name in CARRIERS)
        rows = next((found for found in lists if isinstance(found, list)), rows)
    return [_without_sns(row) for row in rows]


def _without_sns(row: object) -> object:
    if isinstance(row, dict):
        return row.get("Sns", row)
    return row


def _json_values(text: IO[str]) -> Iterator[Line]:
    """The values of a JSON file, one after the other; after a fault reading goes on below it."""
    buffer = ""
    position = 0
    number = 1
    ended = False
    while True:
        begin = _skip_separators(buffer, position)
        number += buffer.count("\n", position, begin)
        position = begin
        value, end = _json_value(buffer, position, ended)
        if end > position:
            yield Line(number, value)
            number += buffer.count("\n", position, end)
            position = end
        elif ended:
            return
        else:
            # Twice as much each time, so that a long value isn't decoded over and over.
            more = text.read(max(BLOCK_CHARACTERS, len(buffer) - position))
            buffer = buffer[position:] + more
            position = 0
            ended = not more


def _skip_separators(buffer: str, position: int) -> int:
    match = SEPARATORS.match(buffer, position)
    return match.end() if match else position


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
    line, _, _ = buffer[position:].partition("\n")
    unreadable = Unreadable(f"not JSON: {reason}", line[:LONGEST_REJECT])
    return unreadable, position + len(line)
