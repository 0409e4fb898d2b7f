"""
How numbers are written for people: counts, shares, intervals, durations, moments.

Missing is an en dash everywhere, never NaN and never a false zero.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
MISSING = "–"
DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def known(given: T | None) -> TypeGuard[T]:
    """
    Whether there is anything at all: not None, NaN or NaT (the last two are unequal to themselves).
    """
    return given is not None and bool(given == given)


def count(number: float | None) -> str:
    """
    >>> count(9412), count(None)
    ('9,412', '–')
    """
    return f"{number:,.0f}" if known(number) else MISSING


def counted(number: float, noun: str) -> str:
    """
    >>> counted(1, "bounce"), counted(9412, "recipient")
    ('1 bounce', '9,412 recipients')
    """
    return f"{count(number)} {noun if number == 1 else f'{noun}s'}"


def was(number: float) -> str:
    """
    >>> was(1), was(2)
    ('was', 'were')
    """
    return "was" if number == 1 else "were"


def percent(share: float | None, digits: int = 1) -> str:
    """
    A share 0..1 in percent. What is not quite nothing or not quite all doesn't pass for it.

    >>> percent(0.9536), percent(0.00002), percent(0.99999), percent(0), percent(None)
    ('95.4%', '<0.1%', '>99.9%', '0.0%', '–')
    """
    if not known(share):
        return MISSING
    least = 10.0 ** -(digits + 2)
    if 0 < share < least / 2:
        return f"<{least:.{digits}%}"
    if 1 - least / 2 < share < 1:
        return f">{1 - least:.{digits}%}"
    return f"{share:.{digits}%}"


def interval(share: float | None, low: float | None, high: float | None) -> str:
    """
    A share with the 95 % interval behind it.

    >>> interval(0.9536, 0.949, 0.958), interval(None, None, None)
    ('95.4% (94.9–95.8)', '–')
    """
    if not (known(share) and known(low) and known(high)):
        return percent(share)
    return f"{percent(share)} ({low * 100:.1f}–{high * 100:.1f})"


def within(share: float | None, low: float | None, high: float | None) -> str:
    """
    The same to stand in brackets of a sentence.

    >>> within(0.9536, 0.949, 0.958)
    '95.4%, 94.9–95.8'
    """
    return interval(share, low, high).replace(" (", ", ").removesuffix(")")


def points(difference: float | None) -> str:
    """
    A difference of two shares, in percentage points.

    >>> points(-0.018), points(0.0001)
    ('1.8 points below', 'level with')
    """
    if not known(difference):
        return MISSING
    if abs(difference) < 0.0005:
        return "level with"
    return f"{abs(difference) * 100:.1f} points {'above' if difference > 0 else 'below'}"


def duration(seconds: float | None) -> str:
    """
    >>> duration(90), duration(5400), duration(259200), duration(0.4), duration(None)
    ('1.5 min', '1.5 h', '3 d', '0.4 s', '–')
    """
    if not known(seconds):
        return MISSING
    size, unit = next(
        ((size, unit) for size, unit in DURATIONS if abs(seconds) >= size), (1.0, "s")
    )
    return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"


def age(seconds: float) -> str:
    """
    An age as a person says it: hours up to two days, then days.

    >>> age(93600), age(691200), age(31)
    ('26 h', '8 days', '31 s')
    """
    if seconds < 3600:
        return duration(seconds)
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def moment_text(moment: datetime | None) -> str:
    """
    >>> moment_text(datetime(2026, 9, 14, 10, 5))
    '14 Sep 2026 10:05 UTC'
    """
    return f"{moment.day} {moment:%b %Y %H:%M} UTC" if known(moment) else MISSING


def label(column: str) -> str:
    """
    A column's name as a heading.

    >>> label("clicks_without_open"), label("click_rate"), label("median_s"), label("link_url")
    ('Clicks without open', 'Click rate', 'Median', 'Link')
    """
    words = column.removesuffix("_s").removesuffix("_url").replace("_", " ")
    return words[:1].upper() + words[1:]


def short(text: str, width: int = 42) -> str:
    """
    A long text cut in the middle, so that both ends can be told apart.

    >>> short("https://shop.example.com/autumn/sale/shoes?color=red", 30)
    'https://shop.ex…hoes?color=red'
    """
    if len(text) <= width:
        return text
    head = width // 2
    return f"{text[:head]}…{text[-(width - head - 1) :]}"


def canonical(value: Any) -> str:
    """
    JSON one way only: keys sorted, no spaces.

    >>> canonical({"b": 1, "a": "ü"})
    '{"a":"ü","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
