"""Hand-tuned DuckDB over the raw parts: what someone would write who knows these very events."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.answering import Answer, Rows, main, parts_of
from benchmarks.contestants.duckdb_queries import QUESTIONS, ask, connect


def question(name: str) -> Answer:
    """One SQL file over the relations of `sql/raw`."""

    def answer(home: Path, campaign: str) -> Rows:
        relations = {
            "parts": parts_of(home, campaign),
            "verdicts": [str(home / "verdicts.parquet")],
        }
        return ask(connect(relations), "raw", name)

    return answer


if __name__ == "__main__":
    main({name: question(name) for name in QUESTIONS})
