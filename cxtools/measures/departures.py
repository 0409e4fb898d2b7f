"""
Where one series has left its usual way, by enough to matter: what it says by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from cxtools.measures.alert import Alert, direction
from cxtools.measures.control import LOG_ODDS, Chart
from cxtools.measures.history import FEWEST_PERIODS, LINK
from cxtools.measures.series import RECENT, Series
from cxtools.measures.stretches import Stretch, farthest_stretches
from cxtools.verdicts.changes import FEWEST_CASES

#: How far a stretch must lie from the usual. Some thousand stretches are looked at in a history, so
#: it is more than a chart's three standard deviations: tests/proof/trends.py counts false alarms.
FAR = 5.5
#: Of links there are many, and what is clicked differs from mailing to mailing.
FAR_LINK = 6.0
#: Later than half of the recent periods after a break, these have the new level themselves.
LONGEST = RECENT // 2
#: What lasts for so many periods matters when it is this part as far.
LASTING = 4
LASTING_PART = 0.75
#: A break has this part of the whole change at once; so many periods beside it tell.
SUDDEN_PART = 0.5
FEWEST_BESIDE = 3
#: What is as far away so many more times, or in this part of the periods where these are few, comes
#: again and again, as receipts do among newsletters; a link need only have been away once, since
#: links come and go. As far is what has nearly all of the change.
OFTEN = 4
OFTEN_PART = 0.08
NEARLY = 0.8


def alerts_of(row: Series) -> list[Alert]:
    """
    Where a series has left its usual way, by enough to matter.

    Delivery and bounces have limits that don't move: theirs is the pinned level, whether they leave
    it at once or slowly. Opens and clicks fall and rise by themselves over the months: an alert on
    them needs a break, from the level of the periods before, to one that doesn't come again and
    again. What came slowly is told apart (`slow_changes`).
    """
    chart = row.chart
    if chart is None or not _is_enough(row, chart):
        return []
    found = [alert for alert in _pinned_alerts(row, chart) if matters(alert)]
    if not row.rate.is_relative:
        return found
    found = [alert for alert in found if is_sudden(row, chart, alert)]
    for alert in _recent_alerts(row, chart):
        if not any(alert.overlaps(other) for other in found):
            found.append(alert)
    return [alert for alert in found if not comes_again(row, alert)]


def slow_changes(row: Series, told: Sequence[Alert]) -> list[Alert]:
    """What has left the pinned level without a break, and hasn't come back."""
    chart = row.chart
    if chart is None or not row.rate.is_relative or not _is_enough(row, chart):
        return []
    return [
        alert
        for alert in _pinned_alerts(row, chart)
        if alert.lasts and matters(alert) and not any(alert.overlaps(other) for other in told)
    ]


def _pinned_alerts(row: Series, chart: Chart) -> list[Alert]:
    """The stretches that are far from the baseline's level."""
    usual = row.pinned(chart)
    return [_alert(row, usual, stretch) for stretch in _far_stretches(row, chart, usual)]


def _recent_alerts(row: Series, chart: Chart) -> list[Alert]:
    """The stretches that are far from the level just before, for as long as they stay there."""
    found: list[Alert] = []
    recent = row.recent(chart)
    for stretch in _far_stretches(row, chart, recent, LONGEST):
        level = recent[stretch.first] - row.season[stretch.first]
        usual = [level + season for season in row.season]
        if matters(_alert(row, recent, stretch)):
            stays = _last_that_stays(row, stretch, level)
            found.append(_alert(row, usual, stretch._replace(last=stays)))
    return found


def _far_stretches(
    row: Series, chart: Chart, usual: Sequence[float], longest: int | None = None
) -> list[Stretch]:
    sign = direction(row.rate)
    distances = [sign * distance for distance in chart.distances(row.cases, usual)]
    far = FAR_LINK if row.group.dimension == LINK else FAR
    return farthest_stretches(distances, far, longest)


def _last_that_stays(row: Series, stretch: Stretch, level: float) -> int:
    """The last period that is nearer to the stretch than to the level before it."""
    sign = direction(row.rate)
    half = sign * (_level(row, stretch.first, stretch.last) - level) / 2
    last = stretch.last
    while last + 1 < len(row.odds) and sign * (row.odds[last + 1] - level) > half:
        last += 1
    return last


def _level(row: Series, first: int, last: int) -> float:
    return median(row.odds[first : last + 1])


def _alert(row: Series, usual: Sequence[float], stretch: Stretch) -> Alert:
    """The alert of a stretch, by what would have been usual in each of its periods."""
    during = slice(stretch.first, stretch.last + 1)
    whole = sum(whole for _, whole in row.cases[during])
    expected = sum(
        LOG_ODDS.share(place) * whole
        for place, (_, whole) in zip(usual[during], row.cases[during], strict=True)
    )
    return Alert(
        rate=row.rate,
        group=row.group,
        first=row.places[stretch.first],
        last=row.places[stretch.last],
        part=sum(part for part, _ in row.cases[during]),
        whole=whole,
        usual=expected / whole,
        distance=stretch.distance,
        lasts=stretch.last == len(row.places) - 1,
    )


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


def is_sudden(row: Series, chart: Chart, alert: Alert) -> bool:
    """Whether it begins, or ends where nothing lies before it, with half of its change at once."""
    first = row.places.index(alert.first)
    last = row.places.index(alert.last)
    before = row.odds[max(0, first - FEWEST_PERIODS) : first]
    after = row.odds[last + 1 : last + 1 + FEWEST_PERIODS]
    sign = direction(row.rate)
    change = sign * (_level(row, first, last) - LOG_ODDS.place(chart.centre))
    if len(before) >= FEWEST_BESIDE:
        begun = median(row.odds[first : min(last + 1, first + FEWEST_PERIODS)])
        is_break = sign * (begun - median(before)) >= SUDDEN_PART * change
        return is_break and not _is_slope(row.odds[: last + 1], first)
    if len(after) >= FEWEST_BESIDE:
        ended = median(row.odds[max(first, last + 1 - FEWEST_PERIODS) : last + 1])
        return sign * (ended - median(after)) >= SUDDEN_PART * change
    return False


def _is_slope(odds: Sequence[float], first: int) -> bool:
    """Whether a line fits better than a step at the first place of a stretch that ends the row."""
    begin = max(0, first - max(RECENT, len(odds) - first))
    before = odds[begin:first]
    during = odds[first:]
    step = [median(before)] * len(before) + [median(during)] * len(during)
    line = resistant_line(odds[begin:])
    return _misfit(odds[begin:], line) < _misfit(odds[begin:], step)


def _misfit(odds: Sequence[float], fitted: Sequence[float]) -> float:
    return sum(abs(seen - place) for seen, place in zip(odds, fitted, strict=True))


def resistant_line(odds: Sequence[float]) -> list[float]:
    """
    A line through a row that single places don't move: its slope is that between the medians of the
    first and the last third (Tukey 1977).

    >>> resistant_line([0, 1, 2, 3, 40, 5, 6, 7, 8])
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    third = max(1, len(odds) // 3)
    rise = median(odds[-third:]) - median(odds[:third])
    slope = rise / max(1, len(odds) - third)
    level = median(each - slope * place for place, each in enumerate(odds))
    return [level + slope * place for place in range(len(odds))]


def comes_again(row: Series, alert: Alert) -> bool:
    """Whether the rate is as far away at other times, again and again: then that is usual."""
    first = row.places.index(alert.first)
    last = row.places.index(alert.last)
    sign = direction(row.rate)
    usual = LOG_ODDS.place(alert.usual)
    change = sign * (_level(row, first, last) - usual)
    is_as_far = [
        sign * (odds - usual) >= NEARLY * change or (row.rate.is_good and not part)
        for odds, (part, _) in zip(row.odds, row.cases, strict=True)
    ]
    is_as_far[first : last + 1] = [False] * (last + 1 - first)
    times = sum(is_far and not was_far for was_far, is_far in pairwise([False, *is_as_far]))
    if row.group.dimension == LINK:
        return times > 0
    return times >= min(OFTEN, max(2, OFTEN_PART * len(row.odds)))
