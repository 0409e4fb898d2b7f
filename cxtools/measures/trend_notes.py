"""What is said beside a trend and its alerts: what couldn't be judged, and what came slowly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cxtools import wording
from cxtools.measures.alert import TRACKED, Alert, subject_text
from cxtools.measures.history import EVERYTHING, FEWEST_PERIODS, Group, History, Period, filled
from cxtools.measures.periods import group_columns, parts_of, period_of
from cxtools.measures.stats import FEWEST_MESSAGES
from cxtools.measures.trend import Charted, charts_of

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
    parts = parts_of(history, group_columns(by))
    small = []
    young = []
    for group, own in parts:
        for period, counts in zip(own.periods, own.groups[EVERYTHING], strict=True):
            if counts.get("attempted", 0) < FEWEST_MESSAGES:
                small.append(_name(period, group))
            elif not period.is_ripe:
                young.append(_name(period, group))
    return [
        *left_out("since (some of) their mail has no moment", history.undated),
        *left_out(f"of fewer than {FEWEST_MESSAGES} messages", small),
        *left_out("where opens and clicks are asked for, younger than three days", young),
        *_notes_on_silence(parts),
        *_notes_on_shortness(parts, period_of(by)),
    ]


def _name(period: Period, group: Group) -> str:
    """A period, and the group whose messages of it are meant."""
    return period.name if group == EVERYTHING else f"{period.name} ({group.value})"


def _notes_on_shortness(parts: Sequence[tuple[Group, History]], one: str) -> list[str]:
    """Of what too few periods tell what is usual."""
    short = {}
    for group, own in parts:
        mailed = [counts.get("attempted", 0) for counts in own.groups[EVERYTHING]]
        judged = sum(number >= FEWEST_MESSAGES for number in mailed)
        if judged < FEWEST_PERIODS:
            short[group] = judged
    if not short:
        return []
    if EVERYTHING in short:
        which = wording.quantity(short[EVERYTHING], one)
        return [
            f"What is usual isn't known yet: {which} of {FEWEST_MESSAGES} messages, and it takes "
            f"{FEWEST_PERIODS}."
        ]
    return [
        f"What is usual isn't known yet where fewer than {wording.quantity(FEWEST_PERIODS, one)} "
        f"of {FEWEST_MESSAGES} messages are: {_some_of([group.value for group in short])}."
    ]


def _notes_on_silence(parts: Sequence[tuple[Group, History]]) -> list[str]:
    """Which periods tell of no opens or clicks: what isn't measured is no 0, what was lost is."""
    notes = []
    is_lost = False
    for kind, noun in TRACKED.items():
        unknown: list[str] = []
        lost: list[str] = []
        for group, own in parts:
            mailed = [
                (_name(period, group), counts)
                for period, counts in zip(own.periods, own.groups[EVERYTHING], strict=True)
                if period.is_ripe and counts.get("delivered", 0) >= FEWEST_MESSAGES
            ]
            silent = [name for name, counts in mailed if kind not in counts]
            unknown += silent if len(silent) < len(mailed) else []
            lost += [name for name, counts in mailed if filled(kind) in counts]
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
    slow = []
    for charted in charts_of(history, group_columns(by)):
        slow += [_slowly(charted, alert) for alert in charted.judgement.slow]
    return [*slow, *trend_notes(history, by)]


def _slowly(charted: Charted, alert: Alert) -> str:
    share = wording.percent(alert.share)
    usual = wording.percent(alert.usual)
    subject = subject_text(alert.metric, charted.group)
    return (
        f"Not an alert, since it came slowly: {subject[0].lower()}{subject[1:]} {share} since "
        f"{charted.history.periods[alert.first].name}; in the baseline {usual}."
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
