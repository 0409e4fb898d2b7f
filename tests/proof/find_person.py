"""
Where in a home a text still stands: plain sqlite3, psycopg, DuckDB and grep, nothing of cxtools.

    python tests/proof/find_person.py HOME LEDGER TEXT…

LEDGER is the file of the ledger, or the address of a PostgreSQL database. Prints one place a line.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb


def places_in_cells(table: str, names: list[str], rows: Any, texts: list[str]) -> Iterator[str]:
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            content = cell if isinstance(cell, bytes) else str(cell).encode()
            with suppress(zlib.error):
                content = zlib.decompress(content)
            for text in texts:
                if text.lower().encode() in content.lower():
                    yield f"ledger: {table}.{name}: {text}"


def places_in_ledger(ledger: str, texts: list[str]) -> Iterator[str]:
    if ledger.startswith("postgresql"):
        import psycopg

        connection: Any = psycopg.connect(ledger)
        query = "select table_name from information_schema.tables where table_schema = 'public'"
    else:
        connection = sqlite3.connect(ledger)
        query = "select name from sqlite_master where type = 'table'"
    with closing(connection):
        for (table,) in connection.execute(query).fetchall():
            rows = connection.execute(f'select * from "{table}"')  # noqa: S608
            names = [column[0] for column in rows.description]
            yield from places_in_cells(table, names, rows.fetchall(), texts)


def places_in_parquet(home: Path, texts: list[str]) -> Iterator[str]:
    for file in home.rglob("*"):
        if file.suffix == ".parquet":
            connection = duckdb.connect()
            source = f"read_parquet('{file}', hive_partitioning = false)"
            for name, *_ in connection.execute(f"describe from {source}").fetchall():
                for text in texts:
                    is_there = f"contains(lower(cast({name} as varchar)), lower('{text}'))"
                    query = f"select count(*) from {source} where {is_there}"  # noqa: S608
                    [[count]] = connection.execute(query).fetchall()
                    if count:
                        yield f"{file.relative_to(home)}: {name}: {text}"


def places_in_files(home: Path, texts: list[str]) -> Iterator[str]:
    for text in texts:
        words = ["grep", "--recursive", "--text", "--ignore-case", "--fixed-strings"]
        found = subprocess.run(
            [*words, "--files-with-matches", "-e", text, str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
        for file in found.stdout.splitlines():
            yield f"{Path(file).relative_to(home)}: {text}"


def main(home: str, ledger: str, *texts: str) -> None:
    for place in places_in_ledger(ledger, list(texts)):
        print(place)
    for place in places_in_parquet(Path(home), list(texts)):
        print(place)
    for place in places_in_files(Path(home), list(texts)):
        print(place)


if __name__ == "__main__":
    main(*sys.argv[1:])
