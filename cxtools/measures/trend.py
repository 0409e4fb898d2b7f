"""
What has changed, since when, by how much, and which group explains it: a history in, alerts out.

Each rate is charted in all and for each mailbox provider, link and further group. What is too far
on its bad side, and matters, is an alert. Of an alert it is asked what explains it: the group in
which most of the missing (or surplus) messages are, if the rest is nearly as usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import NamedTuple

from cxtools.measures.control import Cases, Chart, chart_of, farthest_stretches
from cxtools.measures.history import (
    CAUSE,
    EVERYTHING,
    FEWEST_PERIODS,
    LATE,
    LINK,
    Counts,
    Group,
    History,
    whole_of,
)
from cxtools.verdicts.changes import FEWEST_CASES, RATES, Rate

#: The first so many periods are the baseline, or half of fewer; the centre is theirs, and stays.
BASELINE = 20
#: A period of fewer messages tells too little to be charted.
FEWEST_MESSAGES = 100
#: How far a stretch must lie from the usual. Some thousand stretches are looked at in a history, so
#: it is more than a chart's three standard deviations: tests/proof/trends.py counts false alarms.
FAR = 5.5
#: What lasts for so many periods matters when it is this part as far.
LASTING = 4
LASTING_PART = 0.75
#: What a group has to be about, as a part of what matters in all messages.
GROUPS_PART = 0.25
#: A link with so many times its usual clicks is a new one; new ones that have this part of the
#: clicks that another one lost have taken its place.
NEW_LINK = 5.0
REPLACED = 0.5
#: The first few groups explain an alert with at least this share of it, when the rest changed a
#: third as much.
EXPLAINS = 0.8
MOST_NAMED = 3
TIMES_THE_REST = 3.0
#: Rate -> its name in answers.
METRICS = {
    "delivered": "delivery_rate",
    "hard": "hard_bounce_rate",
    "block": "block_rate",
    "clicked": "click_rate",
    "opened": "open_rate",
}


@dataclass(frozen=True)
class Series:
    """
    One rate of one group: the periods that can be charted, by their place in the history, and their
    cases.
    """

    rate: Rate
    group: Group
    places: Sequence[int]
    cases: Sequence[Cases]

    @property
    def baseline(self) -> int:
        """How many of the periods are pinned as the baseline."""
        return min(BASELINE, max(FEWEST_PERIODS, len(self.places) // 2))

    def chart(self) -> Chart | None:
        """What is usual; None of too few periods."""
        if len(self.places) < FEWEST_PERIODS:
            return None
        return chart_of(self.cases, self.baseline)


class Contribution(NamedTuple):
    """
    What one group has to do with an alert.

    Attributes:
        group: whose messages
        part, whole: how many did it during the alert, of how many
        usual: how many did it, had it what is usual there
        excess: how many more did it, on the bad side
        explains: the excess as a share of that of the alert
    """

    group: Group
    part: int
    whole: int
    usual: float
    excess: float
    explains: float


@dataclass(frozen=True)
class Alert:
    """
    A rate that has left its usual way.

    Attributes:
        rate: which
        group: of which messages; EVERYTHING for all
        first, last: the places of the periods, in the history
        part, whole: the cases of these together
        usual: the share that is usual
        distance: how many standard deviations away they lie, together
        lasts: whether no later period that can be charted is as usual again
        explained: the groups that explain it, at most MOST_NAMED of each dimension
        contributions: all groups, by dimension, those with the largest excess first
    """

    rate: Rate
    group: Group
    first: int
    last: int
    part: int
    whole: int
    usual: float
    distance: float
    lasts: bool = False
    explained: Sequence[Contribution] = ()
    contributions: Sequence[Contribution] = ()

    @property
    def metric(self) -> str:
        """The rate's name in answers."""
        return METRICS[self.rate.part]

    @property
    def share(self) -> float:
        """The share that it had in the meantime."""
        return self.part / self.whole

    @property
    def excess(self) -> float:
        """How many messages it is about: missing ones of a good rate, surplus ones of a bad one."""
        return direction(self.rate) * (self.part - self.usual * self.whole)

    def overlaps(self, other: Alert) -> bool:
        """Whether both tell of one rate at one time."""
        is_apart = self.last < other.first or other.last < self.first
        return self.rate == other.rate and not is_apart


def direction(rate: Rate) -> int:
    """The sign of what is bad."""
    return -1 if rate.is_good else 1


def series(history: History, rate: Rate, group: Group) -> Series:
    """The periods of a group that tell of a rate, with messages enough; young ones don't yet."""
    places = []
    cases = []
    for place, counts in enumerate(history.groups[group]):
        whole = whole_of(counts, rate.part, rate.whole)
        is_told = rate.part in counts and whole >= FEWEST_MESSAGES
        if is_told and (history.periods[place].is_ripe or rate.part not in LATE):
            places.append(place)
            cases.append((counts[rate.part], whole))
    return Series(rate, group, places, cases)


def rates_of(history: History, group: Group) -> list[Rate]:
    """
    The rates that are charted for a group. Where all opens are clicks, no open is told: what
    happens to clicks isn't said of opens again.
    """
    if group.dimension == CAUSE:
        return []
    if group.dimension == LINK:
        return [rate for rate in RATES if rate.part == "clicked"]
    whole = history.groups[EVERYTHING]
    tells_opens = any(counts.get("opened", 0) > counts.get("clicked", 0) for counts in whole)
    return [rate for rate in RATES if tells_opens or rate.part != "opened"]


def alerts(history: History) -> list[Alert]:
    """
    What has changed, the oldest first.

    An alert on all messages speaks for its groups, too; one on a group alone is kept where all
    messages together show nothing.
    """
    found: list[Alert] = []
    for group in history.groups:
        for rate in rates_of(history, group):
            own = _alerts_of(series(history, rate, group))
            found += [alert for alert in own if _matters_to_all(history, alert)]
    kept: list[Alert] = []
    for alert in sorted(found, key=_rank):
        if not any(_speaks_for(other, alert) for other in kept):
            kept.append(alert)
    explained = [_explain(history, alert) for alert in kept]
    return sorted(explained, key=lambda alert: (alert.first, RATES.index(alert.rate)))


def _rank(alert: Alert) -> tuple[bool, float]:
    """Alerts on all messages first, then those that lie farthest away."""
    return alert.group != EVERYTHING, -alert.distance


def _speaks_for(known: Alert, alert: Alert) -> bool:
    """Two values of one dimension are two alerts; anything else at one time is one."""
    is_beside = known.group.dimension == alert.group.dimension and known.group != alert.group
    return known.overlaps(alert) and not is_beside


def _alerts_of(row: Series) -> list[Alert]:
    chart = row.chart()
    if chart is None or not _is_enough(row, chart):
        return []
    sign = direction(row.rate)
    distances = [sign * chart.distance(cases) for cases in row.cases]
    found = []
    for stretch in farthest_stretches(distances, FAR):
        cases = row.cases[stretch.first : stretch.last + 1]
        alert = Alert(
            rate=row.rate,
            group=row.group,
            first=row.places[stretch.first],
            last=row.places[stretch.last],
            part=sum(part for part, _ in cases),
            whole=sum(whole for _, whole in cases),
            usual=chart.centre,
            distance=stretch.distance,
            lasts=stretch.last == len(row.places) - 1,
        )
        if matters(alert):
            found.append(alert)
    return found


def _is_enough(row: Series, chart: Chart) -> bool:
    """Of a rate that can fall there must be cases enough to miss."""
    typical = sorted(whole for _, whole in row.cases)[len(row.cases) // 2]
    return not row.rate.is_good or chart.centre * typical >= FEWEST_CASES


def matters(alert: Alert) -> bool:
    """
    Whether it is so far from the usual that somebody must know: as far as `verdicts.changes.RATES`
    has it for one campaign, and less far where it lasts.
    """
    far = direction(alert.rate) * (alert.share - alert.usual)
    least = alert.rate.least * (alert.usual if alert.rate.is_relative else 1)
    if alert.last - alert.first + 1 >= LASTING:
        least *= LASTING_PART
    return far >= least


def _matters_to_all(history: History, alert: Alert) -> bool:
    """Whether a group's alert is about a quarter of what would matter, had it been everywhere."""
    if alert.group == EVERYTHING:
        return True
    if alert.group.dimension == LINK and not _is_missed(history, alert):
        return False
    during = history.groups[EVERYTHING][alert.first : alert.last + 1]
    _, mailed = _sum(during, alert.rate.part, alert.rate.whole)
    everywhere = history.groups[EVERYTHING][:BASELINE]
    usual = _sum(everywhere, alert.rate.part, alert.rate.whole)
    base = mailed * usual[0] / usual[1] if alert.rate.is_relative and usual[1] else mailed
    return alert.excess >= alert.rate.least * GROUPS_PART * base


def _is_missed(history: History, alert: Alert) -> bool:
    """
    Whether the clicks on a link are missing at all. Where another link took its place, which wasn't
    clicked before, or where as many click as ever, it is no longer in the mail.
    """
    gains = -sum(
        each.excess
        for each in _excesses(history, alert, LINK)
        if each.group != alert.group and each.part >= NEW_LINK * each.usual
    )
    if gains >= REPLACED * alert.excess:
        return False
    whole = series(history, alert.rate, EVERYTHING)
    chart = whole.chart()
    if chart is None:
        return False
    during = [
        cases
        for place, cases in zip(whole.places, whole.cases, strict=True)
        if alert.first <= place <= alert.last
    ]
    missing = sum(chart.centre * mailed - clicked for clicked, mailed in during)
    lasts_long = len(during) >= LASTING
    return missing >= (GROUPS_PART * alert.excess if lasts_long else 0)


# --- what explains it ---


def _explain(history: History, alert: Alert) -> Alert:
    contributions: list[Contribution] = []
    explained: list[Contribution] = []
    for dimension in history.dimensions():
        own = _contributions(history, alert, dimension)
        contributions += own
        explained += _named(own)
    if alert.group != EVERYTHING:
        usual = alert.usual * alert.whole
        itself = Contribution(alert.group, alert.part, alert.whole, usual, alert.excess, 1.0)
        explained = [itself, *(each for each in explained if each.group.dimension == CAUSE)]
    return replace(alert, explained=explained, contributions=contributions)


def _contributions(history: History, alert: Alert, dimension: str) -> list[Contribution]:
    """
    What each group of a dimension has to do with an alert, by its own usual share; the largest
    excess first.
    """
    excesses = list(_excesses(history, alert, dimension))
    surplus = sum(each.excess for each in excesses if each.excess > 0)
    whole = max(alert.excess, surplus)
    found = [
        each._replace(explains=max(0.0, each.excess / whole)) for each in excesses if whole > 0
    ]
    return sorted(found, key=lambda each: -each.excess)


def _excesses(history: History, alert: Alert, dimension: str) -> Iterator[Contribution]:
    """How many messages each group has too many, or too few."""
    part, whole, sign = _counted(alert.rate, dimension)
    during = range(alert.first, alert.last + 1)
    for group in history.values(dimension):
        rows = history.groups[group]
        if not any(part in counts for counts in rows):
            continue
        own = [counts for place, counts in enumerate(rows) if place in during]
        others = [counts for place, counts in enumerate(rows) if place not in during]
        happened, mailed = _sum(own, part, whole)
        usual_part, usual_whole = _sum(others[:BASELINE], part, whole)
        usual = mailed * (usual_part / usual_whole if usual_whole else alert.usual)
        yield Contribution(group, happened, mailed, usual, sign * (happened - usual), 0.0)


def _counted(rate: Rate, dimension: str) -> tuple[str, str, int]:
    """The counts that tell of a rate in a dimension; causes are told by bounces only."""
    if dimension == CAUSE and rate.part == "delivered":
        return "bounced", rate.whole, 1
    return rate.part, rate.whole, direction(rate)


def _sum(rows: Sequence[Counts], part: str, whole: str) -> Cases:
    told = [counts for counts in rows if part in counts]
    return (
        sum(counts[part] for counts in told),
        sum(whole_of(counts, part, whole) for counts in told),
    )


def _named(contributions: Sequence[Contribution]) -> Sequence[Contribution]:
    """The fewest of the first groups that explain an alert; none where they don't."""
    for number in range(1, min(MOST_NAMED, len(contributions)) + 1):
        first, rest = contributions[:number], contributions[number:]
        if sum(each.explains for each in first) >= EXPLAINS and _stand_out(first, rest):
            return first
    return ()


def _stand_out(first: Sequence[Contribution], rest: Sequence[Contribution]) -> bool:
    """Whether each of the first changed, and all others together are nearly as usual."""
    if (
        sum(each.whole for each in rest) < FEWEST_MESSAGES
    ):  # all providers are no explanation, the only cause is
        return first[0].group.dimension == CAUSE
    others = _shift(sum(each.part for each in rest), sum(each.usual for each in rest))
    return all(abs(_shift(each.part, each.usual)) >= TIMES_THE_REST * abs(others) for each in first)


def _shift(part: float, usual: float) -> float:
    """By how many times more, or less, than usual, as a logarithm."""
    return log((part + 0.5) / (usual + 0.5))
