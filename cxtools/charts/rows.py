"""
A table's rows as plain JSON values: what figures are drawn from, what travels with them, and what a
page prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.measures.question import Question

if TYPE_CHECKING:
    import pandas as pd

#: Column -> its value as JSON knows it; missing is None.
Row = dict[str, Any]

#: How many rows a page shows of a table or draws of it, how many travel with a figure for its data
#: table and CSV, and how long their texts may be: these keep a page small, whatever the feed.
SHOWN_ROWS = 20
KEPT_ROWS = 200
KEPT_TEXT = 200


def rows_of(table: pd.DataFrame) -> list[Row]:
    """
    The rows of a table; moments are ISO 8601 text, long texts are cut in the middle.

    >>> import pandas as pd
    >>> rows_of(pd.DataFrame({"provider": ["gmail"], "open_rate": [float("nan")]}))
    [{'provider': 'gmail', 'open_rate': None}]
    """
    return [_plain_row(row) for row in table.to_dict("records")]


def _plain_row(row: dict[Any, Any]) -> Row:
    return {str(column): _plain(value) for column, value in row.items()}


def _plain(value: Any) -> Any:
    if not wording.is_known(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return wording.short(value, KEPT_TEXT)
    return value


def question_of(table: pd.DataFrame) -> Question | None:
    """The question that a table answers; None for a table that answers none."""
    question = getattr(table, "question", None)
    return question if isinstance(question, Question) else None


def largest(rows: Sequence[Row], column: str) -> list[Row]:
    """The rows with the largest values, largest first; as many as are shown."""
    ranked = sorted(rows, key=lambda row: -(row[column] or 0))
    return ranked[:SHOWN_ROWS]
