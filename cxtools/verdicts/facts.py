"""What a verdict is based on: the counts of one campaign and of earlier ones at the same age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from statistics import median
from typing import NamedTuple

from cxtools import wording
from cxtools.measures.stats import known_shares, number_of_small, share_of, wilson
from cxtools.verdicts.changes import Baseline, changes
from cxtools.verdicts.checks import Check, check
from cxtools.verdicts.limits import LIMITS, Limit
from cxtools.verdicts.places import Trouble, check_of_place
from cxtools.verdicts.trust import FeedFacts

Counts = Mapping[str, int]
#: Decimals of a share that are shown: differences are those of the figures that a reader sees.
SHOWN = 3


class Distance(NamedTuple):
    """
    How far a share is from the median of the earlier campaigns, in words, and that median; of how
    many it is, and how many were left out for too few messages.
    """

    words: str
    usual: str
    campaigns: int
    small: int


@dataclass(frozen=True)
class Facts:
    """
    Counts of one campaign's messages, each to one recipient, and of earlier ones at the same age.

    Attributes:
        counts: attempted, delivered, bounced, opened, clicked, hard, soft, block, undetermined,
            refused (block and undetermined), unclassified, unauthenticated, complained,
            unsubscribed, clickers, suspect, human, human_clicked, human_unsubscribed, read (opened,
            less those whom the feed says only machines opened); what the feed doesn't report, or
            can't be believed, is missing
        first_at, last_at: moments of the first and the last event, None without any
        as_of: events after this moment didn't count; None: all did
        events: how many events were read
        top_cause: the most frequent cause of bounces, with its messages; None without any
        earlier: the same counts of each of the last campaigns, cut at this campaign's age
        pinned: the same of the first campaigns of the last year, where those are others
        maturity: share of their 7-day clicks that earlier campaigns had at this age, None without
            any
        told_by_sending: whether the feed tells of sendings and of no delivery
        troubles: the mailbox providers and domains that are over a limit
        feed: what the events tell of themselves
        limits: what the counts are held against
        is_sent_here: whether the ledger has planned it
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
    pinned: Sequence[Counts] = ()
    maturity: float | None = None
    told_by_sending: bool = False
    troubles: Sequence[Trouble] = ()
    feed: FeedFacts = field(default_factory=lambda: FeedFacts({}))
    limits: Sequence[Limit] = LIMITS
    is_sent_here: bool = False
    unsettled: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """
        The limits held against the counts, then places over a limit, then what is unusual and over
        no limit.
        """
        of_limits = [check(limit, self.counts) for limit in self.limits]
        attempted = self.counts.get("attempted", 0)
        of_places = [
            check_of_place(trouble, attempted, self.counts.get(trouble.limit.part, 0))
            for trouble in self.troubles
        ]
        alarms = {one.limit.part for one in of_limits if one.word in ("FAIL", "WARN")}
        of_changes = [
            one for one in changes(self.counts, self._baselines) if one.limit.part not in alarms
        ]
        return (*of_limits, *of_places, *of_changes)

    @property
    def _baselines(self) -> list[Baseline]:
        last = Baseline("the last campaigns", "the last {number} campaigns", self.earlier)
        first = Baseline(
            "the first of the year", "the first {number} of the last year", self.pinned
        )
        return [last, first]

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
        """How far a share is from the usual one of earlier campaigns; None without any."""
        share = self.rate(part, whole)
        known = known_shares(self.earlier, part, whole)
        if share is None or not known:
            return None
        usual = median(known)
        return Distance(
            words=wording.points(round(share, SHOWN) - round(usual, SHOWN)),
            usual=wording.percent(usual),
            campaigns=len(known),
            small=number_of_small(self.earlier, part, whole),
        )


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
