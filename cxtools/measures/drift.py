"""Causes of bounces that are new, or more or less frequent than they were."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from typing import NamedTuple

import pandas as pd

from cxtools.measures.catalogue.trend import DRIFT
from cxtools.measures.control import Cases, chart_of
from cxtools.measures.history import CAUSE, Group, History
from cxtools.measures.periods import Row, group_columns, keys_of, parts_of, table_of
from cxtools.measures.stats import holm

#: The last so many periods are held against those before.
LAST = 4
#: So many bounces of a cause that wasn't there before are new.
FEWEST_NEW = 5
#: Fewer periods before don't tell how far a cause goes by itself.
FEWEST_BEFORE = 2
#: How often a mailer whose causes are as usual is told that one of them isn't, all causes taken
#: together (Holm).
ERROR_RATE = 0.01


class Drift(NamedTuple):
    """The cases of one cause, period by period, and how likely chance alone makes the last ones."""

    group: Group
    before: Sequence[Cases]
    late: Cases
    chance: float | None


def drift_rows(history: History, by: Sequence[str]) -> pd.DataFrame:
    """One row per cause: what it was of late, and what it was before."""
    rows = []
    for group, own in parts_of(history, group_columns(by)):
        place = max(0, len(own.periods) - 1)
        rows += [keys_of(own, by, place, group) | row for row in _rows_of_causes(own)]
    rows.sort(key=lambda row: -abs(row["difference"] or 0.0))
    return table_of(rows, DRIFT, by)


def _rows_of_causes(history: History) -> list[Row]:
    drifts = [_drift(history, group) for group in history.values(CAUSE)]
    known = [drift for drift in drifts if drift.late[1]]
    corrected = iter(holm([drift.chance for drift in known if drift.chance is not None]))
    rows = []
    for drift in known:
        chance = None if drift.chance is None else next(corrected)
        rows.append(_drift_row(history, drift, chance))
    return rows


def _drift(history: History, group: Group) -> Drift:
    cases = [
        (counts["bounced"], counts["attempted"])
        for counts in history.groups[group]
        if counts.get("attempted")
    ]
    before = cases[:-LAST]
    late = _sum(cases[-LAST:])
    chance = None
    if len(before) >= FEWEST_BEFORE and any(part for part, _ in before):
        distance = chart_of(before, len(before)).distance(late)
        chance = erfc(abs(distance) / sqrt(2))
    return Drift(group, before, late, chance)


def _drift_row(history: History, drift: Drift, chance: float | None) -> Row:
    part, whole = drift.late
    usual_part, usual_whole = _sum(drift.before)
    usual = usual_part / usual_whole if usual_whole else None
    difference = None if usual is None else part / whole - usual
    return {
        "category": drift.group.value,
        "first_seen": _first_seen(history, drift.group),
        "part": part,
        "whole": whole,
        "usual": usual,
        "difference": difference,
        "chance_holm": chance,
        "change": _change_word(drift, difference, chance),
    }


def _change_word(drift: Drift, difference: float | None, chance: float | None) -> str:
    if len(drift.before) < FEWEST_BEFORE or difference is None:
        return "too few"
    if chance is None:
        return "new" if drift.late[0] >= FEWEST_NEW else "as usual"
    if chance > ERROR_RATE:
        return "as usual"
    return "more" if difference > 0 else "less"


def _sum(cases: Sequence[Cases]) -> Cases:
    return sum(part for part, _ in cases), sum(whole for _, whole in cases)


def _first_seen(history: History, group: Group) -> str:
    rows = zip(history.periods, history.groups[group], strict=True)
    return next(period.name for period, counts in rows if counts.get("bounced"))
