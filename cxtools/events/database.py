"""
DuckDB over Parquet files, in memory.

One process has one database for what it may take, and each who asks a schema of their own in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.errors import StoreError
from cxtools.files import PRIVATE_FOLDER

if TYPE_CHECKING:
    import duckdb

SCHEMA_NUMBERS = count(1)
#: What SQL may call beside DuckDB's own functions; Spark has the same.
FUNCTIONS = files(__package__).joinpath("functions_duckdb.sql")
#: Memory that questions take unless settings say otherwise: two notebooks and a report at once fit
#: into a small machine.
MEMORY = "1.5 GB"
#: Homes whose DuckDB a process keeps.
ENGINES = 8
#: What DuckDB says where a file is somebody else's.
NOT_ALLOWED = "Permission denied"
ASK_OWNER = "run it as the user whose files they are, or ask that user for the right to read them"
MORE_MEMORY = "allow more by the setting `memory` (CXTOOLS_MEMORY), or fewer `threads`"
MOVE_AWAY = "a file there may be damaged: move it away, then collect or import again"


class OutOfMemory(StoreError):
    """A question needs more memory, or more room to spill, than it may take."""

    def __init__(self, where: Path, error: Exception) -> None:
        [said, *_] = str(error).splitlines()
        super().__init__(
            f"the events take more memory than a question may: {said}",
            where=str(where),
            do=MORE_MEMORY,
        )


@dataclass(frozen=True)
class Resources:
    """
    What a database may take.

        spill     the folder for what doesn't fit into memory; made private at the first question,
                  if the folder that it is in exists
        memory    how much memory, with its unit: "1.5 GB"
        threads   how many threads; None: one a core
    """

    spill: Path
    memory: str = MEMORY
    threads: int | None = None


#: The engines of this process, and those of the one that it was forked from, whose threads it
#: doesn't have: only that one can end them.
_engines: dict[tuple[int, Resources], duckdb.DuckDBPyConnection] = {}


def _engine(resources: Resources) -> duckdb.DuckDBPyConnection:
    """
    DuckDB in memory, one a process for what it may take: starting another costs 14 ms, a cursor 0.1
    ms. Each has nine threads and 5 MB, so those that were started long ago are let go; who reads
    them keeps them until the end.
    """
    own = (os.getpid(), resources)
    engine = _engines.get(own)
    if engine is None:
        engine = _start_engine(resources)
        _engines[own] = engine
        _let_go_of_oldest(os.getpid())
    return engine


def _let_go_of_oldest(pid: int) -> None:
    own = [key for key in list(_engines) if key[0] == pid]
    for key in own[:-ENGINES]:
        _engines.pop(key, None)


def _start_engine(resources: Resources) -> duckdb.DuckDBPyConnection:
    import duckdb

    # Processes may share the folder: DuckDB's files there name their process, and it removes those
    # of processes that were killed. A home that can't be written is read all the same; then only a
    # question that must spill fails.
    with suppress(OSError):
        resources.spill.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    # Without these DuckDB would fetch extensions from the network, take four fifths of the memory,
    # and spill into a folder beside the notebook.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": resources.memory,
        "temp_directory": str(resources.spill),
    }
    if resources.threads:
        config["threads"] = resources.threads
    connection = duckdb.connect(config=config)
    connection.execute(FUNCTIONS.read_text(encoding="utf-8"))
    return connection


@contextmanager
def database(folder: Path, resources: Resources) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A connection with a schema of its own, gone afterwards; what can't be read in *folder*, whenever
    that comes out, is a StoreError.
    """
    import duckdb

    schema = f"own_{next(SCHEMA_NUMBERS)}"
    try:
        with _engine(resources).cursor() as connection:
            connection.execute(f"create schema {schema}; use {schema}")
            try:
                yield connection
            finally:
                connection.execute(f"use main; drop schema {schema} cascade")
    except duckdb.Error as error:
        if isinstance(error, duckdb.FatalException):
            _engines.pop((os.getpid(), resources), None)  # it serves nobody any more
        raise unreadable(folder, error) from error


def unreadable(where: Path, error: Exception) -> StoreError:
    """What is said of a file, or a folder of files, that can't be read."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory(where, error)
    what = str(error)
    return StoreError(
        f"the events can't be read: {what}",
        where=str(where),
        do=ASK_OWNER if NOT_ALLOWED in what else MOVE_AWAY,
    )
