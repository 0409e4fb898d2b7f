"""What a verdict is based on: the counts of one campaign and of earlier ones at the same age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from statistics import median
from typing import NamedTuple

from cxtools import wording
from cxtools.measures.stats import wilson
from cxtools.verdicts.checks import Check, check
from cxtools.verdicts.limits import LIMITS

Counts = Mapping[str, int]


class Distance(NamedTuple):
    """How far a share is from the median of the earlier campaigns, in words, and that median."""

    words: str
    usual: str


@dataclass(frozen=True)
class Facts:
    """
    Counts of one campaign's messages, each to one recipient, and of earlier ones at the same age.

    Attributes:
        counts: attempted, delivered, bounced, opened, clicked, hard, soft, block, unclassified,
            unauthenticated, complained, clickers, suspect, human, read (opened, less those whom the
            feed says only machines opened); what the feed doesn't report is missing
        first_at, last_at: moments of the first and the last event, None without any
        as_of: events after this moment didn't count; None: all did
        events: how many events were read
        top_cause: the most frequent cause of bounces, with its messages; None without any
        earlier: the same counts of each earlier campaign, cut at this campaign's age
        maturity: share of their 7-day clicks that earlier campaigns had at this age, None without
            any
        told_by_sending: whether the feed tells of sendings and of no delivery
        unsettled: recipients without a known good outcome, by the words of `limits.UNSETTLED`
    """

    campaign: str
    counts: Counts
    first_at: datetime | None = None
    last_at: datetime | None = None
    as_of: datetime | None = None
    events: int = 0
    top_cause: tuple[str, int] | None = None
    earlier: Sequence[Counts] = ()
    maturity: float | None = None
    told_by_sending: bool = False
    unsettled: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The limits, held against the counts."""
        return tuple(check(limit, self.counts) for limit in LIMITS)

    def rate(self, part: str, whole: str) -> float | None:
        """A share of this campaign; None where it isn't measured or there is nothing to divide."""
        return share_of(self.counts, part, whole)

    def interval(self, part: str, whole: str) -> tuple[float, float]:
        """The 95 % interval of a share that is measured."""
        return wilson(self.counts[part], self.counts[whole])

    def rate_text(self, part: str, whole: str) -> str:
        """A share and its interval, as a sentence holds it: `3.1%, 2.8–3.5`."""
        if not self.counts.get(whole):
            return wording.MISSING
        share = self.rate(part, whole)
        low, high = self.interval(part, whole)
        return wording.interval_in_brackets(share, low, high)

    def distance(self, part: str, whole: str) -> Distance | None:
        """How far a share is from that of the earlier campaigns; None without any."""
        share = self.rate(part, whole)
        earlier = [share_of(counts, part, whole) for counts in self.earlier]
        known = [other for other in earlier if other is not None]
        if share is None or not known:
            return None
        usual = median(known)
        return Distance(
            words=wording.points(share - usual),
            usual=wording.percent(usual),
        )


def share_of(
    counts: Counts,
    part: str,
    whole: str,
) -> float | None:
    """
    >>> share_of({"hard": 1, "attempted": 4}, "hard", "attempted")
    0.25
    """
    if part not in counts or not counts.get(whole):
        return None
    return counts[part] / counts[whole]


def surely_opened(counts: Counts) -> str:
    """
    The count of those who certainly opened: those whom the feed tells from machines, else those who
    clicked, as far as they can be told from scanners.

    >>> surely_opened({"opened": 9, "clicked": 4, "human": 3})
    'human'
    """
    if "read" in counts:
        return "read"
    proofs = [name for name in ("human", "clicked") if name in counts]
    return min(proofs, key=lambda name: counts[name], default="opened")
