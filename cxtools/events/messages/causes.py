"""
Causes: what servers say when they refuse, without what differs from recipient to recipient.

A bounce verdict depends on the code, the masked text and the platform's class alone, so each cause
is judged once, however many messages it hit. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cxtools.bounce.classes import clean_class
from cxtools.bounce.reason import LONGEST_CODE, mask

#: Texts whose cause is remembered: a bound on memory.
REMEMBERED = 65_536


class Cause(NamedTuple):
    """
    The code and the masked text of a bounce, and the platform's own class of it, "" where it gave
    none.
    """

    code: str
    text: str
    bounce_class: str


@lru_cache(REMEMBERED)
def cause(code: str, text: str, bounce_class: str) -> Cause:
    """
    The cause of a bounce.

    >>> cause("550", "5.1.1 <ann@example.com>: no such user here", "hard")
    Cause(code='550', text='5.1.1 <address>: no such user here', bounce_class='hard')
    """
    return Cause(code[:LONGEST_CODE], mask(text or code), clean_class(bounce_class))


class CauseNumbers:
    """
    Causes, numbered in the order in which they come.

    >>> numbers = CauseNumbers()
    >>> numbers.number("550", "no user ann@example.com", ""), numbers.number("", "", "hard")
    (0, 1)
    >>> numbers.number("550", "no user bob@example.com", "")
    0
    """

    def __init__(self, known: Iterable[Cause] = ()) -> None:
        self._numbers: dict[Cause, int] = {}
        for each in known:
            self._numbers.setdefault(each, len(self._numbers))

    def number(self, code: str, text: str, bounce_class: str) -> int:
        """The number of a bounce's cause; a new one when it hasn't come before."""
        own = cause(code, text, bounce_class)
        return self._numbers.setdefault(own, len(self._numbers))

    def causes(self) -> list[Cause]:
        """All causes; the number of each is its place."""
        return list(self._numbers)
