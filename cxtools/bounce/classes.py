"""
What the sending platform itself says of a bounce ("ses: Permanent General", "hard bounce"), for
bounces whose text and code don't say why.

`classes.tsv` is the table: the documented classes of each platform, and the words of exports and
tables. Only what has neither text nor code to go by is judged by them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from cxtools.bounce.policy import Category
from cxtools.bounce.reason import mask

#: Characters of a class that are looked at.
LONGEST_CLASS = 100
# "UnknownUser", "SMTPApiError": where a new word begins.
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")
# A class is a few words, or a short number; what isn't may name a person.
_NAMES_NOBODY = re.compile(r"(?:[^@\d]|(?<!\d)\d{1,6}(?!\d))*")


@dataclass(frozen=True, slots=True)
class ClassMeaning:
    """
    One row of the table: what a platform's class says by itself.

    `trust` is high (the platform stops mailing such an address at once), medium or low.
    """

    platform: str
    word: str
    category: Category
    trust: str


def clean_class(bounce_class: str) -> str:
    """
    A class as causes are told apart by it: of bounded length, and without addresses and long
    numbers, which a class has not.

    >>> clean_class("sparkpost: 10"), clean_class(" hard  bounce of ann@example.com")
    ('sparkpost: 10', 'hard bounce of <address>')
    """
    if not bounce_class:
        return ""
    words = " ".join(bounce_class[:LONGEST_CLASS].split())
    return words if _NAMES_NOBODY.fullmatch(words) else mask(words)


def split_class(bounce_class: str) -> tuple[str, str]:
    """
    The platform that a class names, "" when none, and its word.

    >>> split_class("ses: Permanent General"), split_class("hard bounce")
    (('ses', 'Permanent General'), ('', 'hard bounce'))
    """
    platform, mark, word = bounce_class.partition(": ")
    return (platform.lower(), word) if mark else ("", bounce_class)


def class_text(bounce_class: str) -> str:
    """
    The word of a class as a text, so that rules can read it.

    >>> class_text("hubspot: UNKNOWN_USER"), class_text("hard-UserUnknown")
    ('unknown user', 'hard user unknown')
    """
    _, word = split_class(bounce_class)
    return " ".join(_words(word))


def class_in_words(bounce_class: str, category: Category) -> str:
    """
    A class as people read it: where it is only a number, with what it was taken for.

    >>> class_in_words("sparkpost: 22", "mailbox_full"), class_in_words("hard bounce", "unknown")
    ('sparkpost: 22 (mailbox full)', 'hard bounce')
    """
    _, word = split_class(bounce_class)
    if word.isdecimal():
        return f"{bounce_class} ({category.replace('_', ' ')})"
    return bounce_class


def whole_class(bounce_class: str) -> ClassMeaning | None:
    """
    What a class says by itself, None when no row has it. A platform's own row comes before the
    words of tables.

    >>> whole_class("ses: Permanent General").category, whole_class("HARD_BOUNCE").trust
    ('invalid_recipient', 'medium')
    >>> whole_class("ses: Permanent Mystery") is None
    True
    """
    platform, word = split_class(bounce_class)
    return _row(platform, _words(word))


def general_class(bounce_class: str) -> ClassMeaning | None:
    """
    What the first words of a class say, where the whole of it is not in the table.

    >>> general_class("ses: Permanent Mystery").word
    'Permanent'
    """
    platform, word = split_class(bounce_class)
    words = _words(word)
    for count in range(len(words) - 1, 0, -1):
        row = _row(platform, words[:count])
        if row:
            return row
    return None


def _row(platform: str, words: list[str]) -> ClassMeaning | None:
    rows = class_table()
    word = "".join(words)
    return rows.get((platform, word)) or rows.get(("", word))


def _words(text: str) -> list[str]:
    return _WORD.findall(_CAPITAL.sub(" ", text).lower())


@cache
def class_table() -> dict[tuple[str, str], ClassMeaning]:
    """The rows of `classes.tsv` by platform and word, whose case, blanks and signs don't count."""
    rows: dict[tuple[str, str], ClassMeaning] = {}
    for line in (files(__package__) / "classes.tsv").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        platform, word, category, trust, _source = line.split("\t")
        row = ClassMeaning(platform, word, cast(Category, category), trust)
        rows[platform, "".join(_words(word))] = row
    return rows
