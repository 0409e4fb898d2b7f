"""Tables as spreadsheets open them: no formula is run, and no number loses a digit. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from numbers import Integral

import pandas as pd

from cxtools.text import safe_cell

#: From here on a cell of Excel rounds a whole number.
LONG_NUMBER = 10**15
#: What no sheet can hold, and what stands in its place.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
REPLACEMENT = "\ufffd"


def csv_text(table: pd.DataFrame) -> str:
    """
    A table as CSV, without its index.

    >>> print(csv_text(pd.DataFrame({"=link": ["=1+2", "plain"]})))
    '=link
    '=1+2
    plain
    <BLANKLINE>
    """
    return _map_table(table, safe_value).to_csv(index=False)


def sheet_table(table: pd.DataFrame) -> pd.DataFrame:
    """
    A table as a sheet can hold it: what has more digits than a cell keeps, as a message's key has,
    is text, and control characters that somebody's server wrote are replaced.

    >>> columns = {"key": [5, 10**15], "text": ["user\\x0bunknown", "@x"]}
    >>> sheet_table(pd.DataFrame(columns))["key"].tolist()
    [5, '1000000000000000']
    >>> sheet_table(pd.DataFrame(columns))["text"].tolist() == ["user\\ufffdunknown", "'@x"]
    True
    """
    return _map_table(table, _sheet_value)


def safe_value(value: object) -> object:
    """The value, harmless if a spreadsheet would run it as a formula."""
    return safe_cell(value) if isinstance(value, str) else value


def _sheet_value(value: object) -> object:
    if isinstance(value, Integral) and abs(int(value)) >= LONG_NUMBER:
        return str(value)
    if isinstance(value, str):
        return CONTROL.sub(REPLACEMENT, safe_cell(value))
    return value


def _map_table(table: pd.DataFrame, change: Callable[[object], object]) -> pd.DataFrame:
    """Every value and heading as it is changed."""
    columns = [_map_column(values, change) for _, values in pd.DataFrame(table).items()]
    if not columns:
        return pd.DataFrame(table)
    plain = pd.concat(columns, axis=1)
    if plain.columns.nlevels == 1:
        headings = [change(name) for name in plain.columns]
        plain.columns = pd.Index(headings, name=plain.columns.name)
    return plain


def _map_column(values: pd.Series, change: Callable[[object], object]) -> pd.Series:
    """Columns that need no change are taken as they are: a split has many rows."""
    kind = values.dtype.kind
    if kind in "bfmM":
        return values
    if kind in "iu" and values.between(-LONG_NUMBER, LONG_NUMBER, inclusive="neither").all():
        return values
    return values.map(change)
