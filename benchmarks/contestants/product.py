"""
cxtools, asked as a notebook asks it: as it is now, or of an earlier commit.

With an earlier commit's package first on PYTHONPATH, that one answers. So this module imports only
the public name, and says today's word for an earlier one. The libraries that each answer needs are
imported before, as the other contestants do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb  # noqa: F401
import pandas as pd
import pyarrow.parquet  # noqa: F401

import cxtools as cx
from benchmarks.contestants.answering import Answer, Rows, main

#: Questions of the catalogue, and those of them that are asked split by provider, too.
QUESTIONS = (
    "funnel",
    "comparison",
    "jobs",
    "bounces",
    "reasons",
    "unknown",
    "links",
    "timing",
    "curve",
    "suspects",
    "data_quality",
)
SPLIT = ("funnel", "bounces")

#: What the reports ask besides a verdict.
ENGAGEMENT = (
    "funnel",
    "curve",
    "timing",
    "links",
    "suspects",
    "funnel by provider",
    "comparison",
    "data_quality",
)
BOUNCES = (
    "bounces",
    "bounces by provider",
    "funnel by provider",
    "reasons",
    "comparison",
    "jobs",
    "data_quality",
)


def question(name: str, by: str | None = None) -> Answer:
    """One question, split or not."""

    def answer(home: Path, campaign: str) -> Rows:
        ask: Any = getattr(cx, name)
        split = {"by": by} if by else {}
        table = ask(campaign, home=home, **split)
        return records(in_words_of_today(table))

    return answer


def in_words_of_today(table: pd.DataFrame) -> pd.DataFrame:
    """Version 0.1.0 said accepted for what is called delivered now, and delivered for more."""
    if "accepted" not in table:
        return table
    return table.drop(columns="delivered", errors="ignore").rename(
        columns={"accepted": "delivered"}
    )


def records(table: pd.DataFrame) -> Rows:
    """The rows of a table; what is missing is None."""
    objects = table.astype(object)
    rows: Any = objects.where(table.notna(), None).to_dict("records")
    return list(rows)


def verdict(home: Path, campaign: str) -> Rows:
    """The word on the campaign."""
    return [{"word": cx.verdict(campaign, home=home).word}]


def all_tables(about: str, names: tuple[str, ...]) -> Answer:
    """What a report asks, one after the other; of each table its number of rows."""

    def answer(home: Path, campaign: str) -> Rows:
        word = cx.verdict(campaign, about=about, home=home).word
        rows: Rows = [{"table": "verdict", "content": word}]
        for name in names:
            table = ANSWERS[name](home, campaign)
            rows.append({"table": name, "content": len(table)})
        return rows

    return answer


ANSWERS: dict[str, Answer] = {
    **{name: question(name) for name in QUESTIONS},
    **{f"{name} by provider": question(name, "provider") for name in SPLIT},
    "verdict": verdict,
    "engagement tables": all_tables("engagement", ENGAGEMENT),
    "bounce tables": all_tables("bounces", BOUNCES),
}


if __name__ == "__main__":
    main(ANSWERS)
