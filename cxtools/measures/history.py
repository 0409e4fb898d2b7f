"""
A history: how many messages of each campaign, week or day did what, in all and by groups.

It is made of the totals that questions count, and holds nothing else: what is judged of it needs no
event.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from cxtools import wording
from cxtools.measures.stats import FEWEST_MESSAGES

#: At this age of a campaign as good as all of its opens and clicks have come.
RIPE = timedelta(days=3)
#: Columns of the funnel's SQL by the count that they are; the last two are missing where the feed
#: holds nothing of that kind.
STEPS = {
    "attempted": "attempted",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "opened_measured",
    "clicked": "clicked_measured",
}
#: Kinds of bounces that are charted.
KINDS = ("hard", "block")
#: Counts that come in for days.
LATE = ("opened", "clicked")
#: What fewer periods know has no usual share.
FEWEST_PERIODS = 8
#: A kind of event of which this part of the periods tells is one of the feed.
MOST_TELL = 0.75

#: Count -> how many messages.
Counts = dict[str, int]


class Group(NamedTuple):
    """Some of the messages: a dimension's value, a cause, a link; `EVERYTHING` for all of them."""

    dimension: str
    value: str


EVERYTHING = Group("", "")
CAUSE = "cause"
LINK = "link"
#: What the groups of a cause and of a link count, and of how many.
COUNTS_OF = {CAUSE: ("attempted", ("bounced", *KINDS)), LINK: ("delivered", ("clicked",))}


class Period(NamedTuple):
    """A campaign, a week or a day; `is_ripe` when as good as all of its clicks have come."""

    name: str
    first_at: datetime | None
    is_ripe: bool = True


@dataclass(frozen=True, eq=False)
class History:
    """
    The periods, oldest first, and the counts of each group in each of them, in that order.

    Two histories of the same content are equal: what is judged of one is known of the other.

    Attributes:
        undated: the campaigns of which some messages have no moment
        apart: the values of the columns that are charted apart, each with the history of its own
            messages alone
    """

    periods: Sequence[Period]
    groups: Mapping[Group, Sequence[Counts]]
    undated: Sequence[str] = ()
    apart: Mapping[Group, History] = field(default_factory=dict)

    @cached_property
    def _content(self) -> bytes:
        apart = [(group, own._content) for group, own in self.apart.items()]
        return pickle.dumps((list(self.periods), dict(self.groups), list(self.undated), apart))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def dimensions(self) -> list[str]:
        """What its groups are parts by."""
        return list(dict.fromkeys(group.dimension for group in self.groups if group.dimension))

    def values(self, dimension: str) -> list[Group]:
        """The groups of a dimension."""
        return [group for group in self.groups if group.dimension == dimension]


class Counted(NamedTuple):
    """
    What questions counted: in all, and of each dimension; the columns of `sql/*.sql`.

    Attributes:
        reach: the newest event of all messages, where the counts are of some of them
        last_sent: period -> the last day on which some of it was sent, where it is longer than one
        apart: column -> the same, split by a column whose values are charted apart
    """

    funnel: pd.DataFrame
    bounces: pd.DataFrame
    links: pd.DataFrame
    by_dimension: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
    reach: datetime | None = None
    last_sent: Mapping[str, datetime] = MappingProxyType({})
    apart: Mapping[str, Counted] = MappingProxyType({})


def history_of(counted: Counted, period: str = "campaign") -> History:
    """The history of campaigns, or of the weeks or days in which messages were sent."""
    periods = _periods(counted, period)
    groups = _groups(counted, period, periods)
    apart: dict[Group, History] = {}
    for column, split in counted.apart.items():
        for value, own in _by_value(split, column).items():
            apart[Group(column, value)] = _history_apart(own, period, periods)
    return History(periods, groups, _undated(counted.funnel, period), apart)


def _history_apart(counted: Counted, period: str, periods: Sequence[Period]) -> History:
    """The history of some messages alone: only the periods in which there are any of them."""
    found = _steps(counted.funnel, [period])
    known = [each for each in periods if (each.name,) in found]
    return History(known, _groups(counted, period, known))


def _by_value(counted: Counted, column: str) -> dict[str, Counted]:
    """What was counted of each value of a column."""
    bounces = _parts(counted.bounces, column)
    links = _parts(counted.links, column)
    dimensions = {
        dimension: (_parts(funnel, column), _parts(refused, column))
        for dimension, (funnel, refused) in counted.by_dimension.items()
    }
    found = {}
    for value, funnel in _parts(counted.funnel, column).items():
        own = {
            name: (steps[value], refused[value]) for name, (steps, refused) in dimensions.items()
        }
        found[value] = Counted(funnel, bounces[value], links[value], own)
    return found


def _parts(table: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """The rows of each value of a column; none of a value that it doesn't have."""
    keys = [_key(record, [column]) for record in _records(table)]
    values = pd.Series([value for (value,) in keys], index=table.index, dtype=object)
    parts: dict[str, pd.DataFrame] = defaultdict(lambda: table.head(0))
    parts.update({str(value): rows for value, rows in table.groupby(values, sort=False)})
    return parts


def _groups(
    counted: Counted, period: str, periods: Sequence[Period]
) -> dict[Group, Sequence[Counts]]:
    """All messages, their parts by each dimension, their causes and their links."""
    whole = _steps(counted.funnel, [period])
    _add_kinds(whole, counted.bounces, [period])
    names = [each.name for each in periods]
    groups: dict[Group, Sequence[Counts]] = {EVERYTHING: [whole.get((name,), {}) for name in names]}
    for dimension, (funnel, bounces) in counted.by_dimension.items():
        found = _steps(funnel, [period, dimension])
        _add_kinds(found, bounces, [period, dimension])
        groups |= _rows_of(dimension, found, names)
    groups |= _rows_of(CAUSE, _causes(counted.bounces, period, whole), names)
    groups |= _rows_of(LINK, _links(counted.links, period, whole), names)
    _fill_in(groups)
    return groups


def _periods(counted: Counted, period: str) -> list[Period]:
    """The periods that have a moment, oldest first; ripe when their last mail is old enough."""
    known = counted.funnel[counted.funnel[period].notna()]
    reach = counted.reach or known.last_at.max()
    periods = []
    for name, first_at in known.groupby(period).first_at.min().items():
        if wording.is_known(first_at):
            last_sent = max(first_at, counted.last_sent.get(str(name), first_at))
            periods.append(Period(str(name), first_at, reach - last_sent >= RIPE))
    return sorted(periods, key=lambda each: str(each.first_at))


def _undated(funnel: pd.DataFrame, period: str) -> list[str]:
    """The campaigns of which some messages have no moment, and so stand in no period."""
    is_undated = funnel[period].isna() | funnel.first_at.isna()
    return sorted({str(name) for name in funnel[is_undated].campaign})


def _records(table: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    records: list[dict[Any, Any]] = table.to_dict("records")
    return records


def _key(record: Mapping[Any, Any], columns: Sequence[str]) -> tuple[str, ...]:
    values = [record[column] for column in columns]
    return tuple(str(value) if wording.is_known(value) else "unknown" for value in values)


def _steps(funnel: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[str, ...], Counts]:
    """Key -> the counts of the funnel, summed over campaigns."""
    found: dict[tuple[str, ...], Counts] = {}
    for record in _records(funnel):
        own = found.setdefault(_key(record, columns), {})
        for name, column in STEPS.items():
            if wording.is_known(record[column]):
                own[name] = own.get(name, 0) + int(record[column])
                if name in LATE:
                    _add(own, _of(name), int(record["delivered"]))
        if wording.is_known(record["opened_measured"]):
            unseen = int(record.get("clicks_without_open", 0))
            _add(own, "opened_told", int(record["opened_measured"]) - unseen)
    return found


def _of(name: str) -> str:
    """The count of those who could: delivered, in campaigns whose events tell of a kind."""
    return f"{name}_of"


def whole_of(counts: Counts, part: str, whole: str) -> int:
    """
    What a count is a part of: of opens and clicks the messages of campaigns that tell of them.

    >>> whole_of({"delivered": 900, "clicked": 9, "clicked_of": 300}, "clicked", "delivered")
    300
    """
    return counts.get(_of(part), counts.get(whole, 0))


def _add(counts: Counts, name: str, number: int) -> None:
    counts[name] = counts.get(name, 0) + number


def _add_kinds(
    found: Mapping[tuple[str, ...], Counts], bounces: pd.DataFrame, columns: Sequence[str]
) -> None:
    """The counts of the kinds of bounces, 0 where nothing bounced so."""
    for own in found.values():
        own.update(dict.fromkeys(KINDS, 0))
    for record in _records(bounces):
        own = found.get(_key(record, columns), {})
        if record["kind"] in KINDS and own:
            own[record["kind"]] += int(record["recipients"])


def _causes(
    bounces: pd.DataFrame, period: str, whole: Mapping[tuple[str, ...], Counts]
) -> dict[tuple[str, ...], Counts]:
    """Period and cause -> how many bounced for it, of which kind, of how many attempted."""
    found: dict[tuple[str, ...], Counts] = {}
    for record in _records(bounces):
        key = _key(record, [period, "category"])
        number = int(record["recipients"])
        fresh = {"attempted": whole.get(key[:1], {}).get("attempted", 0), "bounced": 0}
        own = found.setdefault(key, fresh | dict.fromkeys(KINDS, 0))
        own["bounced"] += number
        if record["kind"] in KINDS:
            own[record["kind"]] += number
    return found


def _links(
    links: pd.DataFrame, period: str, whole: Mapping[tuple[str, ...], Counts]
) -> dict[tuple[str, ...], Counts]:
    """Period and link -> how many clicked it, of how many delivered."""
    found: dict[tuple[str, ...], Counts] = {}
    for record in _records(links):
        if record["purpose"] == "content":
            key = _key(record, [period, "link_url"])
            delivered = whole_of(whole.get(key[:1], {}), "clicked", "delivered")
            own = found.setdefault(key, {"delivered": delivered, "clicked": 0})
            own["clicked"] += int(record["clickers"])
    return found


def _rows_of(
    dimension: str, found: Mapping[tuple[str, ...], Counts], names: Sequence[str]
) -> dict[Group, list[Counts]]:
    """The groups of a dimension; of links those that periods enough know."""
    values = dict.fromkeys(key[1] for key in found)
    fewest = min(FEWEST_PERIODS, len(names)) if dimension == LINK else 1
    rows = {}
    for value in values:
        own = [found.get((name, value), {}) for name in names]
        if sum(bool(counts) for counts in own) >= fewest:
            rows[Group(dimension, value)] = own
    return rows


def _fill_in(groups: Mapping[Group, Sequence[Counts]]) -> None:
    """
    Opens and clicks of which a period tells nothing are 0 where the ones before it told of them:
    that is how lost tracking looks. Else nobody has measured them, whatever comes later.
    A cause or a link that a period doesn't know happened 0 times.
    """
    whole = groups[EVERYTHING]
    for kind in LATE:
        of_all = _lost(whole, kind)
        for rows in groups.values():
            for place in _lost(rows, kind) | of_all:
                _set_to_zero(rows[place], kind)
    for group, rows in groups.items():
        if group.dimension in (CAUSE, LINK):
            _fill_up(rows, whole, group.dimension)


def _lost(rows: Sequence[Counts], kind: str) -> set[int]:
    """
    The places at which a kind of event was lost: so many periods before had told of it that it is
    known what is usual, and nearly all did. What was lost is no silence.
    """
    lost = set[int]()
    told = 0
    silent = 0
    for place, counts in enumerate(rows):
        is_usual = told >= FEWEST_PERIODS and told >= MOST_TELL * (told + silent)
        is_enough = whole_of(counts, kind, "delivered") >= FEWEST_MESSAGES
        if kind not in counts and is_usual:
            lost.add(place)
        elif is_enough and kind in counts:
            told += 1
        elif is_enough:
            silent += 1
    return lost


def _set_to_zero(counts: Counts, kind: str) -> None:
    if "delivered" in counts and kind not in counts:
        counts |= {kind: 0, _of(kind): counts["delivered"], filled(kind): 1}


def filled(kind: str) -> str:
    """The mark of a count that is 0 since the events tell of none."""
    return f"{kind}_filled"


def _fill_up(rows: Sequence[Counts], whole: Sequence[Counts], dimension: str) -> None:
    """
    Zeros in the periods that don't know a cause or a link, of all that was mailed; none where
    nobody measures clicks.
    """
    mailed, parts = COUNTS_OF[dimension]
    for counts, of_all in zip(rows, whole, strict=True):
        if not counts and mailed in of_all and parts[0] in of_all:
            counts.update({mailed: whole_of(of_all, parts[0], mailed)} | dict.fromkeys(parts, 0))
            if filled(parts[0]) in of_all:
                counts[filled(parts[0])] = 1
