"""
The judge: code and text of a bounce become a verdict.

What is asked, in this order: rules that read the text (sender's side first), the code if it can be trusted (the
provider's own meaning before the registry's), weak rules that read the text, any other code, the class digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from cxtools.bounces import codes as table
from cxtools.bounces.codes import Codes, Meaning
from cxtools.bounces.reason import masked, reason, spoken, words
from cxtools.bounces.rules import Rule, Rulebook, load_rows, merged, standard_rules
from cxtools.bounces.verdict import Category, Verdict, treatment

#: Verdicts that are remembered, and the longest code and text worth remembering: together an exact bound on memory.
REMEMBERED, LONGEST_REMEMBERED = 16_384, 1_000
LONGEST_CODE = 100
# How sure a code makes us, by how far it is trusted.
SURE_ENOUGH = 0.5
CONFIDENCE = {"high": 0.85, "medium": 0.65, "low": 0.4}

# Words by which a provider is known, as they stand in its hosts, links and diagnostics.
PROVIDERS = {
    word: provider for provider, known in {
        "google": "gsmtp google gmail googlemail", "microsoft": "outlook hotmail office365 resolver storedrv microsoft",
        "yahoo": "yahoo yahoodns yahooinc aol verizonmedia oath", "apple": "icloud apple", "comcast": "comcast", "cox": "cox", "att": "att sbcglobal bellsouth",
        "spectrum": "charter spectrum twc", "gmx": "gmx nemesis kundenserver ionos 1und1 1and1", "t-online": "online tosa", "orange": "orange wanadoo ofr",
        "laposte": "laposte lpn", "mimecast": "mimecast", "proofpoint": "pphosted proofpoint ppe", "barracuda": "barracudanetworks barracudacentral",
        "cisco": "iphmx ironport", "symantec": "messagelabs symanteccloud", "zoho": "zoho", "qq": "qq", "netease": "163 126 netease", "yandex": "yandex",
        "mail.ru": "notspam mailru", "godaddy": "secureserver",
    }.items() for word in known.split()
}
BLOCKLISTS = {
    "spamhaus": "spamhaus zen sbl xbl pbl drop", "spamcop": "spamcop", "barracuda": "barracudacentral barracuda", "sorbs": "sorbs", "uceprotect": "uceprotect",
    "spamrats": "spamrats", "surbl": "surbl", "uribl": "uribl", "abusix": "abusix", "mailspike": "mailspike", "invaluement": "invaluement ivmsip ivmuri",
    "cloudmark": "cloudmark", "proofpoint": "proofpoint", "nixspam": "nixspam manitu", "psbl": "psbl surriel", "hostkarma": "hostkarma junkemailfilter",
    "backscatterer": "backscatterer", "senderscore": "senderscore", "talos": "senderbase talosintelligence", "trendmicro": "ers trendmicro",
}
LISTS = {word: name for name, known in BLOCKLISTS.items() for word in known.split()}
_WAIT = re.compile(r"(?i)\b(?:in|after|for|wait|within|next)\s+(?:about |another |at least )?(\d{1,6})\s*(s|sec|second|m|min|minute|h|hour|d|day)s?\b")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Match:
    """One rule or code that had something to say: its id, its category, the words or code it went by, whether it won."""

    rule: str
    category: Category
    matched: str
    confidence: float
    won: bool = False


class Judge:
    """Rules plus a memory of bounded size. Threads may share one; `classify` is the judge with the rules that ship."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.book = Rulebook(rules)
        self._remembered = lru_cache(REMEMBERED)(self._judged)

    def classify(self, code: str, text: str) -> Verdict:
        """The verdict on one bounce; see `cxtools.bounces.classify`."""
        text = text or code  # some feeds put the whole reply into the code
        code, line = code[:LONGEST_CODE], masked(text)
        verdict = (self._remembered if len(line) <= LONGEST_REMEMBERED else self._judged)(code, line)
        if verdict.retry in ("now", "later") and "<n>" in line and (wait := _WAIT.search(text[:LONGEST_REMEMBERED])):
            return replace(verdict, retry_after_s=int(wait[1]) * SECONDS[wait[2][0].lower()])
        return verdict

    def explain(self, code: str, text: str) -> dict[str, Any]:
        """The verdict as a dict, with `matches`: every rule and code that had something to say, in the order of their rank."""
        found = list(self._matches(*_read(code[:LONGEST_CODE], masked(text or code))))
        return {**as_dict(self.classify(code, text)), "matches": [asdict(replace(match, won=number == 0)) for number, match in enumerate(found)]}

    def _judged(self, code: str, line: str) -> Verdict:
        codes, said, provider = _read(code, line)
        match = next(self._matches(codes, said, provider), Match("none", "unknown", "", 0.0))
        treated = treatment(match.category, codes.digit)
        if treated.suppress == "now" and match.confidence < SURE_ENOUGH:  # what is only guessed never costs a recipient at once
            treated = treated._replace(kind="undetermined", suppress="after_n")
        listed = _blocklist(said) if match.category in ("reputation_block", "content_rejected") else ""
        return Verdict(match.category, *treated, confidence=match.confidence, rule=match.rule, codes=codes,
                       provider=provider, blocklist=listed, reason=reason(spoken(line)))

    def _matches(self, codes: Codes, said: list[str], provider: str) -> Iterator[Match]:
        """Everything that has something to say, best first."""
        meaning, weak, seen = table.meaning(codes, provider), list[Match](), set[str]()
        for rule, matched in self.book.matches(said, codes, provider):
            match = Match(rule.id, rule.category, matched, rule.confidence)
            if rule.weak:
                weak.append(match)
            elif rule.id not in seen:
                seen.add(rule.id)
                yield match
        trusted = meaning is not None and meaning.trust != "low"
        by_code = [_by_code(meaning)] if meaning and meaning.category != "unknown" else []
        yield from by_code + weak if trusted else weak + by_code


def _read(code: str, line: str) -> tuple[Codes, list[str], str]:
    said = words(spoken(line))
    return table.parsed(code, line), said, next((PROVIDERS[word] for word in said if word in PROVIDERS), "")


def _blocklist(said: list[str]) -> str:
    return next((LISTS[word] for word in said if word in LISTS), "")


def _by_code(meaning: Meaning) -> Match:
    return Match(meaning.rule, meaning.category, meaning.code, CONFIDENCE[meaning.trust])


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as `cxtools classify` prints it: codes spelled "550 5.1.1"."""
    return asdict(verdict) | {"codes": f"{verdict.codes.reply} {verdict.codes.enhanced}".strip()}


STANDARD = Judge(standard_rules())
