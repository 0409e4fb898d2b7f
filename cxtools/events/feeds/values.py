"""
What every feed needs to read a row: texts and spellings. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

#: A record as it came: names and values of one JSON object or one line of a table.
Row = Mapping[str, Any]

NOT_A_LETTER = re.compile(r"[\W_]+")


def cell_text(value: object) -> str:
    """
    A cell as text; "" for nothing. A whole number is written as one: a column with gaps makes
    floats of them. A list of one is what it holds.

    Raises:
        ValueError: it is a list of several, or an object.

    >>> cell_text(" open "), cell_text(550.0), cell_text(float("nan")), cell_text(["open"])
    ('open', '550', '', 'open')
    """
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return _only_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number_text(value)
    return str(value).strip()


def _only_text(values: list[object] | dict[str, object]) -> str:
    if isinstance(values, dict) or len(values) > 1:
        raise ValueError("a list or an object stands where a text is expected")
    return "".join(map(cell_text, values))


def _number_text(number: float) -> str:
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() else str(number)


def first_text(
    row: Row,
    names: Iterable[str],
    text: Callable[[object], str] = cell_text,
) -> str:
    """
    The first of these values that says something; "" when none does. *text* reads one.

    >>> first_text({"reason": None, "response": "400 later"}, ["reason", "response"])
    '400 later'
    """
    texts = (text(row.get(name)) for name in names)
    return next(filter(None, texts), "")


def spelling(name: str) -> str:
    """
    A name without what people spell differently.

    >>> spelling("Event-Type"), spelling("eventType"), spelling('"event_type"')
    ('eventtype', 'eventtype', 'eventtype')
    """
    return NOT_A_LETTER.sub("", name.lower())
