"""The verdict on a campaign: facts in, one word and the sentences behind it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from cxtools.errors import BadVerdict, ConfigError
from cxtools.verdicts import sentences
from cxtools.verdicts.actions import Action, actions
from cxtools.verdicts.cards import Card, card
from cxtools.verdicts.checks import Check, decides, is_as_bad_as, worst
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.limits import HARD_BOUNCES
from cxtools.verdicts.trust import Reason, Trust, judge_trust

Sentence = Callable[[Facts], str]
#: What is said of data that nothing speaks against.
TRUSTED = Trust("good", ())
#: The words that need an explanation before anything else is said.
ALARMING = ("FAIL", "WARN", "TOO FEW")
#: The words that a scheduled run may be ended by.
ENDING = ("WARN", "FAIL")


@dataclass(frozen=True)
class CampaignVerdict:
    """
    One word on a campaign, with the sentences behind it, the cards and the checks; it shows itself
    in notebooks and reports.

    Attributes:
        word: PASS, WARN, FAIL, TOO FEW (messages), TOO EARLY (nothing reported yet) or NO DATA (the
            events don't tell enough to judge by)
        sentences: why, the most important first
        cards: the rates that a reader wants
        trust: how far the data can be trusted, with reasons
        actions: what to do, who does it, for how many people, and how
        origin: which store it comes from, "" for the home that the environment names
        facts: what the verdict is based on; `facts.checks` are the limits with the counts held
            against them
    """

    word: str
    sentences: tuple[str, ...]
    cards: tuple[Card, ...]
    facts: Facts = field(repr=False)
    trust: Trust = TRUSTED
    actions: tuple[Action, ...] = ()
    origin: str = ""

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
            "actions": [action.record() for action in self.actions],
            "trust": {
                "word": self.trust.word,
                "reasons": [reason.text for reason in self.trust.reasons],
            },
            "as_of": self.facts.as_of.isoformat() if self.facts.as_of else None,
        }

    def stop_at(self, word: str) -> None:
        """
        End a scheduled notebook with an error where the verdict is *word* ("WARN" or "FAIL", in any
        case) or worse; "" ends nothing. The last cell of a report says it, so that all is shown.

        Raises:
            BadVerdict: it is that bad.
            ConfigError: *word* is something else.

        >>> verdict(Facts("q3", {"attempted": 0})).stop_at("WARN")
        """
        if not word:
            return
        if word.upper() not in ENDING:
            raise ConfigError(
                f"{word!r} is not a verdict that a run can end by",
                where="fail_on",
                do=f"say {' or '.join(ENDING)}, or leave it empty",
            )
        if is_as_bad_as(self.word, word.upper()):
            raise BadVerdict(
                f"{self.facts.campaign}: {self.word}. {self.sentences[0]}",
                do="all cells were run: `cxtools page` makes the page of the executed notebook",
            )

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


#: What people do with the mail that arrived; everything else that is counted is about its arrival.
ENGAGEMENT = ("opened", "clicked", "suspect", "complained", "unsubscribed")
ARRIVAL = (
    "delivered",
    "bounced",
    "hard",
    "soft",
    "block",
    "undetermined",
    "refused",
    "unauthenticated",
    "unclassified",
)
#: Sentence of a view -> the count that it is about: it isn't said where an alarm says the same.
SUBJECTS: dict[Sentence, str] = {
    sentences.delivered_sentence: "delivered",
    sentences.scanner_sentence: "suspect",
}


class View(NamedTuple):
    """
    What a report says first: its sentences and its cards. What another report is about comes
    second, in a sentence that leads there.
    """

    sentences: tuple[Sentence, ...]
    cards: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    lead: str = ""


VIEWS = {
    "run": View(
        sentences=(
            sentences.delivered_sentence,
            sentences.told_by_sending_sentence,
            sentences.hard_sentence,
            sentences.click_sentence,
            sentences.no_comparison_of_clicks_sentence,
            sentences.age_sentence,
        ),
        cards=(
            "Delivered",
            "Hard bounces",
            "Soft bounces",
            "Blocked",
            "Undetermined",
            "Opened",
            "Clicked",
            "Complaints",
            "Unsubscribes",
        ),
    ),
    "bounces": View(
        sentences=(
            sentences.delivered_sentence,
            sentences.told_by_sending_sentence,
            sentences.hard_sentence,
            sentences.cause_sentence,
            sentences.no_comparison_sentence,
            sentences.age_sentence,
        ),
        cards=(
            "Bounced",
            "Hard bounces",
            "Soft bounces",
            "Blocked",
            "Undetermined",
            "Delivered",
        ),
        elsewhere=ENGAGEMENT,
        lead="{word} is for what people did: {why} The engagement report has the details.",
    ),
    "engagement": View(
        sentences=(
            sentences.click_sentence,
            sentences.told_by_sending_sentence,
            sentences.scanner_sentence,
            sentences.open_sentence,
            sentences.quote_sentence,
            sentences.no_comparison_of_clicks_sentence,
            sentences.age_sentence,
        ),
        cards=(
            "Clicked, scanners left out",
            "Clicked",
            "Opened",
            "Delivered",
            "Complaints",
            "Unsubscribes",
        ),
        elsewhere=ARRIVAL,
        lead="{word} is for what came back: {why} The bounce report has the details.",
    ),
}


def verdict(facts: Facts, about: str = "run") -> CampaignVerdict:
    """
    The verdict on a campaign. *about* chooses the sentences and cards: "run", "bounces" or
    "engagement". The checks are the same for all; what can't be seen is NO DATA only where it is
    what the report is about.

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
    trust = judge_trust(facts.feed, about)
    if not facts.counts.get("attempted"):
        return _verdict_on_nothing(facts, unsettled, trust)
    word = campaign_word(facts, trust)
    view = VIEWS[about]
    alarms = _alarms(facts, word)
    own = _explanation(facts, [one for one in alarms if not _is_elsewhere(one, view)])
    first, *others = [*own, *_view_sentences(facts, view, alarms)]
    lead = _lead(facts, word, view, alarms)
    texts = [*unsettled, *_doubts(word, trust), first, *lead, *others]
    cards = tuple(card(facts, name) for name in view.cards)
    return CampaignVerdict(
        word=word,
        sentences=tuple(dict.fromkeys(texts)),
        cards=cards,
        facts=facts,
        trust=trust,
        actions=_actions(facts, facts.checks, trust),
    )


def _actions(facts: Facts, checks: Sequence[Check], trust: Trust) -> tuple[Action, ...]:
    return actions(
        facts.campaign,
        checks,
        facts.unsettled,
        trust,
        is_sent_here=facts.is_sent_here,
    )


def _doubts(word: str, trust: Trust) -> list[str]:
    """Why there is no verdict, where that is so: it is said first."""
    if word != "NO DATA":
        return []
    return [reason.text for reason in trust.reasons if reason.word == "none"]


def _verdict_on_nothing(facts: Facts, unsettled: tuple[str, ...], trust: Trust) -> CampaignVerdict:
    """
    The verdict where nothing was attempted, as far as anybody knows.

    >>> nothing = Facts("q3", {"bounced": 3, "opened": 1})
    >>> _verdict_on_nothing(nothing, (), Trust("good", ())).word
    'NO DATA'
    """
    missing = sentences.missing_sentence(facts)
    word = "NO DATA" if missing else "TOO EARLY"
    if unsettled:
        word = "WARN"
    reason = missing or "No delivery or bounce has been reported yet."
    step = "bring_deliveries" if missing else "look_again"
    blind = Trust("none", (Reason("none", "deliveries", reason, step), *trust.reasons))
    to_do = _actions(facts, (), blind)
    return CampaignVerdict(word, (*unsettled, reason), (), facts, blind, to_do)


def campaign_word(facts: Facts, trust: Trust) -> str:
    """
    The worst word of the checks; recipients without a known outcome are a WARN, and what can't be
    seen is NO DATA.
    """
    words = [check.word for check in facts.checks if decides(check)]
    if trust.word == "none":
        words.append("NO DATA")
    if sentences.unsettled_sentences(facts):
        words.append("WARN")
    return worst(words, "TOO FEW")


def _alarms(facts: Facts, word: str) -> list[Check]:
    """The checks that made the word; and all places over a limit, where there are any of those."""
    if word not in ALARMING:
        return []
    made_it = [check for check in facts.checks if check.word == word and decides(check)]
    if not made_it:
        return []
    places = [check for check in facts.checks if check.trouble and check not in made_it]
    return [*made_it, *places]


def _is_elsewhere(check: Check, view: View) -> bool:
    """Whether another report is about it."""
    return check.limit.part in view.elsewhere


def _explanation(facts: Facts, alarms: Sequence[Check]) -> list[str]:
    """What is wrong and where it hurts; the hard bounces first, where they are what decides."""
    places = [check for check in alarms if check.trouble]
    texts = [*sentences.place_sentences(places), *sentences.alarm_sentences(facts, alarms)]
    if alarms and alarms[0].limit.name == HARD_BOUNCES.name:
        texts.insert(0, sentences.hard_sentence(facts))
    return texts


def _view_sentences(facts: Facts, view: View, alarms: Sequence[Check]) -> list[str]:
    """What a report says of every campaign, but for what an alarm has said already."""
    said = {check.limit.part for check in alarms if not check.trouble}
    texts = [sentence(facts) for sentence in view.sentences if SUBJECTS.get(sentence) not in said]
    return [text for text in texts if text]


def _lead(facts: Facts, word: str, view: View, alarms: Sequence[Check]) -> list[str]:
    """Why the campaign has its word, where another report is about that."""
    why = _explanation(facts, [check for check in alarms if _is_elsewhere(check, view)])
    return [view.lead.format(word=word, why=why[0])] if why else []
