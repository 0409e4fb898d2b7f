"""
The judge: code and text of a bounce become a verdict.

What is asked, in this order: rules that read the text (sender's side first), the code if it can be
trusted (the provider's own meaning before the registry's), weak rules that read the text, any other
code, the class digit.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

from cxtools.bounce import codes as table
from cxtools.bounce.codes import Codes
from cxtools.bounce.policy import (
    CATEGORIES,
    SENDERS_SIDE,
    WHEN_HELD_BACK,
    Category,
    Objection,
    objection,
    treatment,
)
from cxtools.bounce.reason import NAMES, masked, reason, spoken, unquoted, words
from cxtools.bounce.rules import Rule, Rulebook, merged, standard_rules
from cxtools.bounce.verdict import BounceVerdict
from cxtools.errors import ConfigError

#: Verdicts that are remembered, and the longest code and text worth remembering: together an exact
#: bound on memory.
REMEMBERED, LONGEST_REMEMBERED = 16_384, 1_000
LONGEST_CODE = 100
# How sure a code makes us, by how far it is trusted.
SURE_ENOUGH = 0.5
CONFIDENCE = {"high": 0.85, "medium": 0.65, "low": 0.4}

_PROVIDER_OF, _BLOCKLIST_OF = (
    {word: name for name, known in NAMES[kind].items() for word in known.split()}
    for kind in ("providers", "blocklists")
)
_WAIT = re.compile(
    r"(?i)\b(?:in|after|for|wait|within|next)\s+(?:about |another |at least )?(\d{1,6})\s*(s|sec|second|m|min|minute|h|hour|d|day)s?\b"
)
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Match:
    """
    One rule or code that had something to say: its id, its category, the words or code it went by,
    whether it won.
    """

    rule: str
    category: Category
    matched: str
    confidence: float
    won: bool = False


class HeldBack(NamedTuple):
    """Why a verdict is not hard though its category is: the rule or word that speaks against it."""

    by: str
    objection: Objection


NOTHING = Match("none", "unknown", "", 0.0)


class Judge:
    """
    Rules plus two memories of bounded size: texts as they come, and masked texts, so that one cause
    is judged once.

    Threads may share one; `cxtools.bounce.classify` is the judge with the rules that ship.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.book, self.doubts = Rulebook(rules), Rulebook(standard_rules("doubt"))
        self._by_text = lru_cache(REMEMBERED)(self._classified)
        self._by_cause = lru_cache(REMEMBERED)(self._judged)
        self.causes = self._by_cause.cache_info

    def classify(self, code: str, text: str) -> BounceVerdict:
        """The verdict on one bounce; see `cxtools.bounce.classify`."""
        return (self._by_text if len(code) + len(text) <= LONGEST_REMEMBERED else self._classified)(
            code, text
        )

    def _classified(self, code: str, text: str) -> BounceVerdict:
        text = text or code  # some feeds put the whole reply into the code
        code, line = code[:LONGEST_CODE], masked(text)
        verdict = (self._by_cause if len(line) <= LONGEST_REMEMBERED else self._judged)(code, line)
        if (
            verdict.retry in ("now", "later")
            and "<n>" in line
            and (wait := _WAIT.search(text[:LONGEST_REMEMBERED]))
        ):
            return replace(verdict, retry_after_s=int(wait[1]) * SECONDS[wait[2][0].lower()])
        return verdict

    def explain(self, code: str, text: str) -> dict[str, Any]:
        """
        The verdict as a dict, with `matches`: every rule and code that had something to say, in the
        order of their rank.
        """
        line = masked(text or code)
        said = words(spoken(line))
        codes = table.parsed(code[:LONGEST_CODE], line)
        found = self._matches(codes, said, _provider(said, codes))
        return as_dict(self.classify(code, text)) | {
            "matches": [asdict(replace(match, won=rank == 0)) for rank, match in enumerate(found)]
        }

    def _judged(self, code: str, line: str) -> BounceVerdict:
        codes, said_text = table.parsed(code, line), spoken(line)
        said = words(said_text)
        provider = _provider(said, codes)
        matches = self._matches(codes, said, provider)
        match = next(matches, NOTHING)
        treated = treatment(match.category, codes.digit)
        held_back: HeldBack | None = None
        if treated.kind == "hard":
            # What stands in a subject, a quotation or the path of a URL isn't the server's own
            # word.
            own = unquoted(line)
            if own != line and (other := self._judged(code, own)).kind != "hard":
                return replace(
                    other, reason=reason(said_text), held_back_by=other.held_back_by or "quotation"
                )
            held_back = self._held_back(match, matches, said, codes)
            if held_back:
                treated = WHEN_HELD_BACK[held_back.objection]
        listed = (
            _named(said, _BLOCKLIST_OF)
            if match.category in ("reputation_block", "content_rejected")
            else ""
        )
        return BounceVerdict(
            match.category,
            *treated,
            confidence=match.confidence,
            rule=match.rule,
            codes=codes,
            provider=provider,
            blocklist=listed,
            reason=reason(said_text),
            held_back_by=held_back.by if held_back else "",
        )

    def _held_back(
        self, match: Match, others: Iterator[Match], said: list[str], codes: Codes
    ) -> HeldBack | None:
        """What speaks against a hard verdict; None when nothing does."""
        if codes.digit == "2":
            return HeldBack("class 2", "weak_proof")
        if match.confidence < SURE_ENOUGH:
            return HeldBack("confidence", "weak_proof")
        for other in others:
            bare_code = (
                match.rule.startswith("code:") and CATEGORIES[other.category].kind == "undetermined"
            )
            if bare_code or (other.category in SENDERS_SIDE and not other.rule.startswith("code:")):
                return HeldBack(other.rule, objection(other.category))
        doubt = next(self.doubts.matches(said, codes), None)
        if doubt is None:
            return None
        rule, _ = doubt
        return HeldBack(rule.id, "senders_side")

    def _matches(self, codes: Codes, said: list[str], provider: str) -> Iterator[Match]:
        """Everything that has something to say, best first."""
        weak: list[Match] = []
        seen: set[str] = set()
        for rule, matched in self.book.matches(said, codes, provider):
            match = Match(rule.id, rule.category, matched, rule.confidence)
            if rule.weak:
                weak.append(match)
            elif rule.id not in seen:
                seen.add(rule.id)
                yield match
        meaning = table.meaning(codes, provider)
        trusted = meaning is not None and meaning.trust != "low"
        by_code = list[Match]()
        if meaning and meaning.category != "unknown":
            by_code = [
                Match(
                    meaning.rule,
                    cast(Category, meaning.category),
                    meaning.code,
                    CONFIDENCE[meaning.trust],
                )
            ]
        yield from by_code + weak if trusted else weak + by_code


def _named(said: list[str], names: dict[str, str]) -> str:
    """The first of *names* that is said, or ""."""
    for word in said:
        if word in names:
            return names[word]
    return ""


def _provider(said: list[str], codes: Codes) -> str:
    """Who said it; three digits at the end of an enhanced code are Microsoft's alone."""
    return _named(said, _PROVIDER_OF) or ("microsoft" if codes.enhanced[-3:].isdecimal() else "")


def as_dict(verdict: BounceVerdict) -> dict[str, Any]:
    """The verdict as `cxtools classify` prints it: codes spelled "550 5.1.1"."""
    fields = {name: getattr(verdict, name) for name in BounceVerdict.__slots__}
    return fields | {"codes": f"{verdict.codes.reply} {verdict.codes.enhanced}".strip()}


@cache
def standard_judge() -> Judge:
    """The judge with the rules that ship, made at the first question."""
    return Judge(standard_rules())


def judge(rules: str, where: str = "own rules") -> Judge:
    """
    A judge with a user's rules (the text of a TOML file, *where* for messages) before, or in the
    place of, those that ship.

    Raises:
        ConfigError: the text is no TOML or a rule is no rule; the message says which, and what to
        write instead.

    >>> own = 'rule = [{id = "acme", category = "policy_block", phrases = ["acme shield"]}]'
    >>> judge(own).classify("550", "user unknown, says the ACME Shield").rule
    'acme'
    """
    made = Judge(merged(rules, where))
    for rule in (rule for rule in made.book.rules if rule.example and rule not in standard_rules()):
        code = next((code for code in rule.codes if code not in NAMES["providers"]), "")
        code, text = (
            f"{code}50" if len(code) == 1 else code.replace("x", "5"),
            " ".join([rule.example, *rule.codes[:1]]),
        )
        if (won := made.classify(code, text).rule) != rule.id:
            do = f"correct the example or the phrases, or write outranks = [{won!r}]"
            raise ConfigError(
                f"its example doesn't reach it, but {won!r}",
                where=f"{where}, rule {rule.id}",
                do=do,
            )
    return made


def classify(code: str, text: str) -> BounceVerdict:
    """
    The verdict on one bounce; never raises.

    *code* may be "5.1.1", "550", "550 5.1.1", "smtp; 550-5.1.1 …", "(#5.1.1)", empty or garbage;
    *text* is what the server said.

    >>> verdict = classify("550", "5.1.1 <ann@example.com>: there is no such user here")
    >>> verdict.category, verdict.kind, verdict.suppress, verdict.rule
    ('invalid_recipient', 'hard', 'now', 'recipient_unknown')
    >>> classify("550 5.1.1", "Blocked using zen.spamhaus.org, user unknown").suppress
    'never'
    >>> classify("", "").kind, classify("banana", "").kind
    ('undetermined', 'undetermined')
    """
    return standard_judge().classify(code, text)


def explain(code: str, text: str) -> dict[str, Any]:
    """
    The verdict as a dict, with `matches`: all that had something to say, the winner first.

    >>> [(match["rule"], match["matched"]) for match in explain("550 5.1.1", "mailbox full")["matches"]]
    [('mailbox_quota', 'mailbox full'), ('code:x.1.1', 'x.1.1')]
    """
    return standard_judge().explain(code, text)


def classify_lines(
    lines: Iterable[str],
    *,
    judge: Judge | None = None,
    explain: bool = False,
    counts: Counter[str] | None = None,
) -> Iterator[str]:
    """
    One JSON verdict per JSON line {"code": …, "text": …}, in order, a line at a time.

    A bad line is answered with {"error": …, "line": number}; *counts* is told of both under
    "judged" and "bad".

    >>> tally = Counter()
    >>> [json.loads(line).get("category", "bad") for line in classify_lines(['{"code": 550, "text": "mailbox full"}', "[1"], counts=tally)]
    ['mailbox_full', 'bad']
    >>> tally["judged"], tally["bad"]
    (1, 1)
    """
    judge, counts = judge or standard_judge(), Counter[str]() if counts is None else counts
    for number, line in enumerate(lines, 1):
        try:
            code, text = _asked(line)
        except ValueError as problem:
            counts["bad"] += 1
            yield json.dumps({"error": str(problem), "line": number})
            continue
        counts["judged"] += 1
        yield json.dumps(
            judge.explain(code, text) if explain else as_dict(judge.classify(code, text))
        )


def _asked(line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("no JSON: write one object per line") from None
    if not isinstance(row, dict) or not {"code", "text"} & row.keys():
        raise ValueError('no {"code": …, "text": …}')
    code, text = (row.get(name) for name in ("code", "text"))
    if any(isinstance(value, dict | list | bool) for value in (code, text)):
        raise ValueError("code and text must be texts")
    return "" if code is None else str(code), "" if text is None else str(text)
