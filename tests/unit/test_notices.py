"""Whom a verdict is told to, and how often: a table of rules, words and moments."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from cxtools.ledger.streak import Streak
from cxtools.refresh.notices import news, reminder
from cxtools.refresh.reports import Channel

DAY_S = 86400.0


def told(rules: dict[str, Any], words: str, *, days: int = 1) -> list[str]:
    """
    What a channel is told of a campaign that is judged once a day with these words, and looked at for
    reminders as often: the words, with ~ before a reminder.
    """
    channel = Channel(**rules)
    heard: dict[str, str] = {}
    streak = Streak("", "", 0.0)
    for day, word in enumerate(words.split()):
        now = day * days * DAY_S
        if word != streak.word:
            streak = Streak(word, f"j{day}", now, before=streak.word)
        found = news("team", channel, "q3", streak, f"j{day}")
        again = reminder("team", channel, "q3", streak, now)
        for notice in (found, again):
            if notice:
                heard.setdefault(notice.id, f"{'~' * bool(notice.reminder)}{word}")
    return list(heard.values())


@pytest.mark.parametrize(
    ("rules", "words", "heard"),
    [
        ({"on": "change"}, "PASS PASS PASS", ""),
        ({"on": "change"}, "PASS WARN WARN PASS", "WARN PASS"),
        ({"on": "change"}, "TOO-EARLY PASS", "PASS"),
        ({"on": "change"}, "FAIL FAIL", "FAIL"),
        ({"on": "change"}, "PASS FAIL PASS FAIL", "FAIL PASS FAIL"),
        ({"on": "fail"}, "PASS WARN FAIL FAIL WARN FAIL", "FAIL FAIL"),
        ({"on": "warn"}, "PASS WARN WARN FAIL PASS", "WARN FAIL"),
        ({"on": "always"}, "PASS PASS WARN", "PASS PASS WARN"),
        ({"on": "change", "remind_after": "2d"}, "PASS WARN WARN WARN WARN WARN PASS", "WARN ~WARN ~WARN PASS"),
        ({"on": "fail", "remind_after": "1d"}, "WARN WARN FAIL FAIL", "FAIL ~FAIL"),
        ({"on": "warn", "remind_after": "1d"}, "PASS PASS PASS", ""),
    ],
)  # fmt: skip
def test_what_a_channel_is_told(rules: dict[str, Any], words: str, heard: str) -> None:
    """A word once, as it begins; reminders while it lasts; nothing for what is as it was."""
    assert heard.split() == told(rules, words)


def test_after_days_of_downtime_one_reminder() -> None:
    """The last that came due, not one for each that was missed."""
    assert ["FAIL", "~FAIL"] == told({"remind_after": "1d"}, "FAIL FAIL", days=9)


def test_ids_tell_channels_and_campaigns_apart() -> None:
    """What one was told, another one wasn't."""
    bad = Streak("FAIL", "j1", 0.0)
    ids = []
    for name, campaign in (("team", "a"), ("team", "b"), ("ops", "a")):
        notice = news(name, Channel(), campaign, bad, "j1")
        assert notice
        ids.append(notice.id)

    assert all(one != other for one, other in pairwise(sorted(ids)))
