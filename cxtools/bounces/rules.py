"""
Rules that read a bounce's text: `rules.toml` is the table, in the order in which it is asked; the first match wins.

A phrase is not a regular expression but words in a row, so that a postmaster can read and write it and no phrase can
run away on hostile input:

    mailbox full            these words, side by side (case, accents and punctuation don't count; "can't" is "can not")
    block* using            a word that begins so
    . user .. unknown       up to six words between, within one sentence; a "." where one begins or ends
    (over|exceeds) quota    one or the other; (the)? and the? may be missing
    {recipient} unknown     the words of `[groups]` at the head of the file

Own matcher, since several hundred regular expressions in a row judge 2,000 texts a second: each phrase is filed under
its two rarest words, so a text only meets the few phrases of which it has both.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from cxtools.bounces.codes import Codes
from cxtools.bounces.reason import words
from cxtools.bounces.verdict import CATEGORIES, Category
from cxtools.errors import ConfigError

# Words that say little: a phrase is filed under one of them only when it has no other.
COMMON = frozenset(
    """a account address and are been can client connection could delivered delivery denied does domain email error exist failed for found
    from has have host in invalid ip is mail mailbox message messages name no not of on or recipient rejected said sender sending sent
    server service smtp so such that the this to unable unknown url user was with your you""".split()  # noqa: SIM905
)
STEM_LETTERS = 4
_TOKENS = re.compile(r"\(|\)\??|\||[^\s()|]+")
_GROUP = re.compile(r"(?P<alone>(?<=[(|])\{(?:\w+)\}(?=[|)]))|\{\w+\}")
FIELDS = {"id", "category", "phrases", "example", "source", "codes", "outranks", "weak", "confidence", "off"}


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One cause. `codes` limits it to bounces with one of these codes ("5", "550", "5.4.1", "x.7.1", or a provider's name);
    `weak` rules are asked only when the code can't be trusted; `outranks` names rules that its example would reach too.
    """

    id: str
    category: Category
    phrases: tuple[str, ...]
    example: str
    source: str = ""
    codes: tuple[str, ...] = ()
    outranks: tuple[str, ...] = ()
    weak: bool = False
    confidence: float = 0.95

    def applies(self, codes: Codes, provider: str) -> bool:
        said = (codes.digit, codes.reply, codes.enhanced, "x" + codes.enhanced[1:], provider)
        return any(code in said for code in self.codes)


class Rulebook:
    """The rules in their order, filed for fast asking. Immutable once made, so threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        pairs = [(rule, phrase) for rule in self.rules for phrase in rule.phrases]
        # Bit n of a word: it can fill the rarest place of phrase n; bit n + len(pairs): it can fill the second rarest.
        self._words: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        for number, (rule, phrase) in enumerate(pairs):
            for shift, place in zip((0, len(pairs)), _rarest(phrase, rule.id), strict=True):
                for word in place:
                    filed, key = (self._stems, word[:STEM_LETTERS]) if word.endswith("*") else (self._words, word)
                    filed[key] = filed.get(key, 0) | 1 << number + shift
        self._patterns = [(rule, re.compile(" " + _pattern(phrase))) for rule, phrase in pairs]

    def matches(self, said: list[str], codes: Codes, provider: str = "") -> Iterator[tuple[Rule, str]]:
        """The rules that match, best first, each with the words that it matched."""
        bits, line, by_word, by_stem = 0, f" . {' '.join(said)} . ", self._words, self._stems
        for word in {*said, "."}:
            if word in by_word:
                bits |= by_word[word]
            if word[:STEM_LETTERS] in by_stem:
                bits |= by_stem[word[:STEM_LETTERS]]
        asked = bits & bits >> len(self._patterns)
        while asked:
            lowest = asked & -asked
            asked ^= lowest
            rule, pattern = self._patterns[lowest.bit_length() - 1]
            if (found := pattern.search(line)) and (not rule.codes or rule.applies(codes, provider)):
                yield rule, found.group().strip()


@cache
def standard_rules() -> tuple[Rule, ...]:
    """The rules that ship with cxtools."""
    return tuple(_rule(row, "rules.toml") for row in _table()["rule"])


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "rules.toml").read_text("utf-8"))


def merged(rows: Iterable[Mapping[str, Any]], where: str) -> tuple[Rule, ...]:
    """
    The standard rules with a user's rows: a known id replaces its rule in place (`off = true` removes it), a new one
    goes before the first rule that it outranks, or before all.

    >>> own = {"id": "acme", "category": "policy_block", "phrases": ["acme shield"], "example": "ACME shield says no"}
    >>> merged([own], "my.toml")[0].id
    'acme'
    """
    rules = list(standard_rules())
    for row in rows:
        ids = [rule.id for rule in rules]
        if (name := row.get("id")) in ids:
            rules[ids.index(name) : ids.index(name) + 1] = [] if row.get("off") else [_rule(row, where)]
        else:
            rule = _rule(row, where)
            rules.insert(min((ids.index(lower) for lower in rule.outranks if lower in ids), default=0), rule)
    return tuple(rules)


def rows_of(text: str, where: str) -> list[dict[str, Any]]:
    """
    The `[[rule]]` rows of a user's TOML text.

    Raises:
        ConfigError: it is no TOML, or holds something else.
    """
    try:
        rows = tomllib.loads(text).get("rule", [])
    except tomllib.TOMLDecodeError as problem:
        do = "write [[rule]] tables as in cxtools/bounces/rules.toml"
        raise ConfigError(f"the rules can't be read: {problem}", where=where, do=do) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError("`rule` is no list of tables", where=where, do="begin each rule with [[rule]]")
    return rows


def _rule(row: Mapping[str, Any], where: str) -> Rule:
    place = f"{where}, rule {row.get('id', '?')}"
    if odd := set(row) - FIELDS:
        raise ConfigError(f"unknown fields {', '.join(sorted(odd))}", where=place, do=f"use {', '.join(sorted(FIELDS))}")
    if row.get("category") not in CATEGORIES:
        raise ConfigError(f"{row.get('category')!r} is no category", where=place, do=f"use one of {', '.join(CATEGORIES)}")
    lists = {name: row.get(name, []) for name in ("phrases", "codes", "outranks")}
    sound = all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in lists.values())
    if not (isinstance(row.get("id"), str) and sound and lists["phrases"]):
        raise ConfigError("id, phrases, codes or outranks are missing or no texts", where=place, do="give an id and a list of phrases")
    return Rule(
        id=str(row["id"]), category=cast(Category, row["category"]), example=str(row.get("example", "")), source=str(row.get("source", "")),
        weak=bool(row.get("weak")), confidence=float(row.get("confidence", 0.5 if row.get("weak") else 0.95)),
        **{name: tuple(each) for name, each in lists.items()},
    )


def _units(phrase: str) -> list[str]:
    """A phrase's tokens, groups filled in; words folded like the texts they are compared with."""
    units: list[str] = []
    for token in _TOKENS.findall(_GROUP.sub(_group, phrase)):
        if token in ("(", ")", ")?", "|", "..", "."):
            units.append(token)
            continue
        mark = token[-1] if token[-1] in "*?" else ""
        folded = words(token.rstrip("*?"))
        units += [*folded[:-1], folded[-1] + mark] if folded else []
    return units


def _group(found: re.Match[str]) -> str:
    groups, name = _table()["groups"], found.group().strip("{}")
    if name not in groups:
        raise ConfigError(f"there is no group {name!r}", where=f"phrase {found.string!r}", do=f"use one of {', '.join(groups)}")
    return str(groups[name] if found["alone"] else f"({groups[name]})")


def _pattern(phrase: str) -> str:
    """
    >>> _pattern("block* (using|by) .. list?")
    'block\\\\S* (?:using |by )(?:[^\\\\s.]\\\\S* ){0,6}?(?:list )?'
    """
    special = {"(": "(?:", ")": ")", ")?": ")?", "|": "|", "..": r"(?:[^\s.]\S* ){0,6}?"}
    return "".join(special.get(unit) or _word_pattern(unit) for unit in _units(phrase))


def _word_pattern(unit: str) -> str:
    stem = re.escape(unit.rstrip("*?"))
    return {"*": rf"{stem}\S* ", "?": f"(?:{stem} )?"}.get(unit[-1], f"{stem} ")


def _rarest(phrase: str, rule_id: str) -> tuple[set[str], set[str]]:
    """The filing words of a phrase: of its places that must be filled, the two rarest, each with the words that can fill it."""
    units = _units(phrase)
    if units.count("(") != units.count(")") + units.count(")?"):
        raise ConfigError(f"the brackets of the phrase {phrase!r} don't close", where=f"rule {rule_id}", do="close each ( with a )")
    places = [_fillings(place) for place in _places(units)]
    usable = [place for place in places if place and all(map(_fileable, place))]
    if not usable:
        do = f"add a whole word, or {STEM_LETTERS} letters before a *"
        raise ConfigError(f"the phrase {phrase!r} has no word that must occur", where=f"rule {rule_id}", do=do)
    ranked = sorted(usable, key=lambda place: (not place & COMMON, min(map(len, place))), reverse=True)
    return ranked[0], ranked[min(1, len(ranked) - 1)]


def _places(units: list[str]) -> Iterator[list[str]]:
    """The places of a phrase that must be filled: a word, or a group as its tokens (nested groups flattened by `_fillings`)."""
    depth, group = 0, list[str]()
    for unit in units:
        depth += (unit == "(") - (unit in (")", ")?"))
        group.append(unit)
        if depth == 0:
            if group[-1] not in (")?", "..") and not group[-1].endswith("?"):
                yield group[1:-1] if group[0] == "(" else group
            group = []


def _fillings(group: list[str]) -> set[str]:
    """Of each alternative of a group one word, the longest that must occur; empty when an alternative has none."""
    alternatives, depth = [list[str]()], 0
    for unit in group:
        depth += (unit == "(") - (unit in (")", ")?"))
        if unit == "|" and depth == 0:
            alternatives.append([])
        elif depth == 0 and unit not in (")", ")?", "..") and not unit.endswith("?"):
            alternatives[-1].append(unit)
    if not all(alternatives):
        return set()
    return {max(one, key=lambda word: (_fileable(word), word not in COMMON, len(word))) for one in alternatives}


def _fileable(word: str) -> bool:
    return not word.endswith("*") or len(word) > STEM_LETTERS
