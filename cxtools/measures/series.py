"""
One rate of one group, period by period, and what is usual of it at each.

Two things are usual. The pinned level is that of the first periods, and stays: a slow decline can't
become the usual. The recent level is that of the periods just before: it tells a break from what
came slowly. A row of days has a season of the week besides, which is no news on Sundays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median

from cxtools.measures.control import (
    LOG_ODDS,
    SIGMAS,
    Cases,
    Chart,
    centre_of,
    odds_of,
    spread_of,
)
from cxtools.measures.history import FEWEST_PERIODS, LATE, Group, History, filled, whole_of
from cxtools.measures.stats import FEWEST_MESSAGES
from cxtools.verdicts.changes import Rate

#: The baseline is the first FEWEST_PERIODS periods, and of these first ones those that are as usual
#: among them: what has left its usual way doesn't become a part of it.
BASELINE = 20
#: So many periods before one, at most, are its recent ones.
RECENT = 20
#: This part of what matters is as good as nothing.
NOTHING = 0.1
#: Periods that are closer are days, and have a season of the week.
DAYS = timedelta(hours=36)
WEEK = 7
#: So many weeks of days tell how weekdays differ.
FEWEST_WEEKS = 5


@dataclass(frozen=True)
class Series:
    """
    One rate of one group: the periods that can be charted, by their place in the history, and their
    cases and moments; *filled* are the numbers of those of which the events tell nothing.
    """

    rate: Rate
    group: Group
    places: Sequence[int]
    cases: Sequence[Cases]
    moments: Sequence[datetime | None]
    filled: Collection[int] = ()

    @cached_property
    def season(self) -> Sequence[float]:
        """By how much each period's weekday differs, in logarithmic odds; 0 where it has none."""
        return weekly_season([odds_of(cases) for cases in self.cases], self.moments)

    @cached_property
    def odds(self) -> Sequence[float]:
        """The logarithmic odds of each period, without its season."""
        pairs = zip(self.cases, self.season, strict=True)
        return [odds_of(cases) - season for cases, season in pairs]

    @cached_property
    def baseline(self) -> Sequence[int]:
        """Which of the periods, counted from 0, are pinned as the baseline."""
        first = list(range(min(FEWEST_PERIODS, len(self.cases))))
        if len(self.cases) <= FEWEST_PERIODS:
            return first
        cases = [self.cases[number] for number in first]
        usual = Chart(centre_of(cases), spread_of(self._notable_odds()[: len(first)], cases))
        later = range(len(first), min(BASELINE, len(self.cases)))
        middle = median(self.odds[number] for number in first)
        centres = [middle + self.season[number] for number in later]
        distances = usual.distances([self.cases[number] for number in later], centres)
        pairs = zip(later, distances, strict=True)
        as_usual = [number for number, distance in pairs if abs(distance) < SIGMAS]
        return [*first, *(number for number in as_usual if number not in self.filled)]

    @cached_property
    def chart(self) -> Chart | None:
        """What is usual, pinned; None of too few periods."""
        if len(self.cases) < FEWEST_PERIODS:
            return None
        centre = centre_of([self.cases[number] for number in self.baseline])
        if any(self.season):
            centre = LOG_ODDS.share(median(self.odds[number] for number in self.baseline))
        return Chart(centre, spread_of(self._notable_odds(), self.cases))

    def _notable_odds(self) -> list[float]:
        """
        The logarithmic odds, those alike that are as good as those of none, or of all: none of a
        million and a thousand of them are far apart, and no difference that matters.
        """
        if self.rate.is_relative:
            return list(self.odds)
        lowest = LOG_ODDS.place(NOTHING * self.rate.least)
        return [min(max(odds, lowest), -lowest) for odds in self.odds]

    def pinned(self, chart: Chart) -> list[float]:
        """The usual place of each period by the baseline, with its season."""
        centre = LOG_ODDS.place(chart.centre)
        return [centre + season for season in self.season]

    def recent(self, chart: Chart) -> list[float]:
        """The usual place of each period by those just before it, of the first by the baseline."""
        levels = recent_levels(self.odds, LOG_ODDS.place(chart.centre))
        return [level + season for level, season in zip(levels, self.season, strict=True)]


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
    moments = [history.periods[place].first_at for place in places]
    rows = history.groups[group]
    mark = filled(rate.part)
    without = [number for number, place in enumerate(places) if mark in rows[place]]
    return Series(rate, group, places, cases, moments, without)


def recent_levels(odds: Sequence[float], centre: float) -> list[float]:
    """
    For each place the median of the ones before it.

    >>> recent_levels([0.0] * 8 + [1.0] * 9, centre=0.5)[7:]
    [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]
    """
    before: deque[float] = deque(maxlen=RECENT)
    levels = []
    for place in odds:
        levels.append(median(before) if len(before) >= FEWEST_PERIODS else centre)
        before.append(place)
    return levels


def weekly_season(odds: Sequence[float], moments: Sequence[datetime | None]) -> list[float]:
    """
    By how much the weekday of each place differs from the days around it: the median of all of that
    weekday. Nothing where places aren't days, or tell too little.
    """
    none = [0.0] * len(odds)
    days = [moment for moment in moments if moment is not None]
    if len(days) < len(odds) or len(odds) < FEWEST_WEEKS * WEEK or not _are_days(days):
        return none
    half = WEEK // 2
    differences: dict[int, list[float]] = {}
    for place in range(half, len(odds) - half):
        around = median(odds[place - half : place + half + 1])
        differences.setdefault(days[place].weekday(), []).append(odds[place] - around)
    effects = {day: median(found) for day, found in differences.items()}
    return [effects.get(day.weekday(), 0.0) for day in days]


def _are_days(moments: Sequence[datetime]) -> bool:
    steps = sorted(later - earlier for earlier, later in pairwise(moments))
    return steps[len(steps) // 2] < DAYS
