"""Whether one recipient may be mailed again, and why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxtools.bounce.policy import MAILED_AGAIN

#: Why a person without an event isn't mailed again.
NO_EVENT = "no event yet"


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether a person may be mailed again, and the reason: of the yes as well as of the no."""

    may: bool
    why: str


def decide_retry(outcome: Mapping[str, Any]) -> RetryDecision:
    """
    Whether a recipient with this outcome (a row of `measures.outcomes`) may be mailed again.

    >>> decide_retry({"state": "delivered"})
    RetryDecision(may=False, why='delivered')
    >>> full = {"kind": "soft", "category": "mailbox_full", "retry": "later"}
    >>> decide_retry({"state": "bounced", **full})
    RetryDecision(may=True, why='soft: mailbox_full')
    """
    if outcome["state"] != "bounced":
        return RetryDecision(False, outcome["state"] or NO_EVENT)
    why = f"{outcome['kind']}: {outcome['category']}"
    return RetryDecision(outcome["retry"] in MAILED_AGAIN, why)


def combine(earlier: RetryDecision, later: RetryDecision) -> RetryDecision:
    """
    What two outcomes of one person decide together: a "no" stays.

    >>> full = RetryDecision(True, "soft: mailbox_full")
    >>> there = RetryDecision(False, "delivered")
    >>> combine(full, there) == combine(there, full) == there
    True
    """
    return later if earlier.may else earlier


class RetryDecisions:
    """The decisions on many people, by key."""

    def __init__(self) -> None:
        self._decision_of: dict[str, RetryDecision] = {}

    def add(self, key: str, decision: RetryDecision) -> None:
        """Take in one more outcome of a person."""
        earlier = self._decision_of.get(key)
        self._decision_of[key] = combine(earlier, decision) if earlier else decision

    def get(self, key: str) -> RetryDecision | None:
        return self._decision_of.get(key)
