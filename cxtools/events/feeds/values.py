"""
What every feed needs to read a row: texts, spellings and moments. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from cxtools.text import parse_moment

#: A record as it came: names and values of one JSON object or one line of a table.
Row = Mapping[str, Any]

UNIX_TIME = re.compile(r"\d{9,}(\.\d+)?")
#: A Unix time beyond this is in milliseconds; in seconds it would lie in the year 5138.
LAST_SECOND = 1e11

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
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return _only_text(value)
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


def parse_time(value: object) -> datetime | None:
    """
    The moment of a cell; None where there is none.

    Raises:
        ValueError: something is there and can't be read. What may be an address isn't repeated.

    >>> parse_time("2026-09-14T10:00:00+02:00").hour, parse_time("")
    (8, None)
    """
    moment = moment_in_any_form(value)
    text = cell_text(value)
    if text and moment is None:
        quoted = "of the row" if "@" in text else repr(text[:40])
        raise ValueError(
            f"the time {quoted} can't be read; "
            "write it as 2026-09-14T10:00:00+02:00 or as Unix seconds"
        )
    return moment


def moment_in_any_form(value: object) -> datetime | None:
    """
    A moment in whatever form tables have: ISO 8601, Unix seconds or milliseconds (also as text),
    RFC 5322; None for nonsense.

    >>> moment_in_any_form("1513299569").isoformat()
    '2017-12-15T00:59:29+00:00'
    >>> moment_in_any_form("1513299569000").minute
    59
    >>> moment_in_any_form("Thu, 14 Dec 2017 19:59:29 -0500").day
    15
    >>> moment_in_any_form("soon") is None
    True
    """
    if isinstance(value, datetime):
        return parse_moment(value.isoformat())
    text = cell_text(value).removesuffix(" UTC")
    if UNIX_TIME.fullmatch(text):
        seconds = float(text)
        if seconds > LAST_SECOND:
            seconds /= 1000
        return parse_moment(seconds)
    moment = parse_moment(text)
    if moment is None and "," in text:
        return _rfc_5322_moment(text)
    return moment


def _rfc_5322_moment(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # 15 ms, which `cxtools --help` needs not pay

    with suppress(ValueError):
        return parse_moment(parsedate_to_datetime(text).isoformat())
    return None
