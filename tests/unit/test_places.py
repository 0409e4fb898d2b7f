"""Where it hurts: providers and domains over a limit are named, chance and what is so everywhere not."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest

from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.measures.stats import binomial_tail
from cxtools.verdicts.evidence import places_of
from cxtools.verdicts.places import Place, PlaceAnswers, check_of_place, find_troubles, with_answers
from tests import tables

GMAIL = Place("provider", "gmail", 5000, hard=40, soft=60, refused=20)
SMALL = [Place("domain", f"company-{number}.example", 30) for number in range(40)]


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([GMAIL, Place("provider", "microsoft", 1238, refused=754)], ["Refused by Microsoft"]),
        ([GMAIL, Place("provider", "microsoft", 1238, refused=62)], []),  # 5.0: at the target
        ([GMAIL, Place("provider", "yahoo", 800, soft=240)], ["Put off by Yahoo"]),
        ([GMAIL, Place("provider", "att", 300, hard=60)], ["Dead addresses at AT&T"]),
        ([GMAIL, Place("provider", "qq", 19, refused=19)], []),  # too few to say
        ([GMAIL, Place("provider", "other", 900, refused=500)], []),  # no place at all
        (
            [*SMALL, Place("domain", "gone.example", 35, hard=35)],
            ["Dead addresses at gone.example"],
        ),
        ([*SMALL, Place("domain", "gone.example", 35, hard=4)], []),
        ([*SMALL, Place("domain", "shut.example", 40, refused=38)], ["Refused by shut.example"]),
        (
            [GMAIL, *SMALL, Place("domain", "yahoo.fr", 90, hard=80, provider="yahoo")],
            ["Dead addresses at yahoo.fr"],
        ),
        # What is so everywhere is the campaign's trouble, no place's.
        ([Place("provider", name, 500, hard=150) for name in ("gmail", "yahoo", "gmx")], []),
        ([Place("provider", "gmail", 500, refused=400)], []),
    ],
)
def test_a_place_is_named_where_it_is_worse_than_the_rest(
    places: list[Place], names: list[str]
) -> None:
    """A share above the limit for certain, in enough mail, and far above the rest's."""
    known = [
        check_of_place(one, 10_000, 100).limit.name for one in find_troubles(places, _whole(places))
    ]

    assert names == known


@pytest.mark.parametrize(
    ("place", "attempted", "word"),
    [
        (Place("provider", "microsoft", 1238, refused=754), 8000, "FAIL"),
        (Place("provider", "microsoft", 1238, refused=200), 8000, "WARN"),  # 16: under the limit
        (Place("provider", "qq", 30, refused=25), 8000, "WARN"),  # hardly anybody
        (Place("domain", "gone.example", 35, hard=35), 8000, "WARN"),
    ],
)
def test_a_place_fails_a_campaign_that_feels_it(place: Place, attempted: int, word: str) -> None:
    """FAIL where a limit is exceeded for certain and one message in a hundred is lost there."""
    places = [GMAIL, *SMALL, place]
    [trouble] = find_troubles(places, _whole(places))

    assert word == check_of_place(trouble, attempted, place.hard + place.refused).word


def test_a_place_is_spoken_of_with_its_answers() -> None:
    """The share, the counts, and the blocklist or the cause that most of the answers name."""
    places = [GMAIL, Place("provider", "microsoft", 1238, refused=754)]
    [trouble] = find_troubles(places, _whole(places))
    listed = PlaceAnswers("reputation_block", 700, "spamhaus", 380, 754)
    unlisted = PlaceAnswers("reputation_block", 700, "", 0, 754)
    seldom = PlaceAnswers("reputation_block", 700, "spamhaus", 1, 754)

    assert (
        "61% of the mail to Microsoft was refused (754 of 1,238, 58.2–63.6); "
        "50% of the refusals name Spamhaus."
    ) == check_of_place(with_answers(trouble, listed), 8000, 790).limit.sentence
    for answers in (unlisted, seldom):
        assert "93% of the answers mean reputation block." in (
            check_of_place(with_answers(trouble, answers), 8000, 790).limit.sentence
        )


def test_answers_that_nobody_understands_are_called_so() -> None:
    """No sentence says that answers "mean unknown"."""
    trouble = find_troubles(
        [Place("provider", "gmx", 90, refused=60)], Place("campaign", "c", 900, refused=60)
    )[0]
    known = with_answers(trouble, PlaceAnswers("unknown", 60, "", 0, 60))

    assert check_of_place(known, 900, 60).limit.sentence.endswith(
        "; what 100% of the answers mean is not known."
    )


def test_a_dead_domain_is_named_beside_places_that_are_too_small_to_look_at() -> None:
    """The rest of a campaign is all of it, also where it went to hundreds of small companies."""
    gone = Place("domain", "gone.example", 60, hard=60)
    whole = Place("campaign", "c", 1160, hard=62)

    assert ["gone.example"] == [one.place.name for one in find_troubles([gone], whole)]
    assert [] == find_troubles([gone], Place("campaign", "c", 60, hard=60))


def _whole(places: list[Place]) -> Place:
    """The campaign that consists of these places."""
    return Place(
        "campaign",
        "c",
        attempted=sum(place.attempted for place in places),
        hard=sum(place.hard for place in places),
        soft=sum(place.soft for place in places),
        refused=sum(place.refused for place in places),
    )


def test_many_places_at_their_targets_alarm_seldom() -> None:
    """Of 200 campaigns with 300 domains, each at its target, at most a few name one: Holm's rate."""
    rng = random.Random(7)
    alarms = 0
    for _ in range(200):
        places = [
            Place("domain", f"d{number}.example", 25, hard=_drawn(rng, 25, 0.2))
            for number in range(300)
        ]
        alarms += bool(find_troubles(places, _whole(places)))

    assert alarms <= 20


def _drawn(rng: random.Random, n: int, rate: float) -> int:
    return sum(rng.random() < rate for _ in range(n))


@pytest.mark.parametrize(
    ("successes", "n", "percent"),
    [
        (3, 10, 50),
        (8, 10, 50),
        (10, 10, 10),
        (0, 10, 50),
        (1, 300, 1),
        (140, 2000, 5),
        (90, 2000, 5),
    ],
)
def test_the_tail_of_a_binomial(successes: int, n: int, percent: int) -> None:
    """The sum of the exact fractions."""
    rate = Fraction(percent, 100)
    terms = [comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(successes, n + 1)]

    assert binomial_tail(successes, n, percent / 100) == pytest.approx(float(sum(terms)), rel=1e-9)


def test_people_without_an_address_are_of_no_domain(tmp_path: Path) -> None:
    """Some feeds name nobody: what they refuse counts at their provider, and makes no domain."""
    sent = [f"r{number} | sent |" for number in range(30)]
    refused = [f"r{number} | bounce | no such user" for number in range(30)]
    table = "\n".join(["to | kind | text", *sent, *refused])
    nameless = [replace(event, email="") for event in tables.events(table)]
    store = EventStore(tmp_path / "events")
    store.add("c", nameless, source="test", received_at=tables.RECEIVED)

    [place] = places_of(Engine(store), "c")
    assert ("provider", "other", 30) == (place.dimension, place.name, place.attempted)
