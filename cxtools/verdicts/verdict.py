"""The verdict on a campaign: facts in, one word and the sentences behind it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from cxtools.errors import ConfigError
from cxtools.verdicts import sentences
from cxtools.verdicts.cards import Card, card
from cxtools.verdicts.checks import Check, decides, worst
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.limits import HARD_BOUNCES

Sentence = Callable[[Facts], str]
#: The words that need an explanation before anything else is said.
ALARMING = ("FAIL", "WARN", "TOO FEW")


@dataclass(frozen=True)
class CampaignVerdict:
    """
    One word on a campaign, with the sentences behind it, the cards and the checks; it shows itself
    in notebooks and reports.

    Attributes:
        word: PASS, WARN, FAIL, TOO FEW (messages), TOO EARLY (nothing reported yet) or NO DATA (the
            feed doesn't tell how many messages there were)
        sentences: why, the most important first
        cards: the rates that a reader wants
        facts: what the verdict is based on; `facts.checks` are the limits with the counts held
            against them
    """

    word: str
    sentences: tuple[str, ...]
    cards: tuple[Card, ...]
    facts: Facts = field(repr=False)

    def __str__(self) -> str:
        return f"{self.word}. {' '.join(self.sentences)}"

    def record(self) -> dict[str, Any]:
        """
        The verdict as JSON knows it. A check that isn't measured has no count.

        >>> verdict(Facts("q3", {"attempted": 0})).record()["word"]
        'TOO EARLY'
        """
        return {
            "campaign": self.facts.campaign,
            "word": self.word,
            "sentences": list(self.sentences),
            "checks": [_check_record(check) for check in self.facts.checks],
            "as_of": self.facts.as_of.isoformat() if self.facts.as_of else None,
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        # Pictures stand above judgement, so they are asked for by name, when one is looked at.
        bundle: dict[str, Any] = import_module("cxtools.charts.verdicts").mime_bundle(self)
        return bundle


def _check_record(check: Check) -> dict[str, Any]:
    return {
        "name": check.limit.name,
        "word": check.word,
        "count": check.count,
        "of": check.whole,
        "target": check.limit.target,
        "limit": check.limit.limit,
    }


class View(NamedTuple):
    """What a report says first: its sentences and its cards."""

    sentences: tuple[Sentence, ...]
    cards: tuple[str, ...]


VIEWS = {
    "run": View(
        (
            sentences.delivered_sentence,
            sentences.told_by_sending_sentence,
            sentences.hard_sentence,
            sentences.alarm_sentence,
            sentences.click_sentence,
            sentences.age_sentence,
        ),
        ("Delivered", "Hard bounces", "Soft bounces", "Blocked", "Clicked", "Opened"),
    ),
    "bounces": View(
        (
            sentences.delivered_sentence,
            sentences.told_by_sending_sentence,
            sentences.hard_sentence,
            sentences.cause_sentence,
            sentences.alarm_sentence,
            sentences.age_sentence,
        ),
        ("Bounced", "Hard bounces", "Soft bounces", "Blocked", "Cause unknown", "Delivered"),
    ),
    "engagement": View(
        (
            sentences.click_sentence,
            sentences.told_by_sending_sentence,
            sentences.scanner_sentence,
            sentences.open_sentence,
            sentences.age_sentence,
        ),
        (
            "Clicked",
            "Any link, scanners left out",
            "Opened",
            "Delivered",
            "Hard bounces",
            "Blocked",
        ),
    ),
}


def verdict(facts: Facts, about: str = "run") -> CampaignVerdict:
    """
    The verdict on a campaign. *about* chooses the sentences and cards, never the word: "run",
    "bounces" or "engagement".

    Raises:
        ConfigError: *about* is something else.

    >>> print(verdict(Facts("q3", {"attempted": 0})))
    TOO EARLY. No delivery or bounce has been reported yet.
    """
    if about not in VIEWS:
        choices = ", ".join(VIEWS)
        raise ConfigError(
            f"there is no verdict about {about!r}",
            do=f"choose from: {choices}",
        )
    unsettled = sentences.unsettled_sentences(facts)
    if not facts.counts.get("attempted"):
        return _verdict_on_nothing(facts, unsettled)
    word = campaign_word(facts)
    view = VIEWS[about]
    in_order = dict.fromkeys([*_explanation(facts, word), *view.sentences])
    texts = [sentence(facts) for sentence in in_order]
    reasons = [text for text in texts if text]
    cards = tuple(card(facts, name) for name in view.cards)
    return CampaignVerdict(word, (*unsettled, *reasons), cards, facts)


def _verdict_on_nothing(facts: Facts, unsettled: tuple[str, ...]) -> CampaignVerdict:
    """
    The verdict where nothing was attempted, as far as anybody knows.

    >>> _verdict_on_nothing(Facts("q3", {"bounced": 3, "opened": 1}), ()).word
    'NO DATA'
    """
    missing = sentences.missing_sentence(facts)
    word = "NO DATA" if missing else "TOO EARLY"
    if unsettled:
        word = "WARN"
    reason = missing or "No delivery or bounce has been reported yet."
    return CampaignVerdict(word, (*unsettled, reason), (), facts)


def campaign_word(facts: Facts) -> str:
    """The worst word of the checks; recipients without a known outcome are a WARN."""
    words = [check.word for check in facts.checks if decides(check)]
    if sentences.unsettled_sentences(facts):
        words.append("WARN")
    return worst(words, "TOO FEW")


def _explanation(facts: Facts, word: str) -> list[Sentence]:
    """The sentence on the check that made the word, which is said first."""
    if word not in ALARMING:
        return []
    limits = [check.limit for check in facts.checks if check.word == word]
    if not limits:
        return []
    if limits[0] == HARD_BOUNCES:
        return [sentences.hard_sentence]
    return [sentences.alarm_sentence]
