"""
A trouble that is planted is named, in a campaign that is judged by itself; `tests.proof.troubles`
judges hundreds beside a year of others.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.verdicts.evidence import facts_of, verdict_on
from cxtools.verdicts.verdict import VIEWS, verdict
from tests import tables
from tests.proof.troubles import NAME, Judged, add, is_right
from tests.troubles import START, TROUBLES, WEEK, Rates, Trouble, block_provider, mailing


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_a_planted_trouble_is_named(trouble: Trouble, tmp_path: Path) -> None:
    """Alone, without a campaign before it: the place, the limit, or what the data lack."""
    rng = random.Random(4)
    store = EventStore(tmp_path)
    add(store, NAME, trouble(mailing(rng, 1500), rng), rng)
    said = verdict_on(Engine(store), NAME)

    assert is_right(Judged(trouble.__name__, said)), str(said)
    assert "nothing" not in {action.id for action in said.actions}


def test_nothing_is_named_where_nothing_is_wrong(tmp_path: Path) -> None:
    """A campaign in good order passes, is trusted, and leaves nothing to do."""
    rng = random.Random(4)
    store = EventStore(tmp_path)
    add(store, NAME, mailing(rng, 3000), rng)
    said = verdict_on(Engine(store), NAME)

    assert ("PASS", "good", ["nothing"]) == (
        said.word,
        said.trust.word,
        [action.id for action in said.actions],
    ), str(said)


def test_a_block_at_one_provider_is_seen_beside_earlier_campaigns(tmp_path: Path) -> None:
    """Also where the whole still looks well, and what was usual is known."""
    rng = random.Random(9)
    store = EventStore(tmp_path)
    for week in range(8):
        add(store, f"week-{week}", mailing(rng, 400, start=START - (8 - week) * WEEK), rng)
    add(store, NAME, block_provider(mailing(rng, 1500), rng), rng)
    said = verdict_on(Engine(store), NAME)

    assert "FAIL" == said.word
    assert "of the mail to Microsoft was refused" in said.sentences[0]
    assert "name Spamhaus" in said.sentences[0]


def test_a_year_of_decline_is_seen(tmp_path: Path) -> None:
    """Each campaign level with the one before it, and all of them below where the year began."""
    rng = random.Random(2)
    store = EventStore(tmp_path)
    weeks = 16
    for week in range(weeks):
        share = week / weeks
        worse = Rates(soft=0.008 + 0.03 * share, undetermined=0.002 + 0.02 * share)
        add(store, f"week-{week:02}", mailing(rng, 500, worse, START - (weeks - week) * WEEK), rng)
    add(store, NAME, mailing(rng, 2000, Rates(soft=0.038, undetermined=0.022)), rng)
    said = verdict_on(Engine(store), NAME)

    assert "WARN" == said.word
    assert "the median of the first 8 of the last year" in str(said)


def test_clicks_and_opens_that_belong_to_nothing_are_not_nobodys() -> None:
    """Most clicks are of messages that nobody knows: who clicked can't be told, and nothing passes."""
    mail = "\n".join(f"p{number} | delivery | +{number} |" for number in range(400))
    lost = "\n".join(
        f"q{number} | {kind} | +{90_000 + number} | https://x.example/a"
        for number in range(60)
        for kind in ("open", "click")
    )
    facts = facts_of(Engine(tables.store(f"to | kind | at | url\n{mail}\n{lost}")), "c")

    for about in ("run", "engagement"):
        said = verdict(facts, about)
        assert ("NO DATA", "none") == (said.word, said.trust.word)
        assert "Nobody clicked" not in str(said)
        assert "bring_clicks" in {action.id for action in said.actions}
    assert "none" != verdict(facts, "bounces").trust.word


def test_refusals_without_a_reason_have_a_card() -> None:
    """The cards of bounces add up to what bounced."""
    mail = "\n".join(f"p{number} | delivery | +{number} | |" for number in range(940))
    refused = "\n".join(
        f"q{number} | bounce | +{number} | 550 5.7.1 | message refused by policy"
        for number in range(62)
    )
    facts = facts_of(Engine(tables.store(f"to | kind | at | code | text\n{mail}\n{refused}")), "c")
    said = verdict(facts, "bounces")
    cards = {card.name: card.basis for card in said.cards}
    parts = ("hard", "soft", "block", "undetermined")

    assert cards["Undetermined"].startswith("62 of 1,002 ")
    assert facts.counts["bounced"] == sum(facts.counts[part] for part in parts)
    assert "WARN" == said.word
    assert {"Hard bounces", "Soft bounces", "Blocked", "Undetermined"} <= set(
        VIEWS["bounces"].cards
    )
