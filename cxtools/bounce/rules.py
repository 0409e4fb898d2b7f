"""
Rules that read a bounce's text: `rules.toml` is the table, in the order in which it is asked; the
first match wins. How a phrase is written stands in `phrases.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, ValidationError
from pydantic.dataclasses import dataclass

from cxtools.bounce.codes import Codes
from cxtools.bounce.index import PhraseIndex, rarest_places
from cxtools.bounce.phrases import TABLE, check, pattern
from cxtools.bounce.policy import Category
from cxtools.bounce.reason import NAMES
from cxtools.errors import ConfigError

#: How sure a rule is that doesn't say so itself.
CONFIDENCE = 0.95
WEAK_CONFIDENCE = 0.5
_CODE = re.compile(r"(?:[245](?:\d\d)?|[245x][.]\d{1,3}[.]\d{1,3})?")


def _check_phrase(phrase: str) -> str:
    check(phrase)
    rarest_places(phrase)
    return phrase


def _check_code(code: str) -> str:
    if _CODE.fullmatch(code) or code in NAMES["providers"]:
        return code
    providers = ", ".join(NAMES["providers"])
    raise ValueError(f'write codes such as "5", "550", "5.7.1", "x.7.1", or one of {providers}')


Phrase = Annotated[str, AfterValidator(_check_phrase)]
Code = Annotated[str, AfterValidator(_check_code)]
Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Rule:
    """
    One cause.

        id           its name, unique
        category     what the bounces that it matches are
        phrases      the texts that it matches
        example      a text that must reach it, in our own words
        source       where the fact comes from
        codes        only bounces with one of these are asked ("5", "550", "5.4.1", "x.7.1", a
                     provider's name, "" = no code); empty: all are
        outranks     ids of rules further down that its example would reach, too
        weak         asked only when the code can't be trusted
        confidence   share 0..1: how sure it is
    """

    id: Name
    category: Category
    phrases: Annotated[tuple[Phrase, ...], Field(min_length=1)]
    example: str = ""
    source: str = ""
    codes: tuple[Code, ...] = ()
    outranks: tuple[str, ...] = ()
    weak: StrictBool = False
    confidence: Share = CONFIDENCE


class Rulebook:
    """The rules in their order. Immutable once made, so threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        phrases: list[str] = []
        self._patterns: list[tuple[Rule, re.Pattern[str]]] = []
        for rule in self.rules:
            for phrase in rule.phrases:
                phrases.append(phrase)
                self._patterns.append((rule, re.compile(pattern(phrase))))
        self._index = PhraseIndex(phrases)

    def matches(
        self, text_words: list[str], codes: Codes, provider: str = ""
    ) -> Iterator[tuple[Rule, str]]:
        """The rules that match, best first, each with the words that it matched."""
        line = f" . {' '.join(text_words)} . "
        spellings = _spellings(codes, provider)
        for number in self._index.candidates(text_words):
            rule, phrase = self._patterns[number]
            if rule.codes and spellings.isdisjoint(rule.codes):
                continue
            match = phrase.search(line)
            if match:
                yield rule, match.group().strip()


def _spellings(codes: Codes, provider: str) -> set[str]:
    """All that a rule may ask for in its `codes`; "" when no code was given."""
    spellings = {codes.digit}
    if codes.reply:
        spellings.add(codes.reply)
    if codes.enhanced:
        spellings |= {codes.enhanced, codes.any_class}
    if provider:
        spellings.add(provider)
    return spellings


@cache
def standard_rules(kind: str = "rule") -> tuple[Rule, ...]:
    """
    The rules that ship; of the kind "doubt" those that hold a hard verdict back, though no category
    can be told from them.
    """
    rows = [{"category": "unknown", **row} for row in TABLE[kind]]
    return tuple(_rule(row, "rules.toml") for row in rows)


def merge_rules(text: str, where: str) -> tuple[Rule, ...]:
    """
    The standard rules with those of a user's TOML text (*where* it stands, for messages).

    A known id replaces its rule in place (`off = true` removes it), a new one goes before the first
    rule that it outranks, or before all.

    Raises:
        ConfigError: the text is not TOML, or a rule in it can't be used.

    >>> own = 'rule = [{id = "acme", category = "policy_block", phrases = ["acme shield"]}]'
    >>> merge_rules(own, "my.toml")[0].id
    'acme'
    """
    rules = list(standard_rules())
    for row in _read_rows(text, where):
        _merge_row(row, rules, where)
    known = {rule.id for rule in (*rules, *standard_rules())}
    for rule in rules:
        unknown = [lower for lower in rule.outranks if lower not in known]
        if unknown:
            raise _unknown_rule(unknown[0], known, where)
    return tuple(rules)


def _read_rows(text: str, where: str) -> list[dict[str, Any]]:
    try:
        rows = tomllib.loads(text).get("rule", [])
    except ValueError as error:
        raise _unreadable(str(error), where) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable("`rule` is not a list of tables", where)
    return rows


def _merge_row(row: Mapping[str, Any], rules: list[Rule], where: str) -> None:
    """Put a user's rule into its place among the *rules*, or take the one that it names out."""
    ids = [rule.id for rule in rules]
    name: Any = row.get("id")
    is_known = name in ids
    if is_known and row.get("off") is True:
        del rules[ids.index(name)]
    elif is_known:
        rules[ids.index(name)] = _rule(row, where)
    elif row.get("off"):
        raise _unknown_rule(name, ids, where)
    else:
        rule = _rule(row, where)
        outranked = [ids.index(lower) for lower in rule.outranks if lower in ids]
        rules.insert(min(outranked, default=0), rule)


def _rule(row: Mapping[str, Any], where: str) -> Rule:
    confidence = WEAK_CONFIDENCE if row.get("weak") is True else CONFIDENCE
    try:
        return Rule(**{"confidence": confidence, **row})
    except ValidationError as error:
        raise _unusable(row, error, where) from None


def _unusable(row: Mapping[str, Any], error: ValidationError, where: str) -> ConfigError:
    details = error.errors()
    # A field that doesn't exist is the likeliest cause of the others.
    unexpected = [each for each in details if each["type"] == "unexpected_keyword_argument"]
    first = (unexpected or details)[0]
    name = str(first["loc"][0])
    return ConfigError(
        f"{name} = {row.get(name)!r} can't be used",
        where=f"{where}, rule {row.get('id', '?')}",
        do=first["msg"].removeprefix("Value error, "),
    )


def _unreadable(reason: str, where: str) -> ConfigError:
    do = "begin each rule with [[rule]], as in README.md"
    return ConfigError(f"the rules can't be read: {reason}", where=where, do=do)


def _unknown_rule(name: object, known: Iterable[str], where: str) -> ConfigError:
    near = get_close_matches(str(name), known, 1)
    do = f"write {near[0]!r}" if near else "name one of rules.toml"
    return ConfigError(f"there is no rule {name!r}", where=where, do=do)
