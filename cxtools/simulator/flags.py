"""
What the flags of the command line may say: a reader takes a flag's text and returns its value, or
refuses it with words.
"""

from __future__ import annotations

import base64
import binascii
import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime

#: The text of a flag -> its value.
Reader = Callable[[str], object]

LAST_PORT = 65535
#: Of people, of campaigns: more than any story needs, few enough to be made.
MOST = 10_000_000
SECRET_BEGINS_WITH = "whsec_"  # noqa: S105 - how each begins
FIRST_YEAR = 1970
LAST_YEAR = 2999


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """
    A reader of whole numbers in a range.

    >>> whole_number(0, 10)("7")
    7
    >>> whole_number(0, 10)("11")
    Traceback (most recent call last):
        ...
    argparse.ArgumentTypeError: a whole number from 0 to 10 is needed, not '11'
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ArgumentTypeError(
                f"a whole number from {least} to {most} is needed, not {text!r}"
            )
        return number

    return read


port = whole_number(0, LAST_PORT)
count = whole_number(0, MOST)


def amount(text: str) -> float:
    """
    A number that is not negative and has an end.

    >>> amount("2.5")
    2.5
    """
    number = speed(text)
    if math.isinf(number):
        raise ArgumentTypeError(f"a number with an end is needed, not {text!r}")
    return number


def speed(text: str) -> float:
    """A number that is not negative; `inf` is one."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number) or number < 0:
        raise ArgumentTypeError(f"a number from 0 on is needed, not {text!r}")
    return number


def moment(text: str) -> str:
    """A date or a moment by ISO 8601, with room for stories before and after it; it stays text."""
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        year = 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ArgumentTypeError(
            f"a moment of {FIRST_YEAR} to {LAST_YEAR} is needed, as 2026-09-14T08:00:00Z, "
            f"not {text!r}"
        )
    return text


def webhook_secret(text: str) -> str:
    """A secret of Standard Webhooks, or "" for none; it stays text."""
    try:
        base64.b64decode(text.removeprefix(SECRET_BEGINS_WITH), validate=True)
    except (binascii.Error, ValueError):
        raise ArgumentTypeError(f"{SECRET_BEGINS_WITH} and then base64 is needed") from None
    return text
