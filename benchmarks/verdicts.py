"""
The verdict on each refusal of a campaign, made beforehand: queries by hand have no judge.

    python -m benchmarks.verdicts HOME CAMPAIGN
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.contestants.answering import parts_of
from cxtools.bounce import classify

WORDS = ("category", "kind", "reason", "rule", "confidence")


def write_verdicts(home: Path, campaign: str) -> None:
    """Write HOME/verdicts.parquet: one row for each code and text that servers said."""
    with duckdb.connect() as connection:
        refusals = connection.read_parquet(parts_of(home, campaign))
        said = refusals.filter("kind = 'bounce'").select("bounce_code", "bounce_text")
        pairs = said.distinct().fetchall()
    rows = []
    for code, text in pairs:
        verdict = classify(code, text)
        row = {word: getattr(verdict, word) for word in WORDS}
        rows.append({"bounce_code": code, "bounce_text": text, **row})
    pq.write_table(pa.Table.from_pylist(rows), home / "verdicts.parquet")


if __name__ == "__main__":
    write_verdicts(Path(sys.argv[1]), sys.argv[2])
