"""
Why a person was left out of a batch, as one line that the ledger keeps: the reason, and since when
it holds. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

#: How a line ends that knows since when its reason holds.
SINCE = re.compile(r" \(since (\d{4}-\d\d-\d\d)\)$")
#: Why somebody is missing whom the ledger planned and doesn't hold any more.
ERASED = "erased"


class Exclusion(NamedTuple):
    """Why a person was left out, and since which day that holds (UTC); None where nobody says."""

    reason: str
    since: date | None = None

    def __str__(self) -> str:
        """
        >>> str(Exclusion("suppressed: unsubscribed", date(2026, 5, 1))), str(Exclusion("erased"))
        ('suppressed: unsubscribed (since 2026-05-01)', 'erased')
        """
        if self.since is None:
            return self.reason
        return f"{self.reason} (since {self.since})"


def read_exclusion(line: str) -> Exclusion:
    """
    What a line of the ledger says.

    >>> read_exclusion("suppressed: unsubscribed (since 2026-05-01)")
    Exclusion(reason='suppressed: unsubscribed', since=datetime.date(2026, 5, 1))
    >>> read_exclusion("bounced before: mailbox_full")
    Exclusion(reason='bounced before: mailbox_full', since=None)
    """
    found = SINCE.search(line)
    if found is None:
        return Exclusion(line)
    return Exclusion(line[: found.start()], date.fromisoformat(found[1]))


def day_of(moment: datetime | float | None) -> date | None:
    """
    The day (UTC) of a moment, which may be Unix time; None for None.

    >>> day_of(0.0), day_of(None)
    (datetime.date(1970, 1, 1), None)
    """
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date()
    return datetime.fromtimestamp(moment, UTC).date()
