"""
DuckDB over Parquet files, in memory.

One process has one database, and each who asks a schema of their own in it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.errors import StoreError

if TYPE_CHECKING:
    import duckdb

SCHEMA_NUMBERS = count(1)


@cache
def _engine(_pid: int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, one a process: starting another costs 14 ms, a cursor 0.1 ms."""
    import duckdb

    # Without these DuckDB would fetch extensions from the network and spill into a folder beside
    # the notebook.
    return duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "temp_directory": tempfile.gettempdir(),
        }
    )


@contextmanager
def database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A connection with a schema of its own, gone afterwards; what can't be read in *folder*, whenever
    that comes out, is a StoreError.
    """
    import duckdb

    schema = f"own_{next(SCHEMA_NUMBERS)}"
    try:
        with _engine(os.getpid()).cursor() as connection:
            connection.execute(f"create schema {schema}; use {schema}")
            try:
                yield connection
            finally:
                connection.execute(f"use main; drop schema {schema} cascade")
    except duckdb.Error as error:
        if isinstance(error, duckdb.FatalException):
            _engine.cache_clear()  # it serves nobody any more
        raise StoreError(
            f"the events can't be read: {error}",
            where=str(folder),
            do="a file there may be damaged: move it away, then collect or import again",
        ) from error
