"""Trust before verdict: what can't be seen is never passed, and every action follows from something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from cxtools.errors import ConfigError
from cxtools.events.importing import import_file
from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.verdicts.actions import STEPS, actions
from cxtools.verdicts.changes import RATES
from cxtools.verdicts.checks import Check, check
from cxtools.verdicts.evidence import STEPS as STEPS_OF_FUNNEL
from cxtools.verdicts.evidence import facts_of, verdict_on
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.limits import HARD_BOUNCES, LIMITS, PLACE_LIMITS
from cxtools.verdicts.own_limits import limits_by
from cxtools.verdicts.places import Place, PlaceAnswers, Trouble, check_of_place
from cxtools.verdicts.trust import ODD_SHARES, FeedFacts, Trust, judge_trust
from cxtools.verdicts.trust import STEPS as STEPS_OF_TRUST
from cxtools.verdicts.verdict import VIEWS, verdict
from tests import tables

GOOD = FeedFacts({"bounce_events": 9, "events": 1000}, attempted=900, age=timedelta(days=3))
TRUSTED = Trust("good", ())


@pytest.mark.parametrize(
    ("feed", "about", "word", "affects"),
    [
        (GOOD, "run", "good", []),
        (replace(GOOD, untold=("opens", "clicks")), "run", "limited", ["opens"]),
        (replace(GOOD, untold=("opens", "clicks")), "bounces", "good", []),
        (replace(GOOD, untold=("opens", "clicks")), "engagement", "none", ["clicks"]),
        (replace(GOOD, untold=("clicks",)), "engagement", "limited", ["clicks"]),
        (replace(GOOD, told_by_sending=True), "run", "limited", ["deliveries"]),
        (replace(GOOD, told_by_sending=True, quality={}), "run", "none", ["deliveries"]),
        (replace(GOOD, quality={}), "run", "limited", ["deliveries"]),
        (replace(GOOD, quality={}, attempted=30), "run", "good", []),
        (replace(GOOD, quality={}, usual_bounce_rate=0.02), "run", "none", ["deliveries"]),
        (replace(GOOD, quality={}, usual_bounce_rate=0.001), "run", "limited", ["deliveries"]),
        (replace(GOOD, usual_bounce_rate=0.02), "run", "good", []),
        (replace(GOOD, age=timedelta(minutes=4)), "run", "limited", ["events"]),
        (replace(GOOD, age=timedelta(minutes=4), is_cut=True), "run", "good", []),
        (replace(GOOD, age=None), "run", "good", []),
    ],
)
def test_what_a_feed_does_not_tell(
    feed: FeedFacts, about: str, word: str, affects: list[str]
) -> None:
    """Limited where it can be done without, none where the report is about it."""
    trust = judge_trust(feed, about)

    assert (word, affects) == (trust.word, [reason.affects for reason in trust.reasons])


@pytest.mark.parametrize(
    ("quality", "word"),
    [
        ({"unattributed": 5, "events": 1000}, "good"),
        ({"unattributed": 50, "events": 1000}, "limited"),
        ({"unattributed": 500, "events": 1000}, "none"),
        ({"unknown_kind": 300, "events": 1000}, "none"),
        ({"without_outcome": 30, "messages": 1000}, "limited"),
        ({"without_outcome": 600, "messages": 1000}, "none"),
        ({"orphan_clicks": 4, "clickers": 100}, "limited"),
        ({"orphan_clicks": 100, "clickers": 100}, "none"),
        ({"orphan_opens": 100, "openers": 100}, "none"),
        ({"without_timestamp": 1000, "events": 1000}, "limited"),
        ({"rejected_rows": 30, "rows": 1000}, "limited"),
        ({"stored_rows": 1_048_576}, "limited"),
        ({"stored_rows": 1_048_577}, "good"),
    ],
)
def test_what_is_odd_about_the_events(quality: dict[str, int], word: str) -> None:
    """Each share has a point from which the rest is doubted, and one from which nothing is left."""
    feed = replace(GOOD, quality={**GOOD.quality, **quality})

    assert word == judge_trust(feed).word


def test_every_step_exists_and_is_reached() -> None:
    """Limits, places, changes and reasons name steps that there are; no step is named by nothing."""
    named = {limit.step for limit in (*LIMITS, *PLACE_LIMITS, *RATES)}
    named |= set(STEPS_OF_TRUST.values())
    unnamed = set(STEPS) - named

    assert set() == named - set(STEPS)
    assert {
        "ask_delisting",
        "look_again",
        "mend_content",
        "mend_jobs",
        "nothing",
        "resume",
        "stop_sending",
        "settle_unknown",
    } == unnamed
    assert {odd.affects for odd in ODD_SHARES} == set(STEPS_OF_TRUST)
    assert {"attempted", "delivered", "bounced", "opened", "clicked"} == set(STEPS_OF_FUNNEL)


def _of_place(answers: PlaceAnswers) -> Check:
    [limit] = [one for one in PLACE_LIMITS if one.step == "ask_provider"]
    place = Place("provider", "microsoft", 1238, refused=754)
    return check_of_place(Trouble(limit, place, 20, 7000, answers), 8000, 790)


@pytest.mark.parametrize(
    ("checks", "who", "words", "command"),
    [
        (
            [check(HARD_BOUNCES, {"hard": 60, "attempted": 1000})],
            "list owner",
            "60 people with dead addresses",
            "cxtools reasons q3",
        ),
        (
            [check(HARD_BOUNCES, {"hard": 200, "attempted": 1000})],
            "list owner",
            "Stop sending",
            "cxtools reasons q3",
        ),
        (
            [_of_place(PlaceAnswers("reputation_block", 700, "spamhaus", 380, 754))],
            "postmaster",
            "taken off Spamhaus's list",
            "https://check.spamhaus.org/",
        ),
        (
            [_of_place(PlaceAnswers("policy_block", 700, "", 0, 754))],
            "postmaster",
            "Ask Microsoft why",
            "https://olcsupport.office.com/",
        ),
        (
            [_of_place(PlaceAnswers("authentication", 700, "", 0, 754))],
            "postmaster",
            "DMARC (_dmarc)",
            "cxtools reasons q3 --where provider=microsoft",
        ),
        (
            [_of_place(PlaceAnswers("content_rejected", 700, "", 0, 754))],
            "author of the mail",
            "spam",
            "cxtools reasons q3 --where provider=microsoft",
        ),
    ],
)
def test_what_to_do_follows_from_what_was_found(
    checks: list[Check], who: str, words: str, command: str
) -> None:
    """Who does what by which command; the nearest step that the answers allow."""
    [action] = actions("q3", checks, {}, TRUSTED)

    assert (who, command) == (action.who, action.command)
    assert words in action.what


@pytest.mark.parametrize(
    ("counts", "steps"),
    [
        ({"block": 60}, ["read_answers"]),
        ({"block": 60, "complained": 40}, ["ask_consent", "read_answers"]),
        ({"block": 60, "unauthenticated": 60}, ["mend_authentication"]),
        ({"undetermined": 80, "unclassified": 17, "bounced": 100}, ["read_answers", "write_rules"]),
        ({"hard": 60, "bounced": 110}, ["clean_list"]),
    ],
)
def test_reading_on_is_left_out_only_where_a_nearer_step_is_of_the_same_mail(
    counts: dict[str, int], steps: list[str]
) -> None:
    """Complaints, or words that the classifier doesn't know, say nothing of why mail was refused."""
    whole = {"attempted": 1000, "delivered": 890} | counts
    checks = [check(limit, whole) for limit in LIMITS]
    to_do = actions("q3", checks, {}, TRUSTED)

    assert steps == sorted(action.id for action in to_do)
    assert len(to_do) == len({action.what for action in to_do})
    assert [] == [action.what for action in to_do if "people'" in action.what]


@pytest.mark.parametrize(
    ("dead", "steps"),
    [(60, ["remove_domain"]), (30, ["remove_domain", "clean_list"])],
)
def test_one_place_that_has_nearly_all_dead_addresses_is_the_step(
    dead: int, steps: list[str]
) -> None:
    """Nobody needs to stop sending to a list of which one domain has closed."""
    [limit] = [one for one in PLACE_LIMITS if one.step == "remove_domain"]
    place = Place("domain", "gone.example", dead, hard=dead)
    domain = check_of_place(Trouble(limit, place, 2, 940), 1000, 62)
    whole = check(HARD_BOUNCES, {"hard": 62, "attempted": 1000})

    assert steps == [action.id for action in actions("q3", [whole, domain], {}, TRUSTED)]


FEED = {
    "sent": "{to} | sent | +0 | | |",
    "delivery": "{to} | delivery | +10 | | |",
    "bounce": "{to} | bounce | +12 | 550 5.1.1 | user unknown |",
    "open": "{to} | open | +90000 | | |",
    "click": "{to} | click | +90100 | | | https://x.example/a",
}
WHO = {"bounce": range(4), "delivery": range(4, 400), "open": range(4, 150), "click": range(4, 50)}


def _feed(kinds: tuple[str, ...], lacks: str = "") -> str:
    """A feed of these kinds; *lacks* names what its rows don't have: moments, or ids of messages."""
    message = "-" if "ids" in lacks else ""
    lines = ["to | kind | at | code | text | url | msg"]
    for kind in kinds:
        for number in WHO.get(kind, range(400)):
            row = FEED[kind].format(to=f"p{number}@example.com")
            if "moments" in lacks:
                row = re.sub(r"[+]\d+", "", row)
            lines.append(f"{row} | {message}")
    return "\n".join(lines)


def numbers_in(sentences: Iterable[str]) -> set[int]:
    """The counts that sentences name, as "5 of 30"."""
    pairs = re.findall(r"([\d,]+) of (?:the )?([\d,]+)", " ".join(sentences))
    return {int(number.replace(",", "")) for pair in pairs for number in pair}


def numbers_of(facts: Facts) -> set[int]:
    """The counts that a verdict is based on."""
    known = {*facts.counts.values(), *facts.feed.quality.values()}
    return known | {check.count or 0 for check in facts.checks}


SUBSETS = [kinds for size in range(1, len(FEED) + 1) for kinds in combinations(FEED, size)]


@pytest.mark.parametrize(
    ("kinds", "lacks"),
    [
        *((kinds, "") for kinds in SUBSETS),
        *((tuple(FEED), lacks) for lacks in ("moments", "ids", "ids and moments")),
        *((tuple(FEED)[1:], lacks) for lacks in ("moments", "ids", "ids and moments")),
    ],
    ids=str,
)
def test_no_subset_of_kinds_passes_unseen(kinds: tuple[str, ...], lacks: str) -> None:
    """
    Whatever a feed lacks: no PASS where trust is none, no rate of what isn't told, no verdict on
    messages of which nobody knows how many there were, and no count that isn't one of the facts.
    """
    facts = facts_of(Engine(tables.store(_feed(kinds, lacks))), "c")
    for about in VIEWS:
        said = verdict(facts, about)
        assert (said.word, said.trust.word) not in (("PASS", "none"), ("TOO FEW", "none"))
        if not {"sent", "delivery"} & set(kinds):
            assert "NO DATA" == said.word
        if "click" not in kinds:
            assert "clicked" not in said.facts.counts
            assert "0.0%" not in " ".join(
                card.share for card in said.cards if card.name == "Clicked"
            )
        if "open" not in kinds:  # who clicked is no count of who opened
            assert "opened" not in said.facts.counts
        assert said.actions
        assert set() == numbers_in(said.sentences) - numbers_of(facts)
        assert ("moments" in lacks) == ("moments" in {each.affects for each in said.trust.reasons})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hard]\ntarget = 2", "is not a share from 0 to 1"),
        ("[hard]\ntarget = true", "is not a share from 0 to 1"),
        ("[hard]\ntarget = 0.2", "warns above 0.2, but fails above 0.05 already"),
        ("[hard]\nlimit = 0.2", "fails above 0.2, but says stop above 0.1 already"),
        ("[hrad]\ntarget = 0.01", r"there is no limit \[hrad\]"),
        ("[hard]\nname = 'x'", "name can't be set"),
        ("[complained]\nstop = 0.01", r"\[complained\] stop can't be set"),
        ("hard = 0.01", r"\[hard\] is not a table"),
        ("[hard", "not TOML"),
    ],
)
def test_a_wrong_limit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A file of limits is read whole or not at all; the message names the line's place."""
    file = tmp_path / "limits.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=message):
        limits_by(file)


def test_own_limits_judge(tmp_path: Path) -> None:
    """A stricter limit of one's own fails what passes by the ones that ship, and says whose it is."""
    engine = Engine(tables.store(_feed(("delivery", "bounce"))))
    file = tmp_path / "limits.toml"
    file.write_text("[hard]\ntarget = 0.001\nlimit = 0.002\n", "utf-8-sig")  # as Notepad does
    [shipped] = [one for one in verdict_on(engine, "c").facts.checks if one.limit.part == "hard"]
    own = verdict_on(engine, "c", limits=limits_by(file))

    assert ("TOO FEW", "FAIL") == (shipped.word, own.word)
    assert "yours: limits.toml" in [check.limit.source for check in own.facts.checks]
    assert LIMITS == limits_by(tmp_path / "missing.toml")


def test_rows_that_could_not_be_read_are_told(tmp_path: Path) -> None:
    """What an import set aside is no event, and yet it is missing: the verdict says so."""
    store = EventStore(tmp_path / "events")
    good = "".join(f"p{number}@example.com,delivery,2026-09-14T10:00:00Z\n" for number in range(90))
    bad = "".join(f"q{number}@example.com,delivery,31/31/2026\n" for number in range(10))
    file = tmp_path / "feed.csv"
    file.write_text(f"email,event,timestamp\n{good}{bad}")
    import_file(file, "c", store, now=tables.RECEIVED)
    said = verdict_on(Engine(store), "c")

    assert 10 == store.rejected_rows("c")
    assert 0 == store.rejected_rows("c2")
    assert any("10 of 100 rows (10.0%)" in reason.text for reason in said.trust.reasons)
