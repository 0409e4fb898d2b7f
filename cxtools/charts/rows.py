"""
A table's rows as plain JSON values: what figures are drawn from, what travels with them, and what a
page prints.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.measures.question import Question

if TYPE_CHECKING:
    import pandas as pd

#: Column -> its value as JSON knows it; missing is None.
Row = dict[str, Any]

#: How many rows a page shows of a table or draws of it.
SHOWN_ROWS = 20
#: How many rows travel with a figure or a table, for the data table and the CSV of a page, how many
#: bytes they may take, and how long their texts may be: a page stays small, whatever the feed.
KEPT_ROWS = 2000
KEPT_BYTES = 100_000
KEPT_TEXT = 200
#: So many rows are made at once of those that may travel along: bytes may end before rows do.
ROWS_AT_ONCE = 250
#: pandas' letters for integers, floats and truth values.
NUMBERS = "iufb"
#: Its letter for moments.
MOMENTS = "M"


def rows_of(table: pd.DataFrame, longest: int = KEPT_TEXT) -> list[Row]:
    """
    The rows of a table; moments are ISO 8601 text, texts over *longest* are cut in the middle.

    >>> import pandas as pd
    >>> rows_of(pd.DataFrame({"provider": ["gmail"], "open_rate": [float("nan")]}))
    [{'provider': 'gmail', 'open_rate': None}]
    """
    names = [str(column) for column in table.columns]
    columns = [_plain_values(values, longest) for _, values in table.items()]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def values_of(table: pd.DataFrame, column: str) -> list[Any]:
    """
    The values of one column, as `rows_of` has them.

    >>> import pandas as pd
    >>> values_of(pd.DataFrame({"provider": ["gmail", None]}), "provider")
    ['gmail', None]
    """
    return _plain_values(table[column], KEPT_TEXT)


def rows_with(table: pd.DataFrame, columns: Iterable[str]) -> list[Row]:
    """
    The rows of a table with these columns alone, as far as it has them: a split has many rows, and
    a few numbers of each tell which are drawn.

    >>> import pandas as pd
    >>> rows_with(pd.DataFrame({"provider": ["gmail"], "open_rate": [0.5]}), ["provider"])
    [{'provider': 'gmail'}]
    """
    import pandas as pd

    names = [name for name in dict.fromkeys(columns) if name in table]
    return rows_of(pd.DataFrame(table)[names])


def rows_at(table: pd.DataFrame, places: Sequence[int], longest: int = KEPT_TEXT) -> list[Row]:
    """
    The rows that stand at these places, in this order; see `rows_of`.

    >>> import pandas as pd
    >>> rows_at(pd.DataFrame({"provider": ["gmail", "gmx", "yahoo"]}), [2, 0])
    [{'provider': 'yahoo'}, {'provider': 'gmail'}]
    """
    import pandas as pd

    return rows_of(pd.DataFrame(table).iloc[list(places)], longest)


def _plain_values(values: pd.Series, longest: int) -> list[Any]:
    """
    The values of a column: numbers, moments and short texts all at once, since a split has many
    rows.
    """
    if values.dtype.kind in NUMBERS or _are_short_texts(values, longest):
        return _with_none(values)
    if _are_moments(values):
        return _moment_texts(values)
    return [_plain(value, longest) for value in values]


def _with_none(values: pd.Series) -> list[Any]:
    plain = values.tolist()
    if not values.hasnans:
        return plain
    missing = values.isna().tolist()
    return [None if is_none else value for value, is_none in zip(plain, missing, strict=True)]


def _are_moments(values: pd.Series) -> bool:
    """Whether they are moments that Python can tell as well: not by billionths of a second."""
    return values.dtype.kind == MOMENTS and values.dt.unit != "ns"


def _moment_texts(values: pd.Series) -> list[str | None]:
    missing = values.isna().tolist()
    moments = zip(values.array.to_pydatetime(), missing, strict=True)
    return [None if is_none else moment.isoformat() for moment, is_none in moments]


def _are_short_texts(values: pd.Series, longest: int) -> bool:
    return values.dtype == "str" and not (values.str.len() > longest).any()


def _plain(value: Any, longest: int) -> Any:
    if not wording.is_known(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return wording.short(value, longest)
    return value.item() if hasattr(value, "item") else value  # a number of numpy's


def kept_rows(table: pd.DataFrame) -> list[list[Any]]:
    """
    The rows that travel along, as lists of values in the order of the columns.

    >>> import pandas as pd
    >>> kept_rows(pd.DataFrame({"provider": ["gmail", "yahoo"], "attempted": [9412, 7]}))
    [['gmail', 9412], ['yahoo', 7]]
    """
    import pandas as pd

    kept: list[list[Any]] = []
    room = KEPT_BYTES
    rows = pd.DataFrame(table)  # of a Table pandas would ask which question its first rows answer
    for start in range(0, min(len(rows), KEPT_ROWS), ROWS_AT_ONCE):
        for row in rows_of(rows.iloc[start : min(start + ROWS_AT_ONCE, KEPT_ROWS)]):
            values = list(row.values())
            room -= len(json.dumps(values))
            if room < 0:
                return kept
            kept.append(values)
    return kept


def question_of(table: pd.DataFrame) -> Question | None:
    """The question that a table answers; None for a table that answers none."""
    question = getattr(table, "question", None)
    return question if isinstance(question, Question) else None


def largest(rows: Sequence[Row], column: str) -> list[Row]:
    """The rows with the largest values, largest first; as many as are shown."""
    ranked = sorted(rows, key=lambda row: -(row[column] or 0))
    return ranked[:SHOWN_ROWS]
