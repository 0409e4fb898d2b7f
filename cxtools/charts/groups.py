"""
What the rows of a table stand for: one campaign as a whole, or its parts by mailbox provider, day
and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cxtools import formats, wording
from cxtools.measures.catalogue import DIMENSIONS

if TYPE_CHECKING:
    import pandas as pd

    from cxtools.charts.rows import Row

#: How the parts of a group are put in order: the largest first, by their own value (time), or as
#: they stand in the table.
Order = Literal["size", "value", "table"]


class Group(NamedTuple):
    """A column that splits a table: its words, the order of its parts, how many are drawn."""

    one: str
    many: str
    order: Order
    most: int


#: The dimensions of time: their parts have an order of their own.
TIMES = ("day", "week", "hour", "weekday")
#: How many parts are drawn, unless it is MOST_PARTS.
MOST = {"hour": 24}
MOST_PARTS = 20


def _group(name: str) -> Group:
    dimension = DIMENSIONS[name]
    return Group(
        one=dimension.one,
        many=dimension.many,
        order="value" if name in TIMES else "size",
        most=MOST.get(name, MOST_PARTS),
    )


GROUPS = {name: _group(name) for name in DIMENSIONS}
GROUPS["campaign"] = Group(
    one="campaign",
    many="campaigns",
    order="table",
    most=MOST_PARTS,
)


def group_named(column: str) -> Group:
    """
    The group of that name; any column may be one, since people bring segments of their own.

    >>> group_named("provider").many, group_named("plan").many
    ('mailbox providers', 'groups by plan')
    """
    own = Group(one=column, many=f"groups by {column}", order="size", most=MOST_PARTS)
    return GROUPS.get(column, own)


#: What small groups together are called.
FOLDED = re.compile(r"other \(\d+ groups?\)")
SEPARATOR = " · "
#: As many letters of a label as a phone has room for, and how many of them a name keeps at least.
LABEL_LETTERS = 40
LEAST_LETTERS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def splits_of(table: pd.DataFrame) -> tuple[str, ...]:
    """What an answer was split by; nothing of other tables."""
    splits: tuple[str, ...] = getattr(table, "splits", ())
    return splits


def groups_of(table: pd.DataFrame) -> tuple[str, ...]:
    """
    The columns that split a table; none when it holds one campaign as a whole.

    >>> import pandas as pd
    >>> groups_of(pd.DataFrame({"campaign": ["q3", "q3"], "provider": ["gmail", "yahoo"]}))
    ('provider',)
    """
    segments = [name for name in splits_of(table) if name not in GROUPS]
    return tuple(column for column in (*GROUPS, *segments) if _splits(table, column))


def _splits(table: pd.DataFrame, column: str) -> bool:
    if column not in table:
        return False
    if column != "campaign":
        return True
    if "since" in table:  # which says it, for weeks and days, too
        return False
    return table[column].nunique() > 1 or _stands_beside_another(table)


def _stands_beside_another(table: pd.DataFrame) -> bool:
    """Whether a row says only by its campaign what it compares."""
    return "beside" in table and not getattr(table, "splits", ())


def heading(column: str) -> str:
    """
    A column's name above its cells; that of a time names its zone.

    >>> heading("hour"), heading("delivered")
    ('Hour (UTC)', 'Delivered')
    """
    label = wording.label(column)
    return f"{label} ({formats.current().timezone})" if column in TIMES else label


def zone_note(groups: Iterable[str]) -> str:
    """
    What is said below a picture whose parts are times; "" below others.

    >>> zone_note(["provider", "hour"]), zone_note(["provider"])
    (' Times are in UTC.', '')
    """
    if not set(groups).intersection(TIMES):
        return ""
    return f" Times are in {formats.current().timezone}."


def limits_note(table: pd.DataFrame) -> str:
    """
    What is said of a table, or a picture of it, that is of some messages only, or without some rows
    that were asked for; "" for others.

    >>> import pandas as pd
    >>> limits_note(pd.DataFrame())
    ''
    """
    limits = getattr(table, "limits", ())
    limited = [f"Only messages with {'; '.join(limits)}."] if limits else []
    return "".join(f" {said}" for said in [*limited, *getattr(table, "notes", ())])


def part_name(group: str, value: Any) -> str:
    """
    One part of a group, as a label.

    >>> part_name("weekday", 1), part_name("hour", 9), part_name("cause", "mailbox_full")
    ('Mon', '09:00', 'mailbox full')
    >>> part_name("cause", "unknown"), part_name("cause", None), part_name("provider", None)
    ('unknown', 'no bounce', 'unknown')
    """
    if not wording.is_known(value):
        return wording.NO_BOUNCE if group == "cause" else "unknown"
    if group == "weekday":
        number = int(value)
        return WEEKDAYS[number - 1]
    if group == "hour":
        hour = int(value)
        return f"{hour:02}:00"
    if group == "cause":
        return wording.spaced(str(value))
    return str(value)


def row_name(
    groups: Iterable[str],
    row: Row,
    name: str,
    *others: str,
) -> str:
    """
    The parts that a row stands for, and what else names it; where that is too long for a label, the
    name is cut, and not what it belongs to.

    >>> row_name(["provider"], {"provider": "gmail"}, "the mailbox is full, come again", "soft")
    'gmail · the mailbox …, come again · soft'
    """
    parts = [part_name(group, row[group]) for group in groups]
    around = SEPARATOR.join([*parts, "", *others])
    room = LABEL_LETTERS - len(around)
    short = wording.short(name, max(room, LEAST_LETTERS))
    return SEPARATOR.join([*parts, short, *others])


def in_order(
    group: str,
    sizes: Mapping[Any, float],
    most: int = MOST_PARTS,
) -> list[Any]:
    """
    The parts of a group in the order in which they are drawn: of time and campaigns the last ones,
    of the others the largest, at most *most*.

    >>> in_order("provider", {"gmx": 3, "gmail": 9})
    ['gmail', 'gmx']
    >>> in_order("day", {"2026-09-15": 1, "2026-09-14": 5})
    ['2026-09-14', '2026-09-15']
    """
    group_of_parts = group_named(group)
    parts = list(sizes)
    if group_of_parts.order == "size":
        parts.sort(key=lambda part: (is_folded(part), -sizes[part]))
        return parts[:most]
    if group_of_parts.order == "value":
        parts.sort(key=_missing_first)
    return parts[-group_of_parts.most :]


def is_folded(part: Any) -> bool:
    """
    Whether a part is what small groups are together.

    >>> is_folded("other (3 groups)"), is_folded("other")
    (True, False)
    """
    return FOLDED.fullmatch(str(part)) is not None


def _missing_first(part: Any) -> tuple[bool, Any]:
    return part is not None, part


def words(groups: Iterable[str]) -> str:
    """
    >>> words(["provider", "day"])
    'mailbox provider and day'
    """
    return " and ".join(group_named(group).one for group in groups)
