"""
The rows of a file: JSON, JSON lines, CSV, Parquet or a mail log, plain or gzipped, as a stream.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from cxtools.errors import ConfigError
from cxtools.events.csv_rows import csv_rows
from cxtools.events.json_rows import json_rows
from cxtools.events.log_lines import is_log, log_rows
from cxtools.events.parquet_rows import parquet_rows

if TYPE_CHECKING:
    from cxtools.events.lines import Line, Piece

#: How much of a file is looked at to tell what it is.
HEAD_BYTES = 4096
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
JSON_BEGINS = ("{", "[")


@contextmanager
def open_rows(path: Path) -> Iterator[Iterator[Line]]:
    """
    The rows of a file one by one, for a `with` block.

    Raises:
        ConfigError: the file can't be read or unpacked; nothing was imported.
    """
    with _open(path, in_blocks=False) as rows:
        yield cast("Iterator[Line]", rows)


@contextmanager
def open_blocks(path: Path) -> Iterator[Iterator[Piece]]:
    """
    The same rows in the same order, plain ones as blocks, for a `with` block.

    Raises:
        ConfigError: as `open_rows`.
    """
    with _open(path, in_blocks=True) as pieces:
        yield pieces


@contextmanager
def _open(path: Path, *, in_blocks: bool) -> Iterator[Iterator[Piece]]:
    try:
        with path.open("rb") as file:
            is_gzip = file.read(len(GZIP)) == GZIP
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            file.seek(0)
            if is_gzip:
                with gzip.open(file, "rb") as unpacked:
                    yield _rows(cast(IO[bytes], unpacked), in_blocks, modified)
            else:
                yield _rows(file, in_blocks, modified)
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path.name} can't be read: {reason}",
            where=str(path),
            do="check the path and the file; nothing was imported",
        ) from error


def _rows(file: IO[bytes], in_blocks: bool, modified: datetime) -> Iterator[Piece]:
    """The rows by what the file's first bytes are."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(PARQUET):
        return parquet_rows(file, in_blocks=in_blocks)
    encoding = "utf-16" if head.startswith(UTF_16) else "utf-8-sig"
    # A byte that isn't UTF-8 becomes a lone surrogate, so that it costs its row and not the file.
    text = io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")
    beginning = head.decode(encoding, "replace").lstrip()
    if beginning.startswith(JSON_BEGINS):
        return json_rows(text, in_blocks=in_blocks)
    if is_log(beginning):
        return log_rows(text, modified)
    return csv_rows(text, in_blocks=in_blocks)
