"""
What has changed, since when, by how much, and which group explains it: a history in, alerts out.

Each rate is charted in all and for each mailbox provider, link and further group. What is too far
on its bad side, and matters, is an alert. Of an alert it is asked what explains it: the group in
which most of the missing (or surplus) messages are, if the rest is nearly as usual. The values of a
column that is asked by are charted apart: each is judged as if there were no other messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from cxtools.measures.alert import Alert
from cxtools.measures.departures import LASTING, alerts_of, slow_changes
from cxtools.measures.explanations import excesses, explain, shift, sum_of, usual_rows
from cxtools.measures.history import CAUSE, EVERYTHING, LINK, Group, History
from cxtools.measures.periods import parts_of
from cxtools.measures.series import series
from cxtools.verdicts.changes import RATES, Rate

#: What a group has to be about, as a part of what matters in all messages.
GROUPS_PART = 0.25
#: A link with so many times its usual clicks is a new one; new ones that have this part of the
#: clicks that another one lost have taken its place.
NEW_LINK = 5.0
REPLACED = 0.5
#: A group has changed by itself when it has so many times as much as all messages together.
TIMES_ALL = 2.0
#: A link with this part of what all messages miss, that is farther away, is what is wrong.
LINKS_PART = 0.5


class Judgement(NamedTuple):
    """What has got worse at once, and what has slowly, in all messages."""

    alerts: Sequence[Alert]
    slow: Sequence[Alert]


@lru_cache(maxsize=4)
def judge(history: History) -> Judgement:
    """
    What has changed, the oldest first; judged once for the several cells of a report that ask.

    An alert on all messages speaks for its groups, too; one on a group alone is kept where all
    messages together show nothing.
    """
    return _judgement(history)


def _judgement(history: History) -> Judgement:
    found: list[Alert] = []
    slow: list[Alert] = []
    for group in history.groups:
        for rate in rates_of(history, group):
            row = series(history, rate, group)
            own = alerts_of(row)
            found += [alert for alert in own if _is_told(history, alert)]
            if group == EVERYTHING:
                slow += slow_changes(row, own)
    kept: list[Alert] = []
    for alert in sorted(found, key=lambda alert: _rank(alert, found)):
        if not any(_speaks_for(other, alert) for other in kept):
            kept.append(alert)
    explained = [explain(history, alert) for alert in kept]
    explained.sort(key=lambda alert: (alert.first, RATES.index(alert.rate)))
    return Judgement(explained, slow)


class Charted(NamedTuple):
    """All messages, or a group that is charted apart: its own history, and what is judged of it."""

    group: Group
    history: History
    judgement: Judgement


def charts_of(history: History, columns: Sequence[str]) -> list[Charted]:
    """What is charted: all messages; where columns are asked by, each of their values by itself."""
    if not columns:
        return [Charted(EVERYTHING, history, judge(history))]
    apart = _judge_apart(history)
    return [Charted(group, own, apart[group]) for group, own in parts_of(history, columns)]


@lru_cache(maxsize=4)
def _judge_apart(history: History) -> Mapping[Group, Judgement]:
    """Each group that is charted apart, judged by its own messages."""
    return {group: _judgement(own) for group, own in history.apart.items()}


def alerts(history: History) -> Sequence[Alert]:
    """What has got worse in all messages, the oldest first."""
    return judge(history).alerts


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


def _rank(alert: Alert, found: Sequence[Alert]) -> tuple[bool, float]:
    """
    Alerts on all messages first, then those that lie farthest away. A link that lies farther than
    all messages, and has half of what is missing there, is what has happened to them.
    """
    is_whole = alert.group == EVERYTHING or any(
        alert.group.dimension == LINK
        and alert.overlaps(other)
        and alert.distance > other.distance
        and alert.excess >= LINKS_PART * other.excess
        for other in found
        if other.group == EVERYTHING
    )
    return not is_whole, -alert.distance


def _speaks_for(known: Alert, alert: Alert) -> bool:
    """Two values of one dimension are two alerts; anything else at one time is one."""
    is_beside = known.group.dimension == alert.group.dimension and known.group != alert.group
    return known.overlaps(alert) and not is_beside


def _is_told(history: History, alert: Alert) -> bool:
    if _is_of_clicks(history, alert) or not _matters_to_all(history, alert):
        return False
    return alert.group == EVERYTHING or not alert.rate.is_relative or _is_apart(history, alert)


def _is_apart(history: History, alert: Alert) -> bool:
    """Whether a group has changed by itself, not with all the others, as in a holiday."""
    own = _shift_of(history, alert, alert.group)
    return abs(own) >= TIMES_ALL * abs(_shift_of(history, alert, EVERYTHING))


def _shift_of(history: History, alert: Alert, group: Group) -> float:
    part, whole, usual = _during(history, alert, group)
    return shift(part, usual * whole)


def _is_of_clicks(history: History, alert: Alert) -> bool:
    """
    Whether opens are fewer only since clicks are: who clicks has opened, whether or not his images
    tell so. The opens that are told of themselves haven't fallen by half as much as would matter.
    """
    if alert.rate.part != "opened":
        return False
    rows = history.groups[alert.group]
    during = sum_of(rows[alert.first : alert.last + 1], "opened_told", "delivered")
    usual = sum_of(usual_rows(rows, alert), "opened_told", "delivered")
    if not during[1] or not usual[0] or not usual[1]:
        return False
    return during[0] / during[1] > (1 - alert.rate.least / 2) * usual[0] / usual[1]


def _matters_to_all(history: History, alert: Alert) -> bool:
    """Whether a group's alert is about a quarter of what would matter, had it been everywhere."""
    if alert.group == EVERYTHING:
        return True
    if alert.group.dimension == LINK and not _is_missed(history, alert):
        return False
    _, mailed, usual = _during(history, alert, EVERYTHING)
    base = mailed * usual if alert.rate.is_relative else mailed
    return alert.excess >= alert.rate.least * GROUPS_PART * base


def _is_missed(history: History, alert: Alert) -> bool:
    """
    Whether the clicks on a link are missing at all. Where another link took its place, which wasn't
    clicked before, or where as many click as ever, it is no longer in the mail. Of few periods the
    total is no more than a hint: campaigns differ by as much.
    """
    gains = -sum(
        each.excess
        for each in excesses(history, alert, LINK)
        if each.group != alert.group and each.part >= NEW_LINK * each.usual
    )
    if gains >= REPLACED * alert.excess:
        return False
    clicked, mailed, usual = _during(history, alert, EVERYTHING)
    missing = usual * mailed - clicked
    lasts_long = alert.last - alert.first + 1 >= LASTING
    return missing >= (GROUPS_PART if lasts_long else -GROUPS_PART) * alert.excess


def _during(history: History, alert: Alert, group: Group) -> tuple[int, int, float]:
    """How many of a group did it during an alert, of how many, and the share usual there."""
    rows = history.groups[group]
    part, whole = sum_of(rows[alert.first : alert.last + 1], alert.rate.part, alert.rate.whole)
    usual_part, usual_whole = sum_of(usual_rows(rows, alert), alert.rate.part, alert.rate.whole)
    return part, whole, usual_part / usual_whole if usual_whole else alert.usual
