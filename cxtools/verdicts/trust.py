"""
How far the data can be trusted, judged before the campaign is: what the feed doesn't tell, what
belongs to nothing, what seems to be cut off.

No campaign passes on what can't be seen: where trust is none the verdict is NO DATA, or worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from cxtools import wording

#: From bad to good.
TRUST_WORDS = ("none", "limited", "good")
Counts = Mapping[str, int]

#: What a report is about -> what it needs; the rest it can do without.
NEEDS = {
    "run": ("events", "deliveries", "clicks", "opens", "complaints", "unsubscribes"),
    "bounces": ("events", "deliveries"),
    "engagement": ("events", "deliveries", "clicks", "opens", "complaints", "unsubscribes"),
}


class Reason(NamedTuple):
    """
    One reason not to trust: how bad it is, what it affects, a sentence, and the entry of
    `actions.STEPS` that mends it, "" where nothing needs to be done.
    """

    word: str
    affects: str
    text: str
    step: str = ""


class Trust(NamedTuple):
    """good, limited or none, with the reasons."""

    word: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class OddShare:
    """
    A share of the events or messages that must stay small for the rest to be believed.

    Attributes:
        part, whole: counts of `data_quality`
        limited: above it trust is limited
        none: above it there is none; None: it is limited at worst
        affects: what can't be told by them: events (all of them), or one of STEPS
        sentence: with {number} ("5 of 30") and {share}
        is_harmless: whether it is only told, and nothing needs to be done
    """

    part: str
    whole: str
    limited: float
    none: float | None
    affects: str
    sentence: str
    is_harmless: bool = False


ODD_SHARES = (
    OddShare(
        part="unattributed",
        whole="events",
        limited=0.01,
        none=0.20,
        affects="events",
        sentence=(
            "{number} events ({share}) could belong to several messages or to none, and count "
            "nowhere."
        ),
    ),
    OddShare(
        part="unknown_kind",
        whole="events",
        limited=0.01,
        none=0.20,
        affects="events",
        sentence=(
            "{number} events ({share}) are of a kind that isn't understood, and count nowhere."
        ),
    ),
    OddShare(
        part="rejected_rows",
        whole="rows",
        limited=0.01,
        none=None,
        affects="events",
        sentence=(
            "{number} rows ({share}) that were brought in could not be read: they count nowhere, "
            "and are kept in events/_rejected."
        ),
    ),
    OddShare(
        part="without_outcome",
        whole="messages",
        limited=0.02,
        none=0.50,
        affects="deliveries",
        sentence=(
            "Of {number} messages ({share}) neither a delivery nor a bounce is known: events are "
            "missing."
        ),
    ),
    OddShare(
        part="orphan_opens",
        whole="openers",
        limited=0.02,
        none=0.50,
        affects="opens",
        sentence=(
            "No delivery is known of {number} opened messages ({share}): they aren't counted."
        ),
    ),
    OddShare(
        part="orphan_clicks",
        whole="clickers",
        limited=0.02,
        none=0.50,
        affects="clicks",
        sentence=(
            "No delivery is known of {number} clicked messages ({share}): they aren't counted."
        ),
    ),
    OddShare(
        part="complained",
        whole="delivered",
        limited=1.0,
        none=1.0,
        affects="complaints",
        sentence="More complained than got the mail ({number}): they aren't counted.",
    ),
    OddShare(
        part="unsubscribed",
        whole="delivered",
        limited=1.0,
        none=1.0,
        affects="unsubscribes",
        sentence="More unsubscribed than got the mail ({number}): they aren't counted.",
    ),
    OddShare(
        part="without_timestamp",
        whole="events",
        limited=0.01,
        none=None,
        affects="moments",
        sentence=(
            "{number} events ({share}) have no moment: scanners, delays and the campaign's age "
            "can't be judged by them."
        ),
    ),
    OddShare(
        part="repeated_rows",
        whole="stored_rows",
        limited=0.50,
        none=None,
        affects="events",
        sentence="{number} rows ({share}) came more than once; each counts once.",
        is_harmless=True,
    ),
    OddShare(
        part="same_content",
        whole="events",
        limited=0.10,
        none=None,
        affects="events",
        sentence="{number} events ({share}) say the same as another one under an id of their own.",
        is_harmless=True,
    ),
)

#: What is odd -> the step that mends it.
STEPS = {
    "events": "bring_rest",
    "deliveries": "bring_deliveries",
    "opens": "bring_clicks",
    "clicks": "bring_clicks",
    "complaints": "bring_deliveries",
    "unsubscribes": "bring_deliveries",
    "moments": "bring_rest",
}

#: A feed without a single bounce among so many messages doesn't tell of bounces.
MANY_MESSAGES = 200
#: By then nine tenths of opens and clicks have come: of 10 million mails 86% and 92% on the first
#: two days, 91% and 94% by the third.
FIRST_DAYS = timedelta(hours=48)
#: Where exports and sheets are cut off.
EXPORT_LIMITS = (65_535, 65_536, 1_048_575, 1_048_576, 10_000, 50_000, 100_000, 500_000, 1_000_000)


@dataclass(frozen=True)
class FeedFacts:
    """
    What the events tell of themselves.

    Attributes:
        quality: the counts of `data_quality`, what the feed doesn't tell missing; and
            rejected_rows of rows, those that could not be read among all
        attempted: how many messages were
        told_by_sending: whether the feed tells of sendings and of no delivery
        age: from the first to the last event; None where no event has a moment
        is_cut: whether somebody asked for an earlier moment
        untold: which of opens and clicks the feed doesn't tell, in this order
        usual_bounce_rate: of earlier campaigns, None without any
    """

    quality: Counts
    attempted: int = 0
    told_by_sending: bool = False
    age: timedelta | None = None
    is_cut: bool = False
    untold: tuple[str, ...] = ()
    usual_bounce_rate: float | None = None


def judge_trust(feed: FeedFacts, about: str = "run") -> Trust:
    """
    How far a report about *about* can be trusted, the worst reason first.

    >>> judge_trust(FeedFacts({}, attempted=9, age=timedelta(days=3))).word
    'good'
    >>> blind = FeedFacts({}, attempted=9, age=timedelta(days=3), untold=("opens", "clicks"))
    >>> judge_trust(blind, "engagement").word
    'none'
    """
    reasons = [reason for reason in _reasons(feed, about) if _matters(reason, about)]
    in_order = sorted(reasons, key=lambda reason: TRUST_WORDS.index(reason.word))
    word = in_order[0].word if in_order else "good"
    return Trust(word, tuple(in_order))


def _matters(reason: Reason, about: str) -> bool:
    return reason.affects == "moments" or reason.affects in NEEDS[about]


def _reasons(feed: FeedFacts, about: str) -> Iterable[Reason]:
    yield from _what_is_not_told(feed, about)
    yield from _what_is_odd(feed.quality)
    yield from _what_is_cut_off(feed)


def _what_is_odd(quality: Counts) -> Iterable[Reason]:
    for odd in ODD_SHARES:
        part = quality.get(odd.part)
        whole = quality.get(odd.whole)
        if not part or not whole or part / whole <= odd.limited:
            continue
        share = part / whole
        word = "none" if odd.none is not None and share > odd.none else "limited"
        number = f"{wording.count(part)} of {wording.count(whole)}"
        text = odd.sentence.format(number=number, share=wording.percent(share))
        step = "" if odd.is_harmless else STEPS[odd.affects]
        yield Reason(word, odd.affects, text, step)


UNSEEN_BOUNCES = (
    "The events tell of {attempted} sendings, of no delivery and of no bounce: whether bounces are "
    "in this feed at all can't be told."
)
#: Where so many are expected none at all is one chance in 3,000.
EXPECTED_BOUNCES = 8
LOST_BOUNCES = (
    "The events tell of no bounce, of {attempted} messages, where {usual} of earlier campaigns "
    "bounced: bounces seem to be missing."
)
NO_BOUNCES = "The events tell of no bounce, of {attempted} messages."
NO_DELIVERIES = "The events tell of no delivery: what was sent and did not come back counts as one."
#: Kinds of events of which there is none -> what is said; as `sentences` says it of clicks.
UNSEEN = {
    ("opens", "clicks"): "Opens and clicks are not measured: the feed holds none.",
    ("opens",): "Opens are not measured: the feed holds none.",
    ("clicks",): "Clicks are not measured: the feed holds none.",
}


#: What can't be trusted at all -> the counts that aren't believed then.
COUNTS_OF = {
    "opens": ("opened", "read"),
    "clicks": ("clicked", "clickers", "suspect", "human", "human_clicked", "human_unsubscribed"),
    "complaints": ("complained",),
    "unsubscribes": ("unsubscribed",),
}


def unbelievable(feed: FeedFacts) -> list[str]:
    """
    The counts that say nothing, since most of what they would count belongs to no message.

    >>> unbelievable(FeedFacts({"orphan_opens": 90, "openers": 100}))
    ['opened', 'read']
    """
    names: list[str] = []
    for reason in _what_is_odd(feed.quality):
        if reason.word == "none":
            names += COUNTS_OF.get(reason.affects, ())
    return names


def untold(feed: FeedFacts) -> list[str]:
    """
    The counts of what the feed holds none of.

    >>> untold(FeedFacts({}, untold=("opens",)))
    ['opened', 'read']
    """
    names: list[str] = []
    for kind in feed.untold:
        names += COUNTS_OF[kind]
    return names


def _what_is_not_told(feed: FeedFacts, about: str) -> Iterable[Reason]:
    """Kinds of events of which there is not one."""
    if not feed.attempted:
        return
    yield from _what_is_not_told_of_arrival(feed)
    if not feed.untold:
        return
    text = UNSEEN[feed.untold]
    if about == "engagement" and len(feed.untold) > 1:
        yield Reason("none", "clicks", text, "bring_clicks")
    else:
        yield Reason("limited", feed.untold[0], text, "bring_clicks")


def _what_is_not_told_of_arrival(feed: FeedFacts) -> Iterable[Reason]:
    has_bounces = bool(feed.quality.get("bounce_events"))
    is_many = feed.attempted >= MANY_MESSAGES
    attempted = wording.count(feed.attempted)
    if feed.told_by_sending and not has_bounces and is_many:
        text = UNSEEN_BOUNCES.format(attempted=attempted)
        yield Reason("none", "deliveries", text, "bring_deliveries")
    elif feed.told_by_sending:
        yield Reason("limited", "deliveries", NO_DELIVERIES)
    elif not has_bounces and _are_bounces_expected(feed):
        usual = wording.percent(feed.usual_bounce_rate)
        text = LOST_BOUNCES.format(attempted=attempted, usual=usual)
        yield Reason("none", "deliveries", text, "bring_deliveries")
    elif not has_bounces and is_many:
        yield Reason("limited", "deliveries", NO_BOUNCES.format(attempted=attempted))


def _are_bounces_expected(feed: FeedFacts) -> bool:
    """Whether a campaign like the earlier ones would have so many that none is no chance."""
    return (feed.usual_bounce_rate or 0.0) * feed.attempted >= EXPECTED_BOUNCES


YOUNG = (
    "The data end {age} after the first event: later opens, clicks and bounces are yet to come, or "
    "missing."
)
EXPORT = "There are exactly {rows} rows, where exports are often cut off."


def _what_is_cut_off(feed: FeedFacts) -> Iterable[Reason]:
    if feed.attempted and feed.age is not None and feed.age < FIRST_DAYS and not feed.is_cut:
        age = wording.age(feed.age.total_seconds())
        yield Reason("limited", "events", YOUNG.format(age=age), "look_again")
    rows = feed.quality.get("stored_rows")
    if rows in EXPORT_LIMITS:
        text = EXPORT.format(rows=wording.count(rows))
        yield Reason("limited", "events", text, "bring_rest")
