"""
When a channel is told of a campaign: pure.

Each notice has an id that says what it tells of: the judgement with which a word began, and which
reminder it is. The outbox holds an id once, so nothing is told twice, whoever asks how often.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from cxtools.ledger.streak import Streak
from cxtools.refresh.reports import Channel

#: Words that somebody should do something about.
ALARMS = ("WARN", "FAIL")
#: A channel's rule -> the words that it tells of as they begin.
TOLD_WORDS = {"fail": ("FAIL",), "warn": ALARMS}
#: Digits of an id's hash: 96 bits.
ID_LENGTH = 24


class Notice(NamedTuple):
    """That a channel is told, under which id; `reminder` counts from 1, 0 is the news itself."""

    id: str
    reminder: int = 0


def news(
    name: str, channel: Channel, campaign: str, streak: Streak, judgement_id: str
) -> Notice | None:
    """
    What a channel is told when a campaign was judged anew; None where it isn't told.

    With `on = "change"` a campaign's first word is news only where it is a WARN or FAIL.

    >>> first = Streak("PASS", "j1", 0.0)
    >>> worse = Streak("FAIL", "j2", 9.0, before="PASS")
    >>> team = Channel(on="change")
    >>> news("team", team, "q3", first, "j1") is None, news("team", team, "q3", worse, "j2") is None
    (True, False)
    """
    if channel.on == "always":
        return Notice(notice_id(name, campaign, judgement_id))
    if channel.on == "change":
        is_news = bool(streak.before) or streak.word in ALARMS
    else:
        is_news = streak.word in TOLD_WORDS[channel.on]
    return Notice(notice_id(name, campaign, streak.id)) if is_news else None


def reminder(
    name: str, channel: Channel, campaign: str, streak: Streak, now: float
) -> Notice | None:
    """
    The last reminder that has come due while a word lasts; None where there is none.

    >>> bad = Streak("FAIL", "j2", since=0.0)
    >>> weekly = Channel(remind_after="7d")
    >>> day_s = 86400
    >>> [reminder("team", weekly, "q3", bad, day * day_s) is None for day in (6, 7)]
    [True, False]
    """
    if channel.remind_after is None or streak.word not in TOLD_WORDS.get(channel.on, ALARMS):
        return None
    number = int((now - streak.since) // channel.remind_after.total_seconds())
    if number < 1:
        return None
    return Notice(notice_id(name, campaign, streak.id, str(number)), number)


def failure(name: str, report: str, campaign: str, failing_since: float) -> Notice:
    """That a report can't be made: told once, until it was made again."""
    return Notice(notice_id(name, campaign, report, f"{failing_since:.3f}"))


def notice_id(*parts: str) -> str:
    """An id that is the same whenever and by whomever a notice is made."""
    digest = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return f"msg_{digest[:ID_LENGTH]}"
