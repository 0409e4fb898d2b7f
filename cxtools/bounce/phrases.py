"""
The language in which a rule says what a bounce's text says.

A phrase is not a regular expression but words in a row, so that a postmaster can read and write it,
and no phrase can run away on hostile input:

    mailbox full            these words, side by side (case, accents and punctuation don't count;
                            "can't" is "can not")
    block* using            a word that begins so
    . user .. unknown       up to six words between, within one sentence; a "." where one begins or
                            ends
    (over|exceeds) quota    one or the other; (the)? and the? may be missing
    {recipient} unknown     the words of `[groups]` at the head of rules.toml

A phrase becomes a list of units: its words, folded like the texts that they are compared with, and
the signs between them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from cxtools.bounce.reason import drop_codes, mask, words

TABLE: dict[str, Any] = tomllib.loads((files(__package__) / "rules.toml").read_text("utf-8"))
GROUPS: dict[str, str] = TABLE["groups"]
#: The words that ".." may stand for, at most; a sentence's end is not one of them.
WORDS_BETWEEN = 6
#: A phrase may be read in so many ways, from one place of a text on, before it is refused.
MOST_WAYS = 5_000

CLOSING = (")", ")?")
#: Each sign of the language as a regular expression. Every word is followed by a space there.
SIGNS = {
    "(": "(?:",
    ")": ")",
    ")?": ")?",
    "|": "|",
    "..": rf"(?:[^\s.]\S* ){{0,{WORDS_BETWEEN}}}?",
    ".": "[.] ",
}
_TOKENS = re.compile(r"\(|\)\??|\||[^\s()|]+")
# A group that is an alternative by itself, as in (a|{group}), needs no brackets of its own.
_GROUP = re.compile(r"(?P<alternative>(?<=[(|])\{\w+\}(?=[|)]))|\{\w+\}")


@cache
def units(phrase: str) -> tuple[str, ...]:
    """
    The words and signs of a phrase, its groups filled in.

    Raises:
        ValueError: a group doesn't exist; the message says which do.

    >>> units("block* (using|by) .. list?")
    ('block*', '(', 'using', '|', 'by', ')', '..', 'list?')
    """
    result: list[str] = []
    for token in _TOKENS.findall(_GROUP.sub(_fill, phrase)):
        if token in SIGNS:
            result.append(token)
        else:
            result.extend(_fold(token))
    return tuple(result)


def pattern(phrase: str) -> str:
    r"""
    The regular expression of a phrase, for texts whose every word is followed by a space.

    >>> pattern("block* list?")
    ' block\\S* (?:list )?'
    """
    return " " + "".join(_expression(unit) for unit in units(phrase))


def check(phrase: str) -> None:
    """
    Refuse a phrase that can't match what is read, or that some text could make slow.

    Raises:
        ValueError: the message says why, and what to write instead.
    """
    _check_brackets(phrase)
    for token in _TOKENS.findall(_GROUP.sub("", phrase)):
        _check_word(token.strip("*?"))
    _check_ways(phrase)


def places(all_units: Iterable[str]) -> Iterator[list[str]]:
    """The places of a phrase, one after the other: a word, or a bracket with all that is in it."""
    depth = 0
    place: list[str] = []
    for unit in all_units:
        depth += _step(unit)
        place.append(unit)
        if depth == 0:
            yield place
            place = []


def _fill(match: re.Match[str]) -> str:
    name = match.group().strip("{}")
    if name not in GROUPS:
        raise ValueError(f"there is no group {name!r}; use one of {', '.join(GROUPS)}")
    filled = _GROUP.sub(_fill, GROUPS[name])
    return filled if match["alternative"] else f"({filled})"


def _fold(token: str) -> list[str]:
    """A token's words as they stand in a folded text; its mark (* or ?) belongs to the last."""
    folded = words(token.rstrip("*?"))
    if folded and token[-1] in "*?":
        folded[-1] += token[-1]
    return folded


def _expression(unit: str) -> str:
    if unit in SIGNS:
        return SIGNS[unit]
    word = re.escape(unit.rstrip("*?"))
    if unit.endswith("*"):
        return rf"{word}\S* "
    if unit.endswith("?"):
        return f"(?:{word} )?"
    return f"{word} "


def _step(unit: str) -> int:
    """By how much a unit changes the depth of brackets."""
    if unit == "(":
        return 1
    return -1 if unit in CLOSING else 0


def _check_brackets(phrase: str) -> None:
    depth = 0
    for unit in units(phrase):
        depth += _step(unit)
        if depth < 0:
            break
    if depth != 0:
        raise ValueError(f"the brackets of {phrase!r} don't close; close each ( with a )")


def _check_word(word: str) -> None:
    """Numbers may stand in a phrase, since they are read inside of codes such as OFR_104."""
    if word.isdecimal():
        return
    readings = [words(drop_codes(mask(spelling))) for spelling in (word, word.upper())]
    if words(word) not in readings:
        raise ValueError(
            f"{word!r} is masked before a rule reads it: write xip, xhost, xaddress, n or id, "
            "and codes in `codes`"
        )


def _check_ways(phrase: str) -> None:
    all_units = units(phrase)
    gaps = all_units.count("..")
    optional = sum(1 for unit in all_units if unit[-1] in ")?")
    if (WORDS_BETWEEN + 1) ** gaps * 2**optional > MOST_WAYS:
        raise ValueError(
            f"{phrase!r} can be read in too many ways; use three .. at most, "
            "fewer (brackets), or two phrases"
        )
