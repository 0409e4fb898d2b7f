"""What a question is asked with: the columns to split by, and what messages are limited to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cxtools.erasures import is_personal
from cxtools.errors import ConfigError, StoreError
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.question import Question
from cxtools.wording import did_you_mean

#: One dimension or segment to split by, or several: as a list, or a text with commas.
By = str | Sequence[str] | None
#: Dimension -> the value that messages must have, or one of several; as a text with commas, as
#: "provider=gmail,plan=pro", what papermill hands on. What holds a comma stands between quotes:
#: 'town="Bern, Switzerland",plan=pro'.
Where = Mapping[str, Any] | str | None
#: Dimension -> the values, as text, of which messages must have one.
Filters = Mapping[str, Sequence[str]]
NO_FILTERS: Filters = {}
#: A text between quotes, in which a quote is doubled; and a part of a text with commas.
QUOTED = re.compile(r'"(?:[^"]|"")*"')
PART = re.compile(r'(?:[^,"]|"(?:[^"]|"")*")+')
#: What a part can't hold without quotes.
SPECIAL = re.compile(r'[,"]')
NOTHING_LEFT_OUT: Mapping[str, str] = {}


def names_in(by: By, where: Where) -> list[str]:
    """What somebody asks to split and filter by.

    >>> names_in("day", {"provider": "gmail"}), names_in(None, None)
    (['day', 'provider'], [])
    """
    return [*_names(by), *_wanted(where)]


def _names(by: By) -> list[str]:
    """
    >>> _names("plan, day"), _names(["plan"]), _names("")
    (['plan', 'day'], ['plan'], [])
    """
    return parts_of(by) if isinstance(by, str) else list(by or ())


def _wanted(where: Where) -> Mapping[str, Any]:
    return parse_where(parts_of(where)) if isinstance(where, str) else where or {}


def parts_of(text: str) -> list[str]:
    """
    The parts of a text with commas; one that holds a comma stands between quotes, and a quote
    within them is doubled, as in CSV.

    >>> parts_of('plan=pro, town="Bern, Switzerland", size="5"" pipe"')
    ['plan=pro', 'town=Bern, Switzerland', 'size=5" pipe']

    Raises:
        ConfigError: a quote isn't closed.
    """
    parts = [match.group() for match in PART.finditer(text)]
    if '"' in QUOTED.sub("", text):
        raise ConfigError(
            f"a quote isn't closed: {text}",
            do='write a value that holds a comma as town="Bern, Switzerland"',
        )
    plain = [QUOTED.sub(_without_quotes, part).strip() for part in parts]
    return [part for part in plain if part]


def _without_quotes(quoted: re.Match[str]) -> str:
    return quoted.group()[1:-1].replace('""', '"')


def quoted(text: str) -> str:
    """
    A part as `parts_of` reads it.

    >>> quoted("plan=pro"), quoted("town=Bern, Switzerland"), quoted('size=5" pipe')
    ('plan=pro', '"town=Bern, Switzerland"', '"size=5"" pipe"')
    """
    if not SPECIAL.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def splits(
    question: Question,
    by: By,
    segments: Collection[str] = (),
    left_out: Mapping[str, str] = NOTHING_LEFT_OUT,
) -> list[str]:
    """
    The dimensions to split by, each once and in the order of DIMENSIONS, then the *segments* as
    they were named; *left_out* says why others are none. One that is a column of the question is
    left out: its rows are parted by it as they are; so are those of a question about categories by
    cause.

    Raises:
        StoreError: there is no such dimension, or the question can't be split.
    """
    names = _names(by)
    if names and not question.splits:
        raise StoreError(
            f"{question.name} can't be split",
            do="leave `by` out",
        )
    _check_known(names, segments, left_out, "split")
    own = _own_columns(question)
    dimensions = [name for name in DIMENSIONS if name in names and name not in own]
    return [*dimensions, *dict.fromkeys(name for name in names if name not in DIMENSIONS)]


def _own_columns(question: Question) -> list[str]:
    """The columns that a question's rows are parted by as they are; a category is a cause."""
    columns = question.column_names()
    is_of_causes = columns[0] == "category"
    return [*columns, "cause"] if is_of_causes else columns


def filters(
    question: Question,
    where: Where,
    segments: Collection[str] = (),
    left_out: Mapping[str, str] = NOTHING_LEFT_OUT,
) -> dict[str, list[str]]:
    """
    What messages are limited to.

    Raises:
        StoreError: there is no such dimension, no value of it is named, or the question can't be
        filtered.
    """
    wanted = _wanted(where)
    if not wanted:
        return {}
    if not question.filters:
        raise StoreError(
            f"{question.name} can't be filtered",
            do="leave `where` out",
        )
    _check_known(wanted, segments, left_out, "filter")
    chosen = {name: _texts(value) for name, value in wanted.items()}
    without = [name for name, values in chosen.items() if not values]
    if without:
        raise StoreError(
            f"`where` names no value of {', '.join(without)}",
            do="name one or more, or leave it out",
        )
    if "cause" in chosen:
        chosen["cause"] = as_identifiers(chosen["cause"])
    return chosen


def _check_known(
    names: Iterable[str], segments: Collection[str], left_out: Mapping[str, str], verb: str
) -> None:
    """
    Refuse what is neither a dimension nor a segment of these campaigns.

    Raises:
        StoreError: it names what there is.
    """
    known = [*DIMENSIONS, *segments]
    unknown = [name for name in names if name not in known]
    if not unknown:
        return
    choices = f"choose from: {', '.join(DIMENSIONS)}"
    choices += f"; segments: {', '.join(segments)}" if segments else ""
    raise StoreError(
        f"can't {verb} by {', '.join(unknown)}{_why_not(unknown, left_out)}",
        do=f"{did_you_mean(unknown, known)}{choices}",
    )


def _why_not(names: Collection[str], left_out: Mapping[str, str]) -> str:
    personal = [name for name in names if is_personal(name)]
    reasons = [f"{', '.join(personal)} tells of one person, not of a group"] if personal else []
    reasons += [left_out[name] for name in names if name in left_out]
    return f": {'; '.join(reasons)}" if reasons else ""


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple | set) else [value]
    return [str(each) for each in values]


def as_identifiers(words: Iterable[str]) -> list[str]:
    """
    Causes as we name them, of what stands in tables.

    >>> as_identifiers(["mailbox full", "policy_block"])
    ['mailbox_full', 'policy_block']
    """
    return [word.replace(" ", "_") for word in words]


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
                do=f"write one as provider=gmail; columns: {', '.join(DIMENSIONS)}, and segments",
            )
        values = where.setdefault(name.strip(), [])
        values.append(value.strip())
    return where


def parse_options(texts: Iterable[str]) -> dict[str, list[str]]:
    """
    Filters as an option has them: one, or several with commas, in each of *texts*. What isn't a
    list of filters is one, whose value holds a comma or a quote as it stands.

    >>> parse_options(["plan=pro,provider=gmail", "provider=yahoo"])
    {'plan': ['pro'], 'provider': ['gmail', 'yahoo']}
    >>> parse_options(["town=Bern, Switzerland", 'size=5" pipe'])
    {'town': ['Bern, Switzerland'], 'size': ['5" pipe']}
    """
    parts: list[str] = []
    for text in texts:
        parts += _filters_in(text)
    return parse_where(parts)


def _filters_in(text: str) -> list[str]:
    is_closed = text.count('"') % 2 == 0
    parts = parts_of(text) if is_closed else []
    are_filters = all("=" in part for part in parts)
    return parts if parts and are_filters else [text]
