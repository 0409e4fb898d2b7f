"""
The judge: code and text of a bounce become a verdict.

What is asked, in this order: rules that read the text (sender's side first), the code if it can be
trusted (the provider's own meaning before the registry's), weak rules that read the text, any other
code, the class that the sending platform gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from cxtools.bounce.classes import (
    ClassMeaning,
    class_in_words,
    class_text,
    clean_class,
    general_class,
    whole_class,
)
from cxtools.bounce.codes import Codes, Meaning, meaning, parse_codes
from cxtools.bounce.policy import (
    CATEGORIES,
    MAILED_AGAIN,
    SENDERS_SIDE,
    UNREACHABLE,
    WHEN_CLASSED,
    WHEN_HELD_BACK,
    WHEN_UNREACHABLE,
    Category,
    Objection,
    Treatment,
    objection,
    treatment,
)
from cxtools.bounce.reason import (
    LONGEST_CODE,
    NAMES,
    drop_codes,
    drop_quotations,
    join_lines,
    mask,
    reason,
    words,
)
from cxtools.bounce.rules import Rule, Rulebook, merge_rules, standard_rules
from cxtools.bounce.verdict import BounceVerdict
from cxtools.errors import ConfigError
from cxtools.text import key_by_value

#: Verdicts that are remembered, and the longest code and text worth remembering: together an exact
#: bound on memory.
REMEMBERED = 16_384
LONGEST_REMEMBERED = 1_000
#: A verdict that is less sure is never hard.
LEAST_CONFIDENCE = 0.5
#: How sure a code makes us, by how far it is trusted.
CONFIDENCE = {"high": 0.85, "medium": 0.65, "low": 0.4}
#: How sure a platform's class makes us, by how far it is trusted.
CLASS_CONFIDENCE = {"high": 0.6, "medium": 0.5, "low": 0.4}
#: Categories whose texts may name a blocklist.
LISTED = ("reputation_block", "content_rejected")

# A time is one to wait only after such a word: others have passed, or are limits.
_WAIT = re.compile(
    r"""(?i)\b(?<!not[ ])
        (?: (?: (?:try|trying|retry|send|resend|us|me|come|connect)[ ]again (?:[ ]later)?
              | later | retry(?:[ -]?after|[ ]time|[ ]interval|[ ]delay)? | back
            )
            [ :=,;.]{1,3} (?:(?:please|in|after|within|is|next)[ ]){0,3}
          | (?:wait|back(?:[ ]off)?)[ :]{1,2} (?:(?:please|for|in|another)[ ]){0,2}
        )
        (?:(?:about|approximately|at|least|the|next|a)[ ]){0,3}
        (?: (?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)
          | (?P<spans>\d{1,6}[ ]?[a-z]{1,7}\b (?:(?:,|[ ]and)?[ ]?\d{1,6}[ ]?[a-z]{1,7}\b){0,3})
        )""",
    re.VERBOSE,
)
_SPAN = re.compile(r"(?i)(\d+)\s?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b")
#: Words of which one stands before a time to wait.
WAITING = ("again", "later", "retry", "wait", "back")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _owners(kind: str) -> dict[str, str]:
    """Word -> the provider or blocklist that it names."""
    words = {name: known.split() for name, known in NAMES[kind].items()}
    return key_by_value(words)


PROVIDERS = _owners("providers")
BLOCKLISTS = _owners("blocklists")


@dataclass(frozen=True, slots=True)
class Match:
    """
    One rule, code or class that had something to say: its id, its category, the words or code it
    went by, whether it won.
    """

    rule: str
    category: Category
    matched: str
    confidence: float
    won: bool = False

    @property
    def by_code(self) -> bool:
        return self.rule.startswith("code:")

    @property
    def by_class(self) -> bool:
        return self.rule.startswith("class:")


NOTHING = Match("none", "unknown", "", 0.0)


class Bounce(NamedTuple):
    """
    One bounce as the rules see it: the text without its codes, its words, who said it, and what
    the sending platform calls it.
    """

    spoken: str
    words: list[str]
    codes: Codes
    provider: str
    bounce_class: str


class Contradiction(NamedTuple):
    """Why a verdict is not hard though its category is: the rule or word that speaks against it."""

    source: str
    objection: Objection


class Judge:
    """
    Rules plus two memories of bounded size: texts as they come, and masked texts, so that one cause
    is judged once.

    Threads may share one; `cxtools.bounce.classify` is the judge with the rules that ship.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.book = Rulebook(rules)
        self.doubts = Rulebook(standard_rules("doubt"))
        self._by_text = lru_cache(REMEMBERED)(self._judge)
        self._by_cause = lru_cache(REMEMBERED)(self._judge_cause)
        self.causes = self._by_cause.cache_info

    def classify(self, code: str, text: str, bounce_class: str = "") -> BounceVerdict:
        """The verdict on one bounce; see `cxtools.bounce.classify`."""
        if len(code) + len(text) + len(bounce_class) > LONGEST_REMEMBERED:
            return self._judge(code, text, bounce_class)
        return self._by_text(code, text, bounce_class)

    def classify_cause(self, code: str, cause: str, bounce_class: str = "") -> BounceVerdict:
        """
        The verdict on every bounce with this code, this masked text (see `mask`) and this class
        (see `clean_class`).
        """
        return self._by_cause(code, cause, bounce_class)

    def explain(self, code: str, text: str, bounce_class: str = "") -> dict[str, Any]:
        """
        The verdict as a dict, with `matches`: every rule, code and class that had something to say,
        in the order of their rank.
        """
        cause = join_lines(mask(text or code))
        bounce = _read(code[:LONGEST_CODE], cause, clean_class(bounce_class))
        verdict = self.classify(code, text, bounce_class)
        matches = [
            replace(match, won=match.rule == verdict.rule) for match in self._matches(bounce)
        ]
        return {**as_dict(verdict), "matches": [asdict(match) for match in matches]}

    def _judge(self, code: str, text: str, bounce_class: str) -> BounceVerdict:
        text = text or code  # some feeds put the whole reply into the code
        code = code[:LONGEST_CODE]
        cause = mask(text)
        is_short = len(cause) <= LONGEST_REMEMBERED
        judge_cause = self._by_cause if is_short else self._judge_cause
        verdict = judge_cause(code, cause, clean_class(bounce_class))
        if verdict.retry in MAILED_AGAIN and "<" in cause:
            return replace(verdict, retry_after_s=_wait_s(text))
        return verdict

    def _judge_cause(self, code: str, cause: str, bounce_class: str) -> BounceVerdict:
        cause = join_lines(cause)
        bounce = _read(code, cause, bounce_class)
        matches = self._matches(bounce)
        match = next(matches, NOTHING)
        policy = _policy(match, bounce.codes)
        contradiction: Contradiction | None = None
        if policy.kind == "hard":
            own = self._judge_own_words(code, cause, bounce_class)
            contradiction = self._contradiction(match, matches, bounce, own)
            if own and not contradiction:
                return replace(own, reason=_reason(bounce, match.category))
            if contradiction:
                policy = WHEN_HELD_BACK[contradiction.objection]
        return BounceVerdict(
            category=match.category,
            kind=policy.kind,
            retry=policy.retry,
            suppress=policy.suppress,
            scope=policy.scope,
            confidence=match.confidence,
            rule=match.rule,
            codes=bounce.codes,
            provider=bounce.provider,
            blocklist=_first_owner(bounce.words, BLOCKLISTS) if match.category in LISTED else "",
            reason=_reason(bounce, match.category),
            held_back_by=contradiction.source if contradiction else "",
        )

    def _judge_own_words(self, code: str, cause: str, bounce_class: str) -> BounceVerdict | None:
        """
        The verdict without what stands in a subject, a quotation or the path of a URL, since that
        isn't the server's own word; None where there is no such thing.
        """
        own_words = drop_quotations(cause)
        if own_words == cause:
            return None
        verdict = self._judge_cause(code, own_words, bounce_class)
        if verdict.kind == "hard":
            return verdict
        return replace(verdict, held_back_by=verdict.held_back_by or "quotation")

    def _contradiction(
        self,
        match: Match,
        others: Iterator[Match],
        bounce: Bounce,
        own: BounceVerdict | None,
    ) -> Contradiction | None:
        """
        What speaks against a hard verdict; None when nothing does. Where the server's *own* words
        were judged by themselves, only the sender's side still counts in the rest.
        """
        if own:
            if own.kind != "hard":
                return None
            others = (other for other in others if other.category in SENDERS_SIDE)
        elif bounce.codes.digit == "2":
            return Contradiction("class 2", "weak_proof")
        elif match.confidence < LEAST_CONFIDENCE:
            return Contradiction("confidence", "weak_proof")
        for other in others:
            if _contradicts(other, match):
                return Contradiction(other.rule, objection(other.category))
        doubt = None if own else next(self.doubts.matches(bounce.words, bounce.codes), None)
        if doubt is None:
            return None
        rule, _ = doubt
        return Contradiction(rule.id, "senders_side")

    def _matches(self, bounce: Bounce) -> Iterator[Match]:
        """Everything that has something to say, best first."""
        weak: list[Match] = []
        ids: set[str] = set()
        by_rule = self.book.matches(bounce.words, bounce.codes, bounce.provider)
        for rule, matched in by_rule:
            match = Match(rule.id, rule.category, matched, rule.confidence)
            if rule.weak:
                weak.append(match)
            elif rule.id not in ids:
                ids.add(rule.id)
                yield match
        code = meaning(bounce.codes, bounce.provider)
        by_code = _match_by_code(code)
        if code and code.trust != "low":
            yield from by_code
            yield from weak
        else:
            yield from weak
            yield from by_code
        if bounce.bounce_class:
            yield from self._match_by_class(bounce.bounce_class)

    def _match_by_class(self, bounce_class: str) -> list[Match]:
        """What the platform's class says: as a whole, read like a text, or by its first words."""
        row = whole_class(bounce_class)
        if row is None:
            general = general_class(bounce_class)
            match = self._read_class(bounce_class, general)
            if match:
                return [match]
            row = general
        if row is None or row.category == "unknown":
            return []
        rule = ":".join(filter(None, ("class", row.platform, row.word)))
        return [Match(rule, row.category, row.word, CLASS_CONFIDENCE[row.trust])]

    def _read_class(self, bounce_class: str, general: ClassMeaning | None) -> Match | None:
        """
        What the rules read in a class that no row has; nothing where they read a hard cause in what
        its first words call soft or a block.
        """
        class_words = words(class_text(bounce_class))
        for rule, matched in self.book.matches(class_words, Codes()):
            if rule.weak:
                continue
            if general and _is_hard(rule.category) and _is_mild(general.category):
                return None
            confidence = CLASS_CONFIDENCE["medium"]
            return Match(f"class:{rule.id}", rule.category, matched, confidence)
        return None


def _read(code: str, masked_text: str, bounce_class: str) -> Bounce:
    text = drop_codes(masked_text)
    text_words = words(text)
    codes = parse_codes(code, masked_text)
    provider = _first_owner(text_words, PROVIDERS)
    if not provider and codes.enhanced[-3:].isdecimal():
        provider = "microsoft"  # three digits at the end of an enhanced code are theirs alone
    return Bounce(text, text_words, codes, provider, bounce_class)


def _reason(bounce: Bounce, category: Category) -> str:
    """The text as reports group by it; the class where nothing was said."""
    return reason(bounce.spoken) or class_in_words(bounce.bounce_class, category)


def _policy(match: Match, codes: Codes) -> Treatment:
    """How to treat what this match says, before anything that contradicts it is looked at."""
    if match.rule in UNREACHABLE:
        return WHEN_UNREACHABLE["unreachable"]
    policy = treatment(match.category, codes.digit)
    is_likely = match.by_class and match.confidence == CLASS_CONFIDENCE["medium"]
    if policy.kind == "hard" and is_likely:
        return WHEN_CLASSED["likely"]
    return policy


def _is_hard(category: Category) -> bool:
    return CATEGORIES[category].kind == "hard"


def _is_mild(category: Category) -> bool:
    return category != "unknown" and not _is_hard(category)


def _first_owner(text_words: list[str], owners: dict[str, str]) -> str:
    """The provider or blocklist that is named first, or ""."""
    for word in text_words:
        if word in owners:
            return owners[word]
    return ""


def _match_by_code(code: Meaning | None) -> list[Match]:
    if code is None or code.category == "unknown":
        return []
    return [Match(code.rule, code.category, code.code, CONFIDENCE[code.trust])]


def _contradicts(other: Match, match: Match) -> bool:
    """Whether *other* makes doubtful that the bounce is what *match*, a hard one, says."""
    if other.by_class:
        return False
    if match.by_code and CATEGORIES[other.category].kind == "undetermined":
        return True
    return other.category in SENDERS_SIDE and not other.by_code


def _wait_s(text: str) -> int | None:
    """
    >>> _wait_s("try again in 4 minutes 55 seconds"), _wait_s("expired after 840 minutes")
    (295, None)
    """
    text = text[:LONGEST_REMEMBERED].lower()
    wait = _WAIT.search(text) if any(word in text for word in WAITING) else None
    if wait is None:
        return None
    if wait["hours"]:
        return int(wait["hours"]) * 3_600 + int(wait["minutes"]) * 60 + int(wait["seconds"])
    spans = _SPAN.findall(wait["spans"])
    return sum(int(number) * SECONDS[unit[0].lower()] for number, unit in spans) or None


def as_dict(verdict: BounceVerdict) -> dict[str, Any]:
    """The verdict as `cxtools classify` prints it: codes spelled "550 5.1.1"."""
    fields = {name: getattr(verdict, name) for name in BounceVerdict.__slots__}
    return {**fields, "codes": str(verdict.codes)}


@cache
def standard_judge() -> Judge:
    """The judge with the rules that ship, made at the first question."""
    return Judge(standard_rules())


def judge(rules: str, where: str = "own rules") -> Judge:
    """
    A judge with a user's rules (the text of a TOML file, *where* for messages) before, or in the
    place of, those that ship.

    Raises:
        ConfigError: the text is not TOML, or a rule can't be used; the message says which, and what
            to write instead.

    >>> own = 'rule = [{id = "acme", category = "policy_block", phrases = ["acme shield"]}]'
    >>> judge(own).classify("550", "user unknown, says the ACME Shield").rule
    'acme'
    """
    own = Judge(merge_rules(rules, where))
    for rule in own.book.rules:
        if rule.example and rule not in standard_rules():
            _check_example(rule, own, where)
    return own


def _check_example(rule: Rule, judge: Judge, where: str) -> None:
    """Refuse a rule whose own example, under a code that it asks for, doesn't reach it."""
    numbers = [code for code in rule.codes if code not in NAMES["providers"]]
    code = numbers[0] if numbers else ""
    code = f"{code}50" if len(code) == 1 else code.replace("x", "5")
    text = " ".join([rule.example, *rule.codes[:1]])
    winner = judge.classify(code, text).rule
    if winner != rule.id:
        raise ConfigError(
            f"its example doesn't reach it, but {winner!r}",
            where=f"{where}, rule {rule.id}",
            do=f"correct the example or the phrases, or write outranks = [{winner!r}]",
        )


def classify(code: str, text: str, bounce_class: str = "") -> BounceVerdict:
    """
    The verdict on one bounce; never raises.

    *code* may be "5.1.1", "550", "550 5.1.1", "smtp; 550-5.1.1 …", "(#5.1.1)", empty or garbage;
    *text* is what the server said; *bounce_class* what the sending platform calls it
    ("ses: Permanent General", "hard bounce"), which is asked last.

    >>> verdict = classify("550", "5.1.1 <ann@example.com>: there is no such user here")
    >>> verdict.category, verdict.kind, verdict.suppress, verdict.rule
    ('invalid_recipient', 'hard', 'now', 'recipient_unknown')
    >>> classify("550 5.1.1", "Blocked using zen.spamhaus.org, user unknown").suppress
    'never'
    >>> classify("", "").kind, classify("banana", "").kind
    ('undetermined', 'undetermined')
    >>> classify("", "", "hard bounce").kind, classify("", "mailbox full", "hard bounce").kind
    ('hard', 'soft')
    """
    return standard_judge().classify(code, text, bounce_class)


def explain(code: str, text: str, bounce_class: str = "") -> dict[str, Any]:
    """
    The verdict as a dict, with `matches`: all that had something to say, the winner first.

    >>> matches = explain("550 5.1.1", "mailbox full")["matches"]
    >>> [(match["rule"], match["matched"]) for match in matches]
    [('mailbox_quota', 'mailbox full'), ('code:x.1.1', 'x.1.1')]
    """
    return standard_judge().explain(code, text, bounce_class)
