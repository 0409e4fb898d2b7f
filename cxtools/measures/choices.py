"""What a question is asked with: the columns to split by, and what messages are limited to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cxtools.errors import ConfigError, StoreError
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.question import Question
from cxtools.wording import did_you_mean

#: One dimension to split by, or several.
By = str | Sequence[str] | None
#: Dimension -> the value that messages must have, or one of several.
Where = Mapping[str, Any] | None
#: Dimension -> the values, as text, of which messages must have one.
Filters = Mapping[str, Sequence[str]]
NO_FILTERS: Filters = {}


def splits(question: Question, by: By) -> list[str]:
    """
    The dimensions to split by, each once and in the order of DIMENSIONS. One that is a column of
    the question is left out: its rows are parted by it as they are.

    Raises:
        StoreError: there is no such dimension, or the question can't be split.
    """
    names = [by] if isinstance(by, str) else list(by or ())
    if names and not question.splits:
        raise StoreError(
            f"{question.name} can't be split",
            do="leave `by` out",
        )
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        raise StoreError(
            f"can't split by {', '.join(unknown)}",
            do=f"{did_you_mean(unknown, DIMENSIONS)}choose from: {', '.join(DIMENSIONS)}",
        )
    own = question.column_names()
    return [name for name in DIMENSIONS if name in names and name not in own]


def filters(question: Question, where: Where) -> dict[str, list[str]]:
    """
    What messages are limited to.

    Raises:
        StoreError: there is no such dimension, or the question can't be filtered.
    """
    if not where:
        return {}
    if not question.filters:
        raise StoreError(
            f"{question.name} can't be filtered",
            do="leave `where` out",
        )
    unknown = [name for name in where if name not in DIMENSIONS]
    if unknown:
        raise StoreError(
            f"can't filter by {', '.join(unknown)}",
            do=f"{did_you_mean(unknown, DIMENSIONS)}choose from: {', '.join(DIMENSIONS)}",
        )
    return {name: _texts(value) for name, value in where.items()}


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple | set) else [value]
    return [str(each) for each in values]


def parse_where(texts: Iterable[str]) -> dict[str, list[str]]:
    """
    Filters as people type them; a column that comes again may have either value.

    >>> parse_where(["provider=gmail", "provider=yahoo", "day=2026-09-14"])
    {'provider': ['gmail', 'yahoo'], 'day': ['2026-09-14']}
    """
    where: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(
                f"a filter needs COLUMN=VALUE, not {text!r}",
                do=f"write one as provider=gmail; columns: {', '.join(DIMENSIONS)}",
            )
        values = where.setdefault(name.strip(), [])
        values.append(value.strip())
    return where
