"""
Where it hurts: each mailbox provider and each domain with enough mail, held against limits.

Many places are looked at, so a place is over a limit only when chance wouldn't put it there in any
of these looks (Holm 1979). A place is spoken of when it is worse than the rest of the campaign:
what is so everywhere is said of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from cxtools import wording
from cxtools.measures.providers import OTHER
from cxtools.measures.stats import binomial_tail, wilson
from cxtools.verdicts.checks import Check
from cxtools.verdicts.limits import PLACE_LIMITS, Limit, PlaceLimit

#: Fewer messages, or fewer that are counted, tell nothing of a place.
FEWEST_MESSAGES = 20
FEWEST_CASES = 5
#: How often a campaign in good order may be told of a place.
ERROR_RATE = 0.05
#: How many times the share of the rest a place must have.
TIMES_THE_REST = 1.5
#: A place fails a campaign when at least this share of all its messages is lost there.
SHARE_THAT_FAILS = 0.01
#: How many places are named for one limit.
NAMED = 3
#: A blocklist is a reason where at least this share of the answers names it.
LISTED = 0.2
#: Below it a share is written with a decimal.
SMALL_SHARE = 0.1
#: The category of answers that no rule understands.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Place:
    """
    The messages to one mailbox provider or domain.

    Attributes:
        dimension: "provider" or "domain"; "campaign" for all of them
        name: as in the split of a question
        provider: who runs a domain's mailboxes, as far as that is known
        attempted, hard, soft, refused: its messages, and those that bounced for good, for now, or
            were refused because of the sender, the content, or without a reason
        delivered, complained: those that arrived, and of these those complained of
    """

    dimension: str
    name: str
    attempted: int
    hard: int = 0
    soft: int = 0
    refused: int = 0
    delivered: int = 0
    complained: int = 0
    provider: str = OTHER


@dataclass(frozen=True)
class PlaceAnswers:
    """What a place's servers said: the most frequent category, and the blocklist they name most."""

    category: str = ""
    category_messages: int = 0
    blocklist: str = ""
    blocklist_messages: int = 0
    messages: int = 0

    @property
    def is_listed(self) -> bool:
        """Whether a blocklist is named often enough to be the reason."""
        return bool(self.blocklist) and self.blocklist_messages >= LISTED * self.messages


@dataclass(frozen=True)
class Trouble:
    """A place that is over a limit, beside the whole campaign."""

    limit: PlaceLimit
    place: Place
    rest_part: int
    rest_whole: int
    answers: PlaceAnswers = PlaceAnswers()

    @property
    def part(self) -> int:
        """How many messages the limit counts at the place."""
        return count_of(self.place, self.limit)

    @property
    def whole(self) -> int:
        """How many messages that is a share of."""
        return whole_of(self.place, self.limit)

    @property
    def share(self) -> float:
        """The share that the limit is held against."""
        return self.part / self.whole


class Look(NamedTuple):
    """One place held against one limit: how likely so many cases are, were it at the target."""

    limit: PlaceLimit
    place: Place
    chance: float


def count_of(place: Place, limit: PlaceLimit) -> int:
    """
    >>> count_of(Place("provider", "gmail", 100, hard=3), PLACE_LIMITS[3])
    3
    """
    number: int = getattr(place, limit.part)
    return number


def whole_of(place: Place, limit: PlaceLimit) -> int:
    """
    >>> whole_of(Place("provider", "gmail", 100, hard=3), PLACE_LIMITS[3])
    100
    """
    number: int = getattr(place, limit.whole)
    return number


def find_troubles(places: Sequence[Place], whole: Place) -> list[Trouble]:
    """
    The places that are over a limit for certain, limit by limit, the one with most cases first;
    *whole* is the campaign, with the mail to places that got too little to be looked at.

    >>> good = Place("provider", "gmail", 5000, refused=20)
    >>> bad = Place("provider", "microsoft", 1238, refused=754)
    >>> whole = Place("campaign", "q3", 8000, refused=790)
    >>> [trouble.place.name for trouble in find_troubles([good, bad], whole)]
    ['microsoft']
    >>> find_troubles([good], whole)
    []
    """
    looks: list[Look] = []
    for limit in PLACE_LIMITS:
        looks += _looks(places, limit)
    troubles = []
    for look in _beyond_chance(looks):
        trouble = _trouble(look, whole)
        if _is_worse_than_the_rest(trouble):
            troubles.append(trouble)
    return _most_telling(troubles)


def _looks(places: Iterable[Place], limit: PlaceLimit) -> list[Look]:
    looks = []
    for place in places:
        if _is_looked_at(place, limit):
            chance = binomial_tail(count_of(place, limit), whole_of(place, limit), limit.target)
            looks.append(Look(limit, place, chance))
    return looks


def _is_looked_at(place: Place, limit: PlaceLimit) -> bool:
    """Domains of a provider are seen with their provider; "other" is no place."""
    if place.dimension != limit.dimension or whole_of(place, limit) < FEWEST_MESSAGES:
        return False
    if place.dimension == "provider":
        return place.name != OTHER
    return place.provider == OTHER or limit.part == "hard"


def _beyond_chance(looks: Sequence[Look]) -> list[Look]:
    """
    The looks that chance alone doesn't explain, by Holm's procedure: the n-th smallest probability
    is held against the error rate over the number of looks that are left.
    """
    beyond = []
    in_order = sorted(looks, key=lambda look: look.chance)
    for place, look in enumerate(in_order):
        if look.chance * (len(looks) - place) > ERROR_RATE:
            break
        if count_of(look.place, look.limit) >= FEWEST_CASES:
            beyond.append(look)
    return beyond


def _trouble(look: Look, whole: Place) -> Trouble:
    """A look beside the rest of the campaign."""
    return Trouble(
        limit=look.limit,
        place=look.place,
        rest_part=count_of(whole, look.limit) - count_of(look.place, look.limit),
        rest_whole=whole_of(whole, look.limit) - whole_of(look.place, look.limit),
    )


def _is_worse_than_the_rest(trouble: Trouble) -> bool:
    if trouble.rest_whole <= 0:
        return False
    rest = trouble.rest_part / trouble.rest_whole
    return trouble.share > TIMES_THE_REST * rest


def _most_telling(troubles: Iterable[Trouble]) -> list[Trouble]:
    """A few of each limit, those with most cases; a domain isn't named beside its own provider."""
    kept: list[Trouble] = []
    by_limit = sorted(troubles, key=lambda trouble: PLACE_LIMITS.index(trouble.limit))
    for _, group in groupby(by_limit, key=lambda trouble: trouble.limit):
        in_order = sorted(group, key=lambda trouble: (-trouble.part, trouble.place.name))
        kept += in_order[:NAMED]
    domains = {
        (one.place.provider, one.limit.part) for one in kept if one.limit.dimension == "domain"
    }
    return [
        trouble
        for trouble in kept
        if trouble.limit.dimension == "domain"
        or (trouble.place.name, trouble.limit.part) not in domains
    ]


# --- as checks ---


def check_of_place(trouble: Trouble, attempted: int, all_cases: int) -> Check:
    """
    A place's trouble as one of the checks of a campaign: WARN, or FAIL where the limit is exceeded
    for certain and so many messages are lost that the whole campaign feels it.
    """
    limit = trouble.limit
    word = "FAIL" if _fails(trouble, attempted) else "WARN"
    known = Limit(
        name=limit.name.format(place=place_text(trouble.place)),
        part=limit.part,
        whole=limit.whole,
        target=limit.target,
        limit=limit.limit,
        stop=None,
        sentence=_sentence(trouble, all_cases),
        source=limit.source,
        step=limit.step,
    )
    return Check(known, word, trouble.part, trouble.whole, trouble)


def _fails(trouble: Trouble, attempted: int) -> bool:
    limit = trouble.limit.limit
    if limit is None or trouble.part < SHARE_THAT_FAILS * attempted:
        return False
    return binomial_tail(trouble.part, trouble.whole, limit) <= ERROR_RATE / 2


def _sentence(trouble: Trouble, all_cases: int) -> str:
    of_all = wording.percent(trouble.part / all_cases, 0) if all_cases else wording.MISSING
    low, high = wilson(trouble.part, trouble.whole)
    return trouble.limit.sentence.format(
        bounds=wording.bounds(low, high),
        share=share_text(trouble),
        place=place_text(trouble.place),
        part=wording.count(trouble.part),
        whole=wording.count(trouble.whole),
        of_all=of_all,
        evidence=_evidence(trouble.answers),
    )


def share_text(trouble: Trouble) -> str:
    """
    A place's share: of a few percent a decimal tells, too.

    >>> bad = Place("provider", "gmail", 1000, delivered=990, complained=9)
    >>> share_text(Trouble(PLACE_LIMITS[-1], bad, rest_part=0, rest_whole=3000))
    '0.9%'
    """
    is_small = trouble.share < SMALL_SHARE
    return wording.percent(trouble.share, 1 if is_small else 0)


def _evidence(answers: PlaceAnswers) -> str:
    """What the servers said, to be added to a sentence."""
    if not answers.messages:
        return ""
    if answers.is_listed:
        share = wording.percent(answers.blocklist_messages / answers.messages, 0)
        return f"; {share} of the refusals name {answers.blocklist.capitalize()}"
    share = wording.percent(answers.category_messages / answers.messages, 0)
    if answers.category == UNKNOWN:
        return f"; what {share} of the answers mean is not known"
    return f"; {share} of the answers mean {wording.spaced(answers.category)}"


#: Provider -> its name as people write it; others are written with a capital.
PROVIDER_NAMES = {
    "att": "AT&T",
    "gmx": "GMX",
    "laposte": "La Poste",
    "mailru": "Mail.ru",
    "netease": "NetEase",
    "qq": "QQ",
}


def place_text(place: Place) -> str:
    """
    >>> place_text(Place("provider", "microsoft", 1)), place_text(Place("domain", "a.example", 1))
    ('Microsoft', 'a.example')
    """
    if place.dimension == "domain":
        return place.name
    return PROVIDER_NAMES.get(place.name, place.name.capitalize())


def with_answers(trouble: Trouble, answers: PlaceAnswers) -> Trouble:
    """The same, with what its servers said."""
    return replace(trouble, answers=answers)
