"""
How numbers are written for people: counts, shares, intervals, durations, moments, by the locale and
in the time zone of `formats`; and which name somebody meant.

What is missing is an en dash everywhere, never NaN and never a false zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from operator import eq
from typing import TypeGuard, TypeVar

from cxtools.formats import current

Value = TypeVar("Value")

MISSING = "–"
#: The cause of messages that didn't bounce; that of which nobody knows why is "unknown".
NO_BOUNCE = "no bounce"
DURATIONS = (
    (86400, "d"),
    (3600, "h"),
    (60, "min"),
)
#: The last digit of a number -> the ending of its ordinal.
ORDINALS = {1: "st", 2: "nd", 3: "rd"}
#: Up to so many hours an age is said in hours, then in days.
IN_HOURS = 48
#: Differences below half a tenth of a point are not written as differences.
LEVEL = 0.0005


def is_known(value: Value | None) -> TypeGuard[Value]:
    """Whether there is a value at all: not None, NaN or NaT."""
    if value is None:
        return False
    return bool(eq(value, value))  # only NaN and NaT are unequal to themselves


def count(number: float | None) -> str:
    """
    >>> count(9412), count(None)
    ('9,412', '–')
    """
    if not is_known(number):
        return MISSING
    return current().number(number)


def score(number: float | None) -> str:
    """
    A number that is no count, with one digit behind the mark.

    >>> score(1.6), score(None)
    ('1.6', '–')
    """
    if not is_known(number):
        return MISSING
    return current().number(number, 1)


def quantity(number: float, noun: str) -> str:
    """
    >>> quantity(1, "bounce"), quantity(9412, "recipient")
    ('1 bounce', '9,412 recipients')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{count(number)} {noun}s"


def ordinal(number: int) -> str:
    """
    >>> ordinal(1), ordinal(2), ordinal(3), ordinal(4), ordinal(11), ordinal(21)
    ('1st', '2nd', '3rd', '4th', '11th', '21st')
    """
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    ending = ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"


def people(number: float) -> str:
    """
    >>> people(1), people(9412)
    ('1 person', '9,412 people')
    """
    if number == 1:
        return "1 person"
    return f"{count(number)} people"


def was_or_were(number: float) -> str:
    """
    >>> was_or_were(1), was_or_were(2)
    ('was', 'were')
    """
    return "was" if number == 1 else "were"


def percent(share: float | None, digits: int = 1) -> str:
    """
    A share 0..1 in percent. What is not quite nothing or not quite all doesn't pass for it.

    >>> percent(0.9536), percent(0.00002), percent(0.99999), percent(0), percent(None)
    ('95.4%', '<0.1%', '>99.9%', '0.0%', '–')
    """
    if not is_known(share):
        return MISSING
    smallest = 10.0 ** -(digits + 2)
    written = current().percent
    if 0 < share < smallest / 2:
        return f"<{written(smallest, digits)}"
    if 1 - smallest / 2 < share < 1:
        return f">{written(1 - smallest, digits)}"
    return written(share, digits)


def limit(share: float | None) -> str:
    """
    A limit as people say it, with the digits that it has.

    >>> limit(0.02), limit(0.001), limit(0.0005), limit(0), limit(None)
    ('2%', '0.1%', '0.05%', '0%', '–')
    """
    if not is_known(share):
        return MISSING
    number = round(share * 100, 4)
    digits = len(f"{number:g}".partition(".")[2])
    return current().percent(share, digits)


def interval(
    share: float | None,
    low: float | None,
    high: float | None,
) -> str:
    """
    A share with the 95 % interval behind it.

    >>> interval(0.9536, 0.949, 0.958), interval(None, None, None)
    ('95.4% (94.9–95.8)', '–')
    """
    text = percent(share)
    if is_known(low) and is_known(high):
        return f"{text} ({bounds(low, high)})"
    return text


def interval_in_brackets(
    share: float | None,
    low: float | None,
    high: float | None,
) -> str:
    """
    The same, for a sentence that puts it in brackets.

    >>> interval_in_brackets(0.9536, 0.949, 0.958)
    '95.4%, 94.9–95.8'
    """
    text = percent(share)
    if is_known(low) and is_known(high):
        return f"{text}, {bounds(low, high)}"
    return text


def bounds(low: float, high: float) -> str:
    """
    >>> bounds(0.949, 0.958)
    '94.9–95.8'
    """
    number = current().number
    return f"{number(low * 100, 1)}–{number(high * 100, 1)}"


def points(difference: float | None) -> str:
    """
    A difference of two shares, in percentage points.

    >>> points(-0.018), points(0.0001)
    ('1.8 points below', 'level with')
    """
    if not is_known(difference):
        return MISSING
    if abs(difference) < LEVEL:
        return "level with"
    direction = "above" if difference > 0 else "below"
    size = abs(difference) * 100
    return f"{current().number(size, 1)} points {direction}"


def difference(size: float | None, low: float | None = None, high: float | None = None) -> str:
    """
    A difference of two shares with its sign and its interval, in percentage points.

    >>> difference(0.018, 0.004, 0.032), difference(-0.018), difference(0.0001)
    ('+1.8 points (+0.4 to +3.2)', '-1.8 points', '±0.0 points')
    """
    if not is_known(size):
        return MISSING
    text = f"{_signed(size)} points"
    if is_known(low) and is_known(high):
        return f"{text} ({_signed(low)} to {_signed(high)})"
    return text


def _signed(size: float) -> str:
    number = current().number(abs(size) * 100, 1)
    if abs(size) < LEVEL:
        return f"±{number}"
    return f"+{number}" if size > 0 else f"-{number}"


def duration(seconds: float | None) -> str:
    """
    >>> duration(90), duration(5400), duration(259200), duration(0.4), duration(None)
    ('1.5 min', '1.5 h', '3 d', '0.4 s', '–')
    """
    if not is_known(seconds):
        return MISSING
    for size, unit in DURATIONS:
        if abs(seconds) >= size:
            return f"{_short_number(seconds / size)} {unit}"
    return f"{_short_number(seconds)} s"


def _short_number(number: float) -> str:
    digits = 0 if f"{number:.1f}".endswith(".0") else 1
    return current().number(number, digits)


def age(seconds: float) -> str:
    """
    An age as a person says it: hours up to two days, then days.

    >>> age(93600), age(691200), age(31)
    ('26 h', '8 days', '31 s')
    """
    hours = seconds / 3600
    if hours < 1:
        return duration(seconds)
    if hours < IN_HOURS:
        return f"{count(hours)} h"
    return f"{count(hours / 24)} days"


def moment_text(moment: datetime | None) -> str:
    """
    >>> moment_text(datetime(2026, 9, 14, 10, 5))
    '14 Sep 2026 10:05 UTC'
    """
    if not is_known(moment):
        return MISSING
    return current().moment(moment)


def did_you_mean(names: str | Iterable[str], known: Iterable[str]) -> str:
    """
    The beginning of the advice on names that aren't there: those that they are slips of; "" where
    nothing is near.

    >>> did_you_mean("Q3-updat", ["q2-news", "q3-update"]), did_you_mean("x", ["q2-news"])
    ('did you mean q3-update? ', '')
    """
    known_names = {name.lower(): name for name in known}
    meant = []
    for name in [names] if isinstance(names, str) else names:
        near = get_close_matches(name.lower(), known_names, 1)
        meant += [known_names[each] for each in near]
    if not meant:
        return ""
    return f"did you mean {', '.join(meant)}? "


def spaced(identifier: str) -> str:
    """
    One of our own identifiers as words.

    >>> spaced("invalid_recipient")
    'invalid recipient'
    """
    return identifier.replace("_", " ")


def label(column: str) -> str:
    """
    A column's name as a heading.

    >>> label("clicks_without_open"), label("click_rate"), label("median_s"), label("link_url")
    ('Clicks without open', 'Click rate', 'Median', 'Link')
    """
    words = spaced(column.removesuffix("_s").removesuffix("_url"))
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
    tail = width - head - 1
    return f"{text[:head]}…{text[-tail:]}"


def shown_note(shown: int, total: int) -> str:
    """
    What to say where only some rows are shown; "" where all are.

    >>> shown_note(20, 4250), shown_note(20, 20)
    (' Showing 20 of 4,250.', '')
    """
    if total <= shown:
        return ""
    return f" Showing {shown} of {count(total)}."
