"""
Which phrases a text may hold: each is filed under its two rarest words, so that a text only meets
the few phrases of which it has both. Several hundred regular expressions in a row would judge 2,000
texts a second.

google-re2 (`re2.Set`) was measured in its place and not taken. It would be 65 lines less, and once
it is warm it reads 80,000 to 300,000 texts a second against 27,000 to 95,000 here; for a whole
campaign, where most texts repeat, that is 189,000 verdicts a second against 167,000. But cold it
reads 3,000 texts a second against 27,000, hostile ones 125 against 450; it adds 10 MB, and there
are no wheels of it for musl.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from cxtools.bounce.phrases import places, units
from cxtools.bounce.reason import NAMES

#: Words that say little: a phrase is filed under one of them only when it has no other.
COMMON = frozenset(NAMES["common"].split())
#: Letters before a * that are needed to file a phrase under the beginning of a word.
STEM_LETTERS = 4

#: A place of a phrase: the words that can fill it.
Place = frozenset[str]
#: A word, or the beginning of one -> the numbers of the phrases that are filed under it.
Files = defaultdict[str, set[int]]


class PhraseIndex:
    """Phrases by their two rarest words. Immutable once made, so threads may share it."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._rarest = _WordIndex()
        self._second = _WordIndex()
        for number, phrase in enumerate(phrases):
            rarest, second = rarest_places(phrase)
            self._rarest.add(number, rarest)
            self._second.add(number, second)

    def candidates(self, text_words: Iterable[str]) -> list[int]:
        """The numbers of the phrases that may match these words, in their order."""
        spoken = set(text_words)
        spoken.add(".")
        by_rarest = self._rarest.find(spoken)
        by_second = self._second.find(spoken)
        return sorted(by_rarest & by_second)


class _WordIndex:
    """Phrase numbers by the words, or by the beginnings of words, that they are filed under."""

    def __init__(self) -> None:
        self._words: Files = defaultdict(set)
        self._stems: Files = defaultdict(set)

    def add(self, number: int, place: Place) -> None:
        for word in place:
            if word.endswith("*"):
                stem = word[:STEM_LETTERS]
                self._stems[stem].add(number)
            else:
                self._words[word].add(number)

    def find(self, words: Iterable[str]) -> set[int]:
        """The numbers of all phrases that are filed under one of these words."""
        by_word = self._words
        by_stem = self._stems
        numbers: set[int] = set()
        for word in words:
            if word in by_word:
                numbers |= by_word[word]
            stem = word[:STEM_LETTERS]
            if stem in by_stem:
                numbers |= by_stem[stem]
        return numbers


@cache
def rarest_places(phrase: str) -> tuple[Place, Place]:
    """
    Of the places of a phrase that must be filled, the two rarest; one of them twice where there is
    no other.

    Raises:
        ValueError: no word must occur.

    >>> rarest_places("the mailbox (is|was)? overfull")
    (frozenset({'overfull'}), frozenset({'mailbox'}))
    """
    required = filter(_must_be_filled, places(units(phrase)))
    fillings = map(_fillings, required)
    usable = list(filter(_are_usable, fillings))
    if not usable:
        raise ValueError(
            f"{phrase!r} has no word that must occur; add a whole word, "
            f"or {STEM_LETTERS} letters before a *"
        )
    usable.sort(key=_rarity, reverse=True)
    rarest = usable[0]
    if len(usable) == 1:
        return rarest, rarest
    second = usable[1]
    return rarest, second


def _are_usable(words: Place) -> bool:
    if not words:
        return False
    return all(map(_can_be_filed, words))


def _rarity(place: Place) -> tuple[bool, int]:
    """Places of rare words are the rarest, and among them those whose shortest word is longest."""
    is_rare = place.isdisjoint(COMMON)
    shortest = min(map(len, place))
    return is_rare, shortest


def _must_be_filled(place: list[str]) -> bool:
    last = place[-1]
    if last == "..":
        return False
    return not last.endswith("?")


def _fillings(place: list[str]) -> Place:
    """
    The rarest word that must occur in each alternative of a place; empty when an alternative has
    none.
    """
    alternatives: list[list[str]] = [[]]
    within = place[1:-1] or place
    for inner in places(within):
        if inner == ["|"]:
            alternatives.append([])
        elif len(inner) == 1 and _must_be_filled(inner):
            alternatives[-1] += inner
    if not all(alternatives):
        return frozenset()
    best = [max(words, key=_usefulness) for words in alternatives]
    return frozenset(best)


def _usefulness(word: str) -> tuple[bool, bool, int]:
    return (
        _can_be_filed(word),
        word not in COMMON,
        len(word),
    )


def _can_be_filed(word: str) -> bool:
    if not word.endswith("*"):
        return True
    return len(word) > STEM_LETTERS
