"""
Limits held against counts.

A limit is broken for certain (FAIL) only when the whole 95 % interval lies above it; a number above
the target is a WARN, unless chance explains it; too little mail is said to be too little, never
passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.measures.stats import binomial_tail, wilson
from cxtools.verdicts.limits import WORDS, Limit

if TYPE_CHECKING:
    from cxtools.verdicts.places import Trouble

NOT_MEASURED = "not measured"
#: Fewer cases don't alarm anybody, however few messages they are of.
FEWEST_CASES = 3
#: How often a share that is at its target may warn by chance.
ERROR_RATE = 0.05


@dataclass(frozen=True)
class Check:
    """
    One limit held against the counts; the share is `count` / `whole`, None when not measured.

    `trouble` is the place that it is about, where it is about one.
    """

    limit: Limit
    word: str
    count: int | None
    whole: int | None
    trouble: Trouble | None = None


def check(limit: Limit, counts: Mapping[str, int]) -> Check:
    """
    A limit held against counts. The word is "not measured" when the feed doesn't report the kind,
    "–" when there is nothing to divide by.

    >>> from cxtools.verdicts.limits import HARD_BOUNCES
    >>> check(HARD_BOUNCES, {"hard": 500, "attempted": 8000}).word
    'FAIL'
    >>> check(HARD_BOUNCES, {"hard": 60, "attempted": 1000}).word
    'WARN'
    >>> check(HARD_BOUNCES, {"hard": 0, "attempted": 20}).word
    'TOO FEW'
    """
    part = counts.get(limit.part)
    whole = counts.get(limit.whole)
    word = _word(limit, part, whole)
    return Check(limit, word, part, whole)


def _word(
    limit: Limit,
    part: int | None,
    whole: int | None,
) -> str:
    if part is None or whole is None:
        return NOT_MEASURED
    if not whole:
        return wording.MISSING
    return _word_for_share(limit, part, whole)


def _word_for_share(
    limit: Limit,
    part: int,
    whole: int,
) -> str:
    share = part / whole
    low, high = wilson(part, whole)
    if not limit.target and part <= 1:  # no interval can excuse a single case, or condemn it
        return "WARN" if part else "PASS"
    if limit.target and 0 < part < FEWEST_CASES and share > limit.target:
        return "TOO FEW"
    if limit.limit is not None and low > limit.limit:
        return "FAIL"
    if share > limit.target and _is_surely_above(limit, part, whole):
        return "WARN"
    if high <= limit.target:
        return "PASS"
    return "TOO FEW"


def _is_surely_above(limit: Limit, part: int, whole: int) -> bool:
    """Whether a share is above the target by more than chance; guidance asks for no such proof."""
    if limit.is_guidance or not limit.target:
        return True
    return binomial_tail(part, whole, limit.target) <= ERROR_RATE


def decides(one: Check) -> bool:
    """
    Whether a check decides on the campaign's word. One that is not measured doesn't; nor does one
    with too few messages, unless a campaign must prove that it is below the target.
    """
    if one.word == "TOO FEW":
        return one.limit.needs_proof
    return one.word in WORDS


def is_as_bad_as(word: str, other: str) -> bool:
    """
    Whether a word is another one or worse.

    >>> is_as_bad_as("FAIL", "WARN"), is_as_bad_as("TOO FEW", "WARN")
    (True, False)
    """
    return WORDS.index(word) <= WORDS.index(other)


def worst(words: Iterable[str], otherwise: str) -> str:
    """
    >>> worst(["PASS", "WARN"], "TOO FEW"), worst([], "TOO FEW")
    ('WARN', 'TOO FEW')
    """
    return min(words, key=WORDS.index, default=otherwise)
