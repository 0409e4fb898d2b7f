"""An alert: a rate that has left its usual way, since when, how far, and what explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cxtools import wording
from cxtools.measures.history import EVERYTHING, Group
from cxtools.verdicts.changes import Rate

#: Rate -> its name in answers.
METRICS = {
    "delivered": "delivery_rate",
    "hard": "hard_bounce_rate",
    "block": "block_rate",
    "clicked": "click_rate",
    "opened": "open_rate",
}
#: Count that needs tracking -> what the events tell of where tracking is on.
TRACKED = {"opened": "opens", "clicked": "clicks"}


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


def subject_text(metric: str, *groups: Group) -> str:
    """
    What a sentence on a rate is about; EVERYTHING needs no words.

    >>> subject_text("click_rate", EVERYTHING), subject_text("click_rate", Group("plan", "pro"))
    ('Click rate', 'Click rate of plan pro')
    """
    named = [f"{each.dimension} {each.value}" for each in groups if each != EVERYTHING]
    subject = wording.label(metric)
    return f"{subject} of {', '.join(named)}" if named else subject
