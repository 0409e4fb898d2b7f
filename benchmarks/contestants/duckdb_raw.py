"""Hand-tuned DuckDB over the raw parts: what someone would write who knows these very events."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from benchmarks.contestants.answering import Answer, Rows, main, parts_of

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


def question(name: str) -> Answer:
    """One SQL file over the relations of `raw.sql`."""
    file = f"{name.replace(' ', '_')}.sql"

    def answer(home: Path, campaign: str) -> Rows:
        connection = duckdb.connect()
        connection.execute("set TimeZone = 'UTC'")
        relation = connection.read_parquet(parts_of(home, campaign))
        relation.create_view("parts")
        verdicts = connection.read_parquet(str(home / "verdicts.parquet"))
        verdicts.create_view("verdicts")
        providers = connection.read_csv(str(PROVIDERS), sep="\t")
        providers.create_view("providers")
        connection.execute(SQL.joinpath("raw.sql").read_text())
        rows: Rows = connection.sql(SQL.joinpath(file).read_text()).to_arrow_table().to_pylist()
        return rows

    return answer


if __name__ == "__main__":
    main({name: question(name) for name in QUESTIONS})
