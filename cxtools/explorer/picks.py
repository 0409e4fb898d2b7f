"""Which value of a filter the words of a bar mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cxtools.wording import label

#: What isn't read aloud.
NOT_WORDS = re.compile(r"<[^>]*>|[^\w\s-]")


def picked(words: Iterable[str], values: Iterable[str]) -> str:
    """
    The value that a bar is of, by the words that plotly tells of it; "" for none.

    >>> picked(["<b>Mailbox full</b> · soft (50)", "50"], ["policy_block", "mailbox_full"])
    'mailbox_full'
    """
    said = [_plain(word) for word in words]
    for value in sorted(values, key=len, reverse=True):
        if any(_says(word, value) for word in said):
            return value
    return ""


def _says(words: str, value: str) -> bool:
    """Whether words are a value or its label, or begin with it."""
    names = (_plain(value), _plain(label(value)))
    return any(words == name or words.startswith(f"{name} ") for name in names)


def _plain(text: str) -> str:
    return " ".join(NOT_WORDS.sub(" ", text).replace("_", " ").lower().split())
