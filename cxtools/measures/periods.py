"""The columns of answers about a history: its campaigns, weeks or days, and its groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cxtools.measures.history import EVERYTHING, Group, History
from cxtools.measures.question import Question

#: What messages of a campaign are put together by, in place of campaigns.
PERIODS = ("week", "day")
#: What stands in the place of a campaign where weeks or days are charted.
ALL = "all"

Row = dict[str, Any]


def period_of(by: Sequence[str]) -> str:
    """
    >>> period_of(["week", "provider"]), period_of(["provider"])
    ('week', 'campaign')
    """
    return next((name for name in by if name in PERIODS), "campaign")


def group_columns(by: Sequence[str]) -> list[str]:
    """The columns that aren't periods: what is charted apart."""
    return [name for name in by if name not in PERIODS]


def parts_of(history: History, columns: Sequence[str]) -> list[tuple[Group, History]]:
    """What is charted: all messages; where columns are asked by, each of their values by itself."""
    if not columns:
        return [(EVERYTHING, history)]
    return [pair for pair in history.apart.items() if pair[0].dimension in columns]


def keys_of(history: History, by: Sequence[str], place: int, group: Group) -> Row:
    """The columns that say what a row is of."""
    name = history.periods[place].name
    period = period_of(by)
    keys: Row = {"campaign": name if period == "campaign" else ALL}
    for column in by:
        keys[column] = name if column == period else None
        if column == group.dimension:
            keys[column] = group.value
    return keys


def table_of(rows: Sequence[Row], question: Question, by: Sequence[str]) -> pd.DataFrame:
    """Rows as a table with the columns of a question, but its rates."""
    return pd.DataFrame(rows, columns=["campaign", *by, *question.names_without_rates()])
