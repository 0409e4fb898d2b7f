"""What a history's charts and alerts are as rows of answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from cxtools import wording
from cxtools.measures.catalogue.trend import ALERTS, CONTRIBUTIONS, DRIFT, TREND
from cxtools.measures.control import SIGMAS, Cases, Chart, chart_of
from cxtools.measures.history import CAUSE, EVERYTHING, LATE, RIPE, Group, History, whole_of
from cxtools.measures.question import Question
from cxtools.measures.trend import (
    METRICS,
    Alert,
    Contribution,
    Series,
    alerts,
    direction,
    rates_of,
    series,
)

#: What messages of a campaign are put together by, in place of campaigns.
PERIODS = ("week", "day")
#: What stands in the place of a campaign where weeks or days are charted.
ALL = "all"
#: What explains an alert that no group stands out of.
NO_GROUP = "no single group"
#: A bounce or a click that every period has is no group to read about below so many messages.
FEWEST_EXCESS = 1.0

Row = dict[str, Any]
#: What a row is of: the campaign, and the columns that it is parted by.
Keys = Callable[[int, Group], Row]


def period_of(by: Sequence[str]) -> str:
    """
    >>> period_of(["week", "provider"]), period_of(["provider"])
    ('week', 'campaign')
    """
    return next((name for name in by if name in PERIODS), "campaign")


def group_columns(by: Sequence[str]) -> list[str]:
    """The columns that aren't periods: what is charted apart."""
    return [name for name in by if name not in PERIODS]


def _keys(history: History, by: Sequence[str], place: int, group: Group) -> Row:
    """The columns that say what a row is of."""
    name = history.periods[place].name
    period = period_of(by)
    keys: Row = {"campaign": name if period == "campaign" else ALL}
    for column in by:
        keys[column] = name if column == period else None
        if column == group.dimension:
            keys[column] = group.value
    return keys


def _table(rows: Sequence[Row], question: Question, by: Sequence[str]) -> pd.DataFrame:
    shares = [name for each in question.rates for name in (each.name, *each.interval)]
    names = [name for name in question.column_names() if name not in shares]
    return pd.DataFrame(rows, columns=["campaign", *by, *names])


# --- trend ---


def trend(history: History, by: Sequence[str]) -> pd.DataFrame:
    """The points of each rate's control chart, of all messages or of the groups of a column."""
    columns = group_columns(by)
    groups = [EVERYTHING]
    if columns:
        groups = [group for column in columns for group in history.values(column)]
    alerted = _alerted(history)
    rows: list[Row] = []
    for group in groups:
        for rate in rates_of(history, group):
            rows += _points(history, series(history, rate, group), by, alerted)
    return _table(rows, TREND, by)


def _alerted(history: History) -> dict[tuple[str, Group], set[int]]:
    """Metric and group -> the places of the periods that an alert tells of."""
    found: dict[tuple[str, Group], set[int]] = {}
    for alert in alerts(history):
        during = set(range(alert.first, alert.last + 1))
        for group in (alert.group, *(each.group for each in alert.explained)):
            found.setdefault((alert.metric, group), set()).update(during)
    return found


def _points(
    history: History, row: Series, by: Sequence[str], alerted: Mapping[tuple[str, Group], set[int]]
) -> Iterator[Row]:
    chart = row.chart()
    metric = METRICS[row.rate.part]
    during = alerted.get((metric, row.group), set())
    for place, counts in enumerate(history.groups[row.group]):
        part = counts.get(row.rate.part)
        whole = whole_of(counts, row.rate.part, row.rate.whole)
        if part is None or not whole:
            continue
        keys = _keys(history, by, place, row.group)
        yield (
            keys
            | {
                "metric": metric,
                "first_at": history.periods[place].first_at,
                "part": part,
                "whole": whole,
                "standing": _standing(history, row, place, during),
            }
            | _charted(chart, row, place, (part, whole))
        )


def _charted(chart: Chart | None, row: Series, place: int, cases: Cases) -> Row:
    """What a chart says of a period; nothing where there is none."""
    if chart is None:
        return {}
    low, high = chart.limits(cases[1])
    distance = chart.distance(cases) if place in row.places else None
    return {"usual": chart.centre, "limit_low": low, "limit_high": high, "distance": distance}


def _standing(history: History, row: Series, place: int, during: Collection[int]) -> str:
    if place in row.places:
        if place in during:
            return "alert"
        return "baseline" if place in row.places[: row.baseline] else "usual"
    is_young = row.rate.part in LATE and not history.periods[place].is_ripe
    return "too early" if is_young else "too few"


# --- alerts ---


def alert_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """One row per alert."""
    rows = []
    for alert in alerts(history):
        rows.append(
            _keys(history, by, alert.first, _group_of(alert, by))
            | {
                "first_at": history.periods[alert.first].first_at,
                "since": history.periods[alert.first].name,
                "until": _until(history, alert),
                "metric": alert.metric,
                "part": alert.part,
                "whole": alert.whole,
                "usual": alert.usual,
                "distance": alert.distance,
                "excess": round(alert.excess),
                "explained_by": group_text(alert),
                "cause": _value(alert, CAUSE),
                "finding": sentence(history, alert),
            }
        )
    return _table(rows, ALERTS, by)


def _group_of(alert: Alert, by: Sequence[str]) -> Group:
    """The group of an alert in the columns of `by`, if it has one there."""
    groups = [each.group for each in alert.explained if each.group.dimension in by]
    return groups[0] if groups else EVERYTHING


def _value(alert: Alert, dimension: str) -> str:
    return next(
        (each.group.value for each in alert.explained if each.group.dimension == dimension), ""
    )


def group_text(alert: Alert) -> str:
    """Which groups explain an alert, and how much of it; NO_GROUP where none does."""
    groups = [_explained_text(each) for each in alert.explained if each.group.dimension != CAUSE]
    return ", ".join(groups) or NO_GROUP


def _explained_text(each: Contribution) -> str:
    share = wording.percent(each.explains, 0)
    return f"{each.group.dimension} {each.group.value} ({share})"


def sentence(history: History, alert: Alert) -> str:
    """What has changed, since when, how far, how many messages it is about, what explains it."""
    first = history.periods[alert.first]
    when = f" ({wording.moment_text(first.first_at)})" if first.first_at else ""
    until = _until(history, alert)
    span = f"from {first.name}{when} to {until}" if until else f"since {first.name}{when}"
    if until == first.name:
        span = f"in {first.name}{when}"
    subject = wording.label(alert.metric)
    if alert.group != EVERYTHING:
        subject += f" of {alert.group.dimension} {alert.group.value}"
    said = f"{subject}: {_change(alert)} {span}; {_about(alert)}{_why(alert)}."
    return said + _untold(history, alert)


def _change(alert: Alert) -> str:
    return f"{wording.percent(alert.share)} instead of {wording.percent(alert.usual)}"


def _about(alert: Alert) -> str:
    """How many messages it is about; where none is told of, no more than that is known."""
    if not alert.part and alert.rate.is_good:
        return f"of {wording.count(alert.whole)} messages none is told of"
    less = "fewer" if direction(alert.rate) < 0 else "more"
    return f"some {wording.count(round(alert.excess))} messages {less} than usual"


def _untold(history: History, alert: Alert) -> str:
    """What has come since, but can't tell yet."""
    later = len(history.periods) - 1 - alert.last
    if not alert.lasts or not later:
        return ""
    return f" What came later is too young or too small to tell ({wording.count(later)})."


def _until(history: History, alert: Alert) -> str:
    """The last period of an alert; "" where it lasts, as far as periods tell."""
    return "" if alert.lasts else history.periods[alert.last].name


def _why(alert: Alert) -> str:
    reasons = []
    if alert.group == EVERYTHING:
        text = group_text(alert)
        reasons.append("no single group explains it" if text == NO_GROUP else text)
    cause = _value(alert, CAUSE)
    if cause:
        reasons.append(f"mostly for {wording.spaced(cause)}")
    return "".join(f", {reason}" for reason in reasons)


# --- contributions ---


def contribution_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """For each alert the groups that have to do with it, those that explain most first."""
    rows = []
    for alert in alerts(history):
        keys = _keys(history, by, alert.first, _group_of(alert, by))
        for each in alert.contributions:
            if each.excess >= FEWEST_EXCESS:
                since = {"since": history.periods[alert.first].name}
                rows.append(keys | since | _contribution_row(alert, each))
    return _table(rows, CONTRIBUTIONS, by)


def _contribution_row(alert: Alert, each: Contribution) -> Row:
    return {
        "metric": alert.metric,
        "dimension": each.group.dimension,
        "member": each.group.value,
        "part": each.part,
        "whole": each.whole,
        "usual": each.usual / each.whole if each.whole else None,
        "excess": round(each.excess),
        "explained_share": each.explains,
    }


# --- drift of causes ---

#: The last so many periods are held against those before.
LAST = 4
#: So many bounces of a cause that wasn't there before are new.
FEWEST_NEW = 5
#: Fewer periods before don't tell how far a cause goes by itself.
FEWEST_BEFORE = 2


def drift_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """One row per cause: what it was of late, and what it was before."""
    rows = []
    latest = history.periods[-1:]
    for group in history.values(CAUSE):
        cases = [
            (counts["bounced"], counts["attempted"])
            for counts in history.groups[group]
            if counts.get("attempted")
        ]
        if cases:
            keys = _keys(history, by, len(history.periods) - len(latest), group)
            rows.append(keys | _drift_row(history, group, cases))
    rows.sort(key=lambda row: -abs(row["difference"] or 0.0))
    return _table(rows, DRIFT, by)


def _drift_row(history: History, group: Group, cases: Sequence[Cases]) -> Row:
    before = cases[:-LAST]
    part, whole = _sum(cases[-LAST:])
    usual_part, usual_whole = _sum(before)
    usual = usual_part / usual_whole if usual_whole else None
    return {
        "category": group.value,
        "first_seen": _first_seen(history, group),
        "part": part,
        "whole": whole,
        "usual": usual,
        "difference": part / whole - usual if usual is not None else None,
        "change": _drift(before, (part, whole)),
    }


def _drift(before: Sequence[Cases], late: Cases) -> str:
    if len(before) < FEWEST_BEFORE:
        return "too few"
    if not any(part for part, _ in before):
        return "new" if late[0] >= FEWEST_NEW else "as usual"
    chart = chart_of(before, len(before))
    distance = chart.distance(late)
    if abs(distance) < SIGMAS:
        return "as usual"
    return "more" if distance > 0 else "less"


def _sum(cases: Sequence[Cases]) -> Cases:
    return sum(part for part, _ in cases), sum(whole for _, whole in cases)


def _first_seen(history: History, group: Group) -> str:
    rows = zip(history.periods, history.groups[group], strict=True)
    return next(period.name for period, counts in rows if counts.get("bounced"))


# --- league ---


def ripe_campaigns(funnel: pd.DataFrame) -> list[str]:
    """The campaigns that have reached the age at which they are compared."""
    ripe = funnel[funnel.first_at <= funnel.last_at.max() - RIPE]
    return [str(name) for name in ripe.campaign]


def league_rows(funnel: pd.DataFrame) -> pd.DataFrame:
    """The campaigns with their places, the highest click rate first."""
    rate = pd.to_numeric(funnel.clicked_measured) / pd.to_numeric(funnel.delivered)
    ranks = rate.rank(ascending=False, method="min").astype("Int64")
    return funnel.assign(rank=ranks).sort_values("rank", kind="stable", ignore_index=True)


#: Question -> what makes its rows.
ROWS: dict[str, Callable[[History, Sequence[str]], pd.DataFrame]] = {
    "trend": trend,
    "alerts": alert_rows,
    "contributions": contribution_rows,
    "drift": drift_rows,
}
