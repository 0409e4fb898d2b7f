"""
Rules that read a bounce's text: `rules.toml` is the table, in the order in which it is asked; the
first match wins. How a phrase is written stands in `phrases.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
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
from cxtools.wording import did_you_mean

#: A row of `rules.toml`, or of a user's own.
Row = Mapping[str, Any]

#: How sure a rule is that doesn't say so itself.
CONFIDENCE = 0.95
WEAK_CONFIDENCE = 0.5
_CODE = re.compile(r"(?:[245](?:\d\d)?|[245x][.]\d{1,3}[.]\d{1,3})?")


def _check_phrase(phrase: str) -> str:
    check(phrase)
    rarest_places(phrase)
    return phrase


def _check_code(code: str) -> str:
    providers = NAMES["providers"]
    if code in providers or _CODE.fullmatch(code):
        return code
    names = ", ".join(providers)
    raise ValueError(f'write codes such as "5", "550", "5.7.1", "x.7.1", or one of {names}')


Phrase = Annotated[str, AfterValidator(_check_phrase)]
Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1)]
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
    phrases: Phrases
    example: str = ""
    source: str = ""
    codes: tuple[Code, ...] = ()
    outranks: tuple[str, ...] = ()
    weak: StrictBool = False
    confidence: Share = CONFIDENCE


#: A rule that matches, and the words that it matched.
Match = tuple[Rule, str]


class Rulebook:
    """The rules in their order. Immutable once made, so threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._phrases: list[str] = []
        #: The rule of each phrase.
        self._rules: list[Rule] = []
        for rule in self.rules:
            for phrase in rule.phrases:
                self._phrases.append(phrase)
                self._rules.append(rule)
        self._index = PhraseIndex(self._phrases)

    def matches(
        self,
        text_words: list[str],
        codes: Codes,
        provider: str = "",
    ) -> Iterator[Match]:
        """The rules that match, best first, each with the words that it matched."""
        words = " ".join(text_words)
        line = f" . {words} . "
        spellings = _spellings(codes, provider)
        for number in self._index.candidates(text_words):
            rule = self._rules[number]
            if rule.codes and spellings.isdisjoint(rule.codes):
                continue
            match = _pattern(self._phrases[number]).search(line)
            if match:
                matched = match.group()
                yield rule, matched.strip()


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """Compiled when a text has the phrase's rarest words: most phrases are never needed."""
    return re.compile(pattern(phrase))


def _spellings(codes: Codes, provider: str) -> set[str]:
    """All that a rule may ask for in its `codes`; "" when no code was given."""
    spellings = {codes.digit}
    if codes.reply:
        spellings.add(codes.reply)
    if codes.enhanced:
        spellings.add(codes.enhanced)
        spellings.add(codes.any_class)
    if provider:
        spellings.add(provider)
    return spellings


@cache
def standard_rules(kind: str = "rule") -> tuple[Rule, ...]:
    """
    The rules that ship; of the kind "doubt" those that hold a hard verdict back, though no category
    can be told from them.
    """
    rules: list[Rule] = []
    for row in TABLE[kind]:
        whole_row = {"category": "unknown", **row}
        rules.append(_rule(whole_row, "rules.toml"))
    return tuple(rules)


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
    known = {rule.id for rule in standard_rules()}
    known.update(rule.id for rule in rules)
    for rule in rules:
        for lower in rule.outranks:
            if lower not in known:
                raise _unknown_rule(lower, known, where)
    return tuple(rules)


def _read_rows(text: str, where: str) -> list[Row]:
    try:
        table = tomllib.loads(text)
    except ValueError as error:
        raise _unreadable(str(error), where) from None
    rows = table.get("rule", [])
    if not _are_tables(rows):
        raise _unreadable("`rule` is not a list of tables", where)
    return list(rows)


def _are_tables(rows: object) -> bool:
    if not isinstance(rows, list):
        return False
    return all(isinstance(row, dict) for row in rows)


def _merge_row(row: Row, rules: list[Rule], where: str) -> None:
    """Put a user's rule into its place among the *rules*, or take the one that it names out."""
    ids = [rule.id for rule in rules]
    name: Any = row.get("id")
    if name in ids:
        _replace(ids.index(name), row, rules, where)
    elif row.get("off"):
        raise _unknown_rule(name, ids, where)
    else:
        rule = _rule(row, where)
        outranked = [ids.index(lower) for lower in rule.outranks if lower in ids]
        place = min(outranked, default=0)
        rules.insert(place, rule)


def _replace(
    place: int,
    row: Row,
    rules: list[Rule],
    where: str,
) -> None:
    if row.get("off") is True:
        del rules[place]
    else:
        rules[place] = _rule(row, where)


def _rule(row: Row, where: str) -> Rule:
    is_weak = row.get("weak") is True
    facts = {
        "confidence": WEAK_CONFIDENCE if is_weak else CONFIDENCE,
        **row,
    }
    try:
        return Rule(**facts)
    except ValidationError as error:
        raise _unusable(row, error, where) from None


def _unusable(row: Row, error: ValidationError, where: str) -> ConfigError:
    details = error.errors()
    # A field that doesn't exist is the likeliest cause of the others.
    unexpected = [each for each in details if each["type"] == "unexpected_keyword_argument"]
    first = (unexpected or details)[0]
    name = str(first["loc"][0])
    value = row.get(name)
    rule_id = row.get("id", "?")
    reason = first["msg"]
    return ConfigError(
        f"{name} = {value!r} can't be used",
        where=f"{where}, rule {rule_id}",
        do=reason.removeprefix("Value error, "),
    )


def _unreadable(reason: str, where: str) -> ConfigError:
    do = "begin each rule with [[rule]], as in README.md"
    return ConfigError(f"the rules can't be read: {reason}", where=where, do=do)


def _unknown_rule(name: object, known: Iterable[str], where: str) -> ConfigError:
    do = f"{did_you_mean(str(name), known)}name one of rules.toml"
    return ConfigError(f"there is no rule {name!r}", where=where, do=do)
