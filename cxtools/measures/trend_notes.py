"""What is said beside a trend and its alerts: what couldn't be judged, and what came slowly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cxtools import wording
from cxtools.measures.alert import TRACKED, Alert
from cxtools.measures.history import EVERYTHING, FEWEST_PERIODS, History, filled
from cxtools.measures.periods import period_of
from cxtools.measures.stats import FEWEST_MESSAGES
from cxtools.measures.trend import judge

IS_OFF = (
    "Where tracking is off on purpose, ask about the other campaigns alone: name them, or choose "
    "them by a segment with where."
)
#: So many of what is left out are named.
NAMED = 5


def left_out(why: str, names: Collection[str]) -> list[str]:
    """
    >>> left_out("too young", ["a", "b"]), left_out("too young", [])
    (['Left out, too young: a, b.'], [])
    """
    return [f"Left out, {why}: {_some_of(names)}."] if names else []


def _some_of(names: Collection[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join([str(name) for name in names][:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {wording.count(more)} more" if more > 0 else shown


def trend_notes(history: History, by: Sequence[str]) -> list[str]:
    """Which campaigns, weeks or days can't be judged, and why."""
    one = period_of(by)
    mailed = [counts.get("attempted", 0) for counts in history.groups[EVERYTHING]]
    pairs = list(zip(history.periods, mailed, strict=True))
    small = [period.name for period, number in pairs if number < FEWEST_MESSAGES]
    young = [
        period.name for period, number in pairs if number >= FEWEST_MESSAGES and not period.is_ripe
    ]
    notes = [
        *left_out("since (some of) their mail has no moment", history.undated),
        *left_out(f"of fewer than {FEWEST_MESSAGES} messages", small),
        *left_out("where opens and clicks are asked for, younger than three days", young),
        *_notes_on_silence(history),
    ]
    judged = len(pairs) - len(small)
    if judged < FEWEST_PERIODS:
        which = wording.quantity(judged, one)
        notes.append(
            f"What is usual isn't known yet: {which} of {FEWEST_MESSAGES} messages, and it takes "
            f"{FEWEST_PERIODS}."
        )
    return notes


def _notes_on_silence(history: History) -> list[str]:
    """Which periods tell of no opens or clicks: what isn't measured is no 0, what was lost is."""
    mailed = [
        (period.name, counts)
        for period, counts in zip(history.periods, history.groups[EVERYTHING], strict=True)
        if period.is_ripe and counts.get("delivered", 0) >= FEWEST_MESSAGES
    ]
    notes = []
    is_lost = False
    for kind, noun in TRACKED.items():
        unknown = [name for name, counts in mailed if kind not in counts]
        lost = [name for name, counts in mailed if filled(kind) in counts]
        if len(unknown) < len(mailed):
            notes += left_out(f"where {noun} are asked for, since none are measured", unknown)
        if lost:
            is_lost = True
            notes.append(
                f"Counted as 0, since no {noun} are told, where the ones before told of some: "
                f"{_some_of(lost)}."
            )
    return [*notes, IS_OFF] if is_lost else notes


def alert_notes(history: History, by: Sequence[str]) -> list[str]:
    """The same, and what has got worse so slowly that it is not an alert."""
    slow = [_slowly(history, alert) for alert in judge(history).slow]
    return [*slow, *trend_notes(history, by)]


def _slowly(history: History, alert: Alert) -> str:
    share = wording.percent(alert.share)
    usual = wording.percent(alert.usual)
    return (
        f"Not an alert, since it came slowly: {wording.label(alert.metric).lower()} {share} since "
        f"{history.periods[alert.first].name}; in the baseline {usual}."
    )


def _no_notes(history: History, by: Sequence[str]) -> list[str]:
    return []


#: Question -> what is said beside its rows.
NOTES: dict[str, Callable[[History, Sequence[str]], list[str]]] = {
    "trend": trend_notes,
    "alerts": alert_notes,
    "contributions": _no_notes,
    "drift": _no_notes,
}
