"""The queries by hand: the same ones over the raw parts and over the layer, where that can be."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from benchmarks.contestants.answering import Rows

SQL = files("benchmarks").joinpath("sql")
PROVIDERS = files("cxtools.measures").joinpath("sql", "providers.tsv")
QUESTIONS = (
    "funnel",
    "funnel by provider",
    "bounces",
    "reasons",
    "unknown",
    "links",
    "timing",
    "curve",
    "jobs",
    "suspects",
)


def connect(relations: dict[str, list[str]]) -> duckdb.DuckDBPyConnection:
    """DuckDB with each relation's Parquet files, and the table of mail providers."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for name, parquet_files in relations.items():
        relation = connection.read_parquet(parquet_files)
        relation.create_view(name)
    providers = connection.read_csv(str(PROVIDERS), sep="\t")
    providers.create_view("providers")
    return connection


def ask(connection: duckdb.DuckDBPyConnection, over: str, question: str) -> Rows:
    """The answer by the SQL file of a question: the one for what it is asked *over*, else of all."""
    connection.execute(SQL.joinpath(over, "relations.sql").read_text())
    name = f"{question.replace(' ', '_')}.sql"
    own = SQL.joinpath(over, name)
    file = own if own.is_file() else SQL.joinpath(name)
    relation = connection.sql(file.read_text())
    rows: Rows = relation.to_arrow_table().to_pylist()
    return rows


def files_of(folder: Path) -> list[str]:
    return sorted(str(file) for file in folder.glob("*.parquet"))
