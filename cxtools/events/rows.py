"""
The rows of a file of events, read as a stream: JSON, JSON lines, a table as text, Excel, Parquet or
a mail log; plain or packed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cxtools.errors import ConfigError
from cxtools.events.csv_rows import csv_rows
from cxtools.events.embedded_json import (
    is_behind_words,
    json_column,
    rows_behind_words,
    rows_in_cells,
)
from cxtools.events.json_rows import json_rows
from cxtools.events.log_lines import is_log, log_rows
from cxtools.events.parquet_rows import parquet_rows
from cxtools.events.sheet_rows import sheet_rows
from cxtools.tables.containers import READING_ERRORS, Content, open_content, reason_of
from cxtools.tables.delimited import DelimitedTable, open_table
from cxtools.tables.encodings import beginning_of, open_text

if TYPE_CHECKING:
    from cxtools.events.lines import Line, Piece

JSON_BEGINS = ("{", "[")


@dataclass(frozen=True)
class Rows:
    """
    The rows of a file in their order, single or as blocks.

        notes   sentences about how the file was read, which its user should know; complete when all
                rows were read
    """

    pieces: Iterator[Piece]
    notes: list[str]

    def __iter__(self) -> Iterator[Piece]:
        return self.pieces


@contextmanager
def open_rows(path: Path) -> Iterator[Iterator[Line]]:
    """
    The rows of a file one by one, for a `with` block.

    Raises:
        ConfigError: the file can't be read or unpacked; nothing was imported.
    """
    with _open(path, in_blocks=False) as rows:
        yield cast("Iterator[Line]", rows.pieces)


@contextmanager
def open_blocks(path: Path) -> Iterator[Rows]:
    """
    The same rows in the same order, plain ones as blocks, for a `with` block.

    Raises:
        ConfigError: as `open_rows`.
    """
    with _open(path, in_blocks=True) as rows:
        yield rows


@contextmanager
def _open(path: Path, *, in_blocks: bool) -> Iterator[Rows]:
    try:
        with open_content(path) as content:
            yield Rows(_rows(content, path, in_blocks), content.notes)
    except READING_ERRORS as error:
        raise ConfigError(
            f"{path.name} can't be read: {reason_of(error)}",
            where=str(path),
            do="check the path and the file; nothing was imported",
        ) from error
    except ConfigError as error:
        error.where = error.where or str(path)
        raise


def _rows(content: Content, path: Path, in_blocks: bool) -> Iterator[Piece]:
    if content.kind == "parquet":
        return parquet_rows(content.file, in_blocks=in_blocks)
    if content.kind == "workbook":
        return sheet_rows(content.file, path, content.notes, in_blocks=in_blocks)
    return _text_rows(content, path, in_blocks)


def _text_rows(content: Content, path: Path, in_blocks: bool) -> Iterator[Piece]:
    """The rows of a text by its first letters."""
    beginning = beginning_of(content.file)
    text = open_text(content.file, content.notes)
    if is_behind_words(beginning):
        return rows_behind_words(text, content.notes)
    if beginning.startswith(JSON_BEGINS):
        return json_rows(text, in_blocks=in_blocks)
    if is_log(beginning):
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return log_rows(text, modified, content.notes)
    return _table_rows(open_table(text), content.notes, in_blocks)


def _table_rows(table: DelimitedTable, notes: list[str], in_blocks: bool) -> Iterator[Piece]:
    column = json_column(table)
    if not column:
        return csv_rows(table, notes, in_blocks=in_blocks)
    lines = cast("Iterator[Line]", csv_rows(table, notes, in_blocks=False))
    return rows_in_cells(lines, column, notes)
