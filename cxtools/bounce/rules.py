"""
Rules that read a bounce's text: `rules.toml` is the table, in the order in which it is asked; the
first match wins.

A phrase is not a regular expression but words in a row, so that a postmaster can read and write it
and no phrase can
run away on hostile input:

    mailbox full            these words, side by side (case, accents and punctuation don't count;
                            "can't" is "can not")
    block* using            a word that begins so
    . user .. unknown       up to six words between, within one sentence; a "." where one begins or
                            ends
    (over|exceeds) quota    one or the other; (the)? and the? may be missing
    {recipient} unknown     the words of `[groups]` at the head of the file

Own matcher, since several hundred regular expressions in a row judge 2,000 texts a second: each
phrase is filed under its two rarest words, so a text only meets the few phrases of which it has
both.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, ValidationError
from pydantic.dataclasses import dataclass

from cxtools.bounce.codes import Codes
from cxtools.bounce.policy import Category
from cxtools.bounce.reason import NAMES, masked, spoken, words
from cxtools.errors import ConfigError

TABLE: dict[str, Any] = tomllib.loads((files(__package__) / "rules.toml").read_text("utf-8"))
# Words that say little: a phrase is filed under one of them only when it has no other.
COMMON = frozenset(NAMES["common"].split())
STEM_LETTERS = 4
_TOKENS = re.compile(r"\(|\)\??|\||[^\s()|]+")
_GROUP = re.compile(r"(?P<alone>(?<=[(|])\{(?:\w+)\}(?=[|)]))|\{\w+\}")
# A text of 3,000 characters is read in a moment while a phrase can be read in no more ways than
# this, from one place on.
MOST_WAYS = 5_000


def _phrase(phrase: str) -> str:
    """The phrase, if it can match what is read and no text can make it slow."""
    units = _units(phrase)
    depths = [0, *accumulate((unit == "(") - (unit in (")", ")?")) for unit in units)]
    if min(depths) < 0 or depths[-1]:
        raise ValueError(f"the brackets of {phrase!r} don't close; close each ( with a )")
    for token in _TOKENS.findall(_GROUP.sub("", phrase)):
        bare = token.strip("*?")  # numbers are heard inside of codes such as OFR_104
        if not bare.isdecimal() and all(
            words(spoken(masked(form))) != words(bare) for form in (bare, bare.upper())
        ):
            raise ValueError(
                f"{bare!r} is masked before a rule reads it: write xip, xhost, xaddress, n or id, and codes in `codes`"
            )
    _rarest(phrase)
    if 7 ** units.count("..") * 2 ** sum(unit[-1] in ")?" for unit in units) > MOST_WAYS:
        raise ValueError(
            f"{phrase!r} can be read in too many ways; use three .. at most, fewer (brackets), or two phrases"
        )
    return phrase


def _code(code: str) -> str:
    if (
        not re.fullmatch(r"(?:[245](?:\d\d)?|[245x][.]\d{1,3}[.]\d{1,3})?", code)
        and code not in NAMES["providers"]
    ):
        raise ValueError(
            f'write codes such as "5", "550", "5.7.1", "x.7.1", or one of {", ".join(NAMES["providers"])}'
        )
    return code


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Rule:
    """
    One cause. `codes` limits it to bounces with one of these codes ("5", "550", "5.4.1", "x.7.1", a
    provider's name, "" = no code); `weak` rules are asked only when the code can't be trusted;
    `outranks` names rules that its example would reach too.
    """

    id: Annotated[str, Field(min_length=1)]
    category: Category
    phrases: Annotated[tuple[Annotated[str, AfterValidator(_phrase)], ...], Field(min_length=1)]
    example: str = ""
    source: str = ""
    codes: tuple[Annotated[str, AfterValidator(_code)], ...] = ()
    outranks: tuple[str, ...] = ()
    weak: StrictBool = False
    confidence: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.95


class Rulebook:
    """
    The rules in their order, filed for fast asking. Immutable once made, so threads may share it.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        pairs = [(rule, phrase) for rule in self.rules for phrase in rule.phrases]
        # Bit n of a word: it can fill the rarest place of phrase n; bit n + len(pairs): it can fill
        # the second rarest.
        self._words: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        for number, (_, phrase) in enumerate(pairs):
            for shift, place in zip((0, len(pairs)), _rarest(phrase), strict=True):
                for word in place:
                    filed, key = (
                        (self._stems, word[:STEM_LETTERS])
                        if word.endswith("*")
                        else (self._words, word)
                    )
                    filed[key] = filed.get(key, 0) | 1 << number + shift
        self._patterns = [(rule, re.compile(" " + _pattern(phrase))) for rule, phrase in pairs]

    def matches(
        self, said: list[str], codes: Codes, provider: str = ""
    ) -> Iterator[tuple[Rule, str]]:
        """The rules that match, best first, each with the words that it matched."""
        told = {
            codes.digit,
            *filter(
                None,
                (
                    codes.reply,
                    codes.enhanced,
                    codes.enhanced and "x" + codes.enhanced[1:],
                    provider,
                ),
            ),
        }
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
            if (found := pattern.search(line)) and not (rule.codes and told.isdisjoint(rule.codes)):
                yield rule, found.group().strip()


@cache
def standard_rules(kind: str = "rule") -> tuple[Rule, ...]:
    """
    The rules that ship; of the kind "doubt" those that hold a hard verdict back, though no category
    can be told from them.
    """
    return tuple(_rule({"category": "unknown"} | row, "rules.toml") for row in TABLE[kind])


def merged(text: str, where: str) -> tuple[Rule, ...]:
    """
    The standard rules with those of a user's TOML text: a known id replaces its rule in place (`off
    = true` removes it), a new one goes before the first rule that it outranks, or before all.

    Raises:
        ConfigError: it is no TOML, or a rule is no rule.

    >>> merged('rule = [{id = "acme", category = "policy_block", phrases = ["acme shield"]}]', "my.toml")[0].id
    'acme'
    """
    try:
        rows = tomllib.loads(text).get("rule", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("`rule` is no list of tables")
    except ValueError as problem:
        raise ConfigError(
            f"the rules can't be read: {problem}",
            where=where,
            do="begin each rule with [[rule]], as in README.md",
        ) from None
    rules = list(standard_rules())
    for row in rows:
        ids = [rule.id for rule in rules]
        if (name := row.get("id")) in ids or row.get("off"):
            place = ids.index(name) if name in ids else _no_rule(name, ids, where)
            rules[place : place + 1] = [] if row.get("off") is True else [_rule(row, where)]
        else:
            rule = _rule(row, where)
            rules.insert(
                min((ids.index(lower) for lower in rule.outranks if lower in ids), default=0), rule
            )
    known = {rule.id for rule in (*rules, *standard_rules())}
    for lower in {lower for rule in rules for lower in rule.outranks} - known:
        _no_rule(lower, known, where)
    return tuple(rules)


def _no_rule(name: object, known: Iterable[str], where: str) -> NoReturn:
    near = get_close_matches(str(name), known, 1)
    raise ConfigError(
        f"there is no rule {name!r}",
        where=where,
        do=f"write {near[0]!r}" if near else "name one of rules.toml",
    )


def _rule(row: Mapping[str, Any], where: str) -> Rule:
    try:
        return Rule(**{"confidence": 0.5 if row.get("weak") is True else 0.95, **row})
    except ValidationError as problem:
        first = max(
            problem.errors(), key=lambda error: error["type"] == "unexpected_keyword_argument"
        )
        name, place = str(first["loc"][0]), f"{where}, rule {row.get('id', '?')}"
        raise ConfigError(
            f"{name} = {row.get(name)!r} can't be used",
            where=place,
            do=first["msg"].removeprefix("Value error, "),
        ) from None


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
    groups, name = TABLE["groups"], found.group().strip("{}")
    if name not in groups:
        raise ValueError(f"there is no group {name!r}; use one of {', '.join(groups)}")
    filled = _GROUP.sub(_group, groups[name])
    return filled if found["alone"] else f"({filled})"


def _pattern(phrase: str) -> str:
    """
    >>> _pattern("block* (using|by) .. list?")
    'block\\\\S* (?:using |by )(?:[^\\\\s.]\\\\S* ){0,6}?(?:list )?'
    """
    ends = {"*": r"{}\S* ", "?": "(?:{} )?"}
    special = {"(": "(?:", ")": ")", ")?": ")?", "|": "|", "..": r"(?:[^\s.]\S* ){0,6}?"}
    return "".join(
        special.get(unit) or ends.get(unit[-1], "{} ").format(re.escape(unit.rstrip("*?")))
        for unit in _units(phrase)
    )


def _rarest(phrase: str) -> tuple[set[str], set[str]]:
    """
    The filing words of a phrase: of its places that must be filled, the two rarest, each with the
    words that can fill it.
    """
    usable = [
        place
        for place in map(_fillings, filter(_must, _places(_units(phrase))))
        if place and all(map(_fileable, place))
    ]
    if not usable:
        raise ValueError(
            f"{phrase!r} has no word that must occur; add a whole word, or {STEM_LETTERS} letters before a *"
        )
    ranked = sorted(
        usable, key=lambda place: (not place & COMMON, min(map(len, place))), reverse=True
    )
    return ranked[0], ranked[min(1, len(ranked) - 1)]


def _places(units: list[str]) -> Iterator[list[str]]:
    """The places of a phrase: a word, or a group with its brackets."""
    depth, place = 0, list[str]()
    for unit in units:
        depth += (unit == "(") - (unit in (")", ")?"))
        place.append(unit)
        if depth == 0:
            yield place
            place = []


def _must(place: list[str]) -> bool:
    return place[-1] != ".." and place[-1][-1] != "?"


def _fillings(place: list[str]) -> set[str]:
    """
    Of each alternative of a place one word, the longest that must occur; empty when an alternative
    has none.
    """
    alternatives = [list[str]()]
    for inner in _places(place[1:-1] or place):
        if inner == ["|"]:
            alternatives.append([])
        elif len(inner) == 1 and _must(inner):
            alternatives[-1] += inner
    if not all(alternatives):
        return set()
    return {
        max(one, key=lambda word: (_fileable(word), word not in COMMON, len(word)))
        for one in alternatives
    }


def _fileable(word: str) -> bool:
    return not word.endswith("*") or len(word) > STEM_LETTERS
