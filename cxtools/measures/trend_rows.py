"""What a history's charts and alerts are as rows of answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pandas as pd

from cxtools import wording
from cxtools.measures.alert import METRICS, TRACKED, Alert, Contribution, direction, subject_text
from cxtools.measures.catalogue.trend import ALERTS, CONTRIBUTIONS, TREND
from cxtools.measures.control import LOG_ODDS, Chart
from cxtools.measures.drift import drift_rows
from cxtools.measures.history import CAUSE, EVERYTHING, LATE, Group, History, filled, whole_of
from cxtools.measures.periods import Row, group_columns, keys_of, table_of
from cxtools.measures.series import Series, series
from cxtools.measures.trend import Charted, charts_of, rates_of

#: What explains an alert that no group stands out of.
NO_GROUP = "no single group"
#: A bounce or a click that every period has is no group to read about below so many messages.
FEWEST_EXCESS = 1.0


def trend(history: History, by: Sequence[str]) -> pd.DataFrame:
    """The points of each rate's control chart, of all messages or of the groups of a column."""
    rows: list[Row] = []
    for each in charts_of(history, group_columns(by)):
        alerted = _alerted(each.judgement.alerts)
        for rate in rates_of(each.history, EVERYTHING):
            row = series(each.history, rate, EVERYTHING)
            rows += _points(each, row, by, alerted.get(METRICS[rate.part], set()))
    return table_of(rows, TREND, by)


def _alerted(alerts: Iterable[Alert]) -> dict[str, set[int]]:
    """Metric -> the places of the periods that an alert on all that is charted tells of."""
    found: dict[str, set[int]] = {}
    for alert in alerts:
        if alert.group == EVERYTHING:
            found.setdefault(alert.metric, set()).update(range(alert.first, alert.last + 1))
    return found


def _points(
    charted: Charted, row: Series, by: Sequence[str], alerted: Collection[int]
) -> Iterator[Row]:
    history = charted.history
    chart = row.chart
    numbers = {place: number for number, place in enumerate(row.places)}
    distances = chart.distances(row.cases, row.pinned(chart)) if chart else []
    for place, counts in enumerate(history.groups[EVERYTHING]):
        part = counts.get(row.rate.part)
        whole = whole_of(counts, row.rate.part, row.rate.whole)
        if part is None or not whole:
            continue
        number = numbers.get(place)
        told: Row = {
            "metric": METRICS[row.rate.part],
            "first_at": history.periods[place].first_at,
            "part": part,
            "whole": whole,
            "standing": "alert" if place in alerted else _standing(history, row, place, number),
        }
        if chart:
            told |= _limits(chart, row, number, whole)
        if chart and number is not None:
            told["distance"] = distances[number]
        yield keys_of(history, by, place, charted.group) | told


def _limits(chart: Chart, row: Series, number: int | None, whole: int) -> Row:
    """What is usual of so many messages, in the season of that period."""
    season = 0.0 if number is None else row.season[number]
    usual = chart
    if season:
        usual = chart.around(LOG_ODDS.share(LOG_ODDS.place(chart.centre) + season))
    low, high = usual.limits(whole)
    return {"usual": usual.centre, "limit_low": low, "limit_high": high}


def _standing(history: History, row: Series, place: int, number: int | None) -> str:
    if number is not None:
        return "baseline" if number in row.baseline else "usual"
    is_young = row.rate.part in LATE and not history.periods[place].is_ripe
    return "too early" if is_young else "too few"


# --- alerts ---


def alert_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """One row per alert, the oldest first."""
    rows = [_alert_row(charted, alert, by) for charted, alert in _oldest_first(history, by)]
    return table_of(rows, ALERTS, by)


def _oldest_first(history: History, by: Sequence[str]) -> list[tuple[Charted, Alert]]:
    """The alerts on all messages, or on each group that is charted apart."""
    found = []
    for charted in charts_of(history, group_columns(by)):
        found += [(charted, alert) for alert in charted.judgement.alerts]
    return sorted(found, key=lambda pair: str(pair[0].history.periods[pair[1].first].first_at))


def _alert_row(charted: Charted, alert: Alert, by: Sequence[str]) -> Row:
    history = charted.history
    return keys_of(history, by, alert.first, charted.group) | {
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
        "finding": sentence(charted, alert),
    }


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


def sentence(charted: Charted, alert: Alert) -> str:
    """What has changed, since when, how far, how many messages it is about, what explains it."""
    history = charted.history
    first = history.periods[alert.first]
    when = f" ({wording.moment_text(first.first_at)})" if first.first_at else ""
    until = _until(history, alert)
    span = f"from {first.name}{when} to {until}" if until else f"since {first.name}{when}"
    if until == first.name:
        span = f"in {first.name}{when}"
    subject = subject_text(alert.metric, charted.group, alert.group)
    about = _about(history, alert)
    said = f"{subject}: {_change(alert)} {span}; {about}{_why(charted.group, alert)}."
    return said + _untold(history, alert)


def _change(alert: Alert) -> str:
    return f"{wording.percent(alert.share)} instead of {wording.percent(alert.usual)}"


def _about(history: History, alert: Alert) -> str:
    """How many messages it is about; where none is told of, no more than that is known."""
    if _is_silent(history, alert):
        kind = TRACKED[alert.rate.part]
        messages = wording.quantity(alert.whole, "message")
        return f"no {kind} at all are told of {messages} (tracking is lost, or off)"
    if not alert.part and alert.rate.is_good:
        return f"none is known of {wording.count(alert.whole)} messages"
    less = "fewer" if direction(alert.rate) < 0 else "more"
    return f"about {wording.count(round(alert.excess))} messages {less} than usual"


def _is_silent(history: History, alert: Alert) -> bool:
    """Whether the events of the whole time tell of nothing of that kind."""
    rows = history.groups[alert.group][alert.first : alert.last + 1]
    kind = alert.rate.part
    return all(filled(kind) in counts for counts in rows if kind in counts)


def _untold(history: History, alert: Alert) -> str:
    """What has come since, but can't tell yet."""
    later = len(history.periods) - 1 - alert.last
    if not alert.lasts or not later:
        return ""
    return f" What came later is too young or too small to judge ({wording.count(later)})."


def _until(history: History, alert: Alert) -> str:
    """The last period of an alert; "" where it lasts, as far as periods tell."""
    return "" if alert.lasts else history.periods[alert.last].name


def _why(group: Group, alert: Alert) -> str:
    """The groups and the cause; of a group that is charted apart it isn't said that none does."""
    reasons = []
    if alert.group == EVERYTHING:
        text = group_text(alert)
        if text != NO_GROUP:
            reasons.append(text)
        elif group == EVERYTHING:
            reasons.append("no single group explains it")
    cause = _value(alert, CAUSE)
    if cause:
        reasons.append(f"mostly for {wording.spaced(cause)}")
    return "".join(f", {reason}" for reason in reasons)


# --- contributions ---


def contribution_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """For each alert the groups that have to do with it, those that explain most first."""
    rows = []
    for charted, alert in _oldest_first(history, by):
        keys = keys_of(charted.history, by, alert.first, charted.group)
        keys["since"] = charted.history.periods[alert.first].name
        told = [each for each in alert.contributions if each.excess >= FEWEST_EXCESS]
        rows += [keys | _contribution_row(alert, each) for each in told]
    return table_of(rows, CONTRIBUTIONS, by)


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


#: Question -> what makes its rows.
ROWS: dict[str, Callable[[History, Sequence[str]], pd.DataFrame]] = {
    "trend": trend,
    "alerts": alert_rows,
    "contributions": contribution_rows,
    "drift": drift_rows,
}
