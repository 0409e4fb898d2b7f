"""The quota of a ledger: how many recipients an account has used up on a day (UTC)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from cxtools.ledger.database import Database, insert_missing
from cxtools.ledger.schema import batch, quota


class Quota:
    """What is left of each account's day."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._now = now

    def today(self) -> str:
        """The day (UTC) whose quota is used now, as 2026-09-14."""
        now = datetime.fromtimestamp(self._now(), UTC)
        return now.date().isoformat()

    def left(self, account: str, limit: int | None) -> float:
        """
        How many more recipients the account may be sent today.

        Infinite without a limit; 0 when the server closed the day.
        """
        today = sa.select(
            quota.c.used,
            quota.c.closed,
        ).filter_by(
            account=account,
            day=self.today(),
        )
        used = 0
        for day_used, closed in self._database.rows(today):
            if closed:
                return 0
            used = day_used
        if limit is None:
            return math.inf
        return limit - used


def reserve(
    tx: sa.Connection,
    *,
    account: str,
    day: str,
    count: int,
    limit: int | None,
) -> bool:
    """
    Take *count* recipients off a day's quota; False where they don't fit, or the day is closed.

    One conditional update: reading first and writing after hands out more than the limit.
    """
    unused = {
        "account": account,
        "day": day,
        "used": 0,
        "closed": False,
    }
    insert_missing(tx, quota, [unused])
    used = quota.c.used + count
    update = quota.update().filter_by(
        account=account,
        day=day,
        closed=False,
    )
    if limit is not None:
        update = update.where(used <= limit)
    updated = tx.execute(update.values(used=used))
    return updated.rowcount == 1


def refund(tx: sa.Connection, batch_id: str) -> None:
    """Give back what a batch took from the day that it was claimed for."""
    claimed = sa.select(
        batch.c.quota_account,
        batch.c.quota_day,
        batch.c.recipients,
    ).filter_by(id=batch_id)
    account, day, recipients = tx.execute(claimed).one()
    used = quota.c.used - recipients
    update = quota.update().filter_by(account=account, day=day)
    tx.execute(update.values(used=used))


def close_day(tx: sa.Connection, batch_id: str) -> str | None:
    """
    Let nothing more be claimed on the day (UTC) that a batch was claimed for, and return that day:
    the server's own count is the one that holds.
    """
    claimed = sa.select(
        batch.c.quota_account,
        batch.c.quota_day,
    ).filter_by(id=batch_id)
    account, day = tx.execute(claimed).one()
    update = quota.update().filter_by(account=account, day=day)
    tx.execute(update.values(closed=True))
    return day
