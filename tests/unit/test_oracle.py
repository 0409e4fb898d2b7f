"""
Every question of the catalogue, whichever way it is asked, has the answer that the raw events have:
cell by cell, over events that are odd in every known way, and over random ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import outcomes
from tests.oracle.answers import SEGMENTS, Oracle
from tests.oracle.events import CAMPAIGNS, JOBS, odd_store, random_events, with_arms
from tests.tables import RECEIVED

#: Questions that can be split and filtered; those that can't; and the one that is asked otherwise.
SPLIT = [each.name for each in QUESTIONS.values() if each.splits and not each.derived]
WHOLE = [
    each.name
    for each in QUESTIONS.values()
    if not each.splits and not each.earlier and not each.derived
]
COMPARED = [each.name for each in QUESTIONS.values() if each.earlier]

SINGLE = [[dimension] for dimension in (*DIMENSIONS, *SEGMENTS)]
PAIRS = [["provider", "day"], ["job", "hour"], ["domain", "weekday", "arm"]]
#: What counts, and how it is split; by each column alone: `test_definitions.py`. The campaigns begin
#: on September 14th at 09:00 (summer) and at 22:00, and on the 23rd.
AS_OF: dict[str, tuple[Any, list[list[str]]]] = {
    "all": (None, [[], *PAIRS]),
    "before the first": ("2026-09-01T00:00:00Z", [[], PAIRS[0]]),
    "the first seconds": (datetime(2026, 9, 14, 9, 0, 10, tzinfo=UTC), [[], PAIRS[1]]),
    "inside": ("2026-09-15T02:00:00+02:00", [[], *PAIRS]),
    "after ten minutes": (timedelta(minutes=10), [[], *PAIRS]),
    "after the last": ("2027-01-01T00:00:00Z", [[], PAIRS[0]]),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """The store of odd events."""
    return odd_store(tmp_path_factory.mktemp("odd"))


def check_answers(
    store: EventStore,
    names: Sequence[str],
    bys: Sequence[Sequence[str]] = ([],),
    **how: Any,
) -> None:
    """Each question's answer has the columns, rows, order and cells that the raw events have."""
    truths = Oracle(store).answers(names, bys=bys, **how)
    engine = Engine(store, rules_digest=lambda: "shipped")
    for by, tables in zip(bys, truths, strict=True):
        for name, truth in zip(names, tables, strict=True):
            table = answer(engine, name, by=by, **how)
            check_equal(table, truth, f"{name} by {by}")
            again = answer(engine, name, by=by, **how)
            check_equal(again, truth, f"{name} by {by}, asked again")


def check_equal(table: pd.DataFrame, truth: pd.DataFrame, name: str) -> None:
    """Only what floats can't hold exactly may differ in the last digits."""
    pd.testing.assert_frame_equal(pd.DataFrame(table), truth, rtol=1e-12, obj=name)


@pytest.mark.parametrize("as_of", AS_OF)
def test_every_split_at_every_moment(odd: EventStore, as_of: str) -> None:
    """All campaigns at once, split by each dimension and by two, cut before, inside and after."""
    moment, bys = AS_OF[as_of]
    check_answers(odd, SPLIT, bys, as_of=moment)


#: Question -> the counts that add up over disjoint groups, and what its rows are of besides.
ADDITIVE: dict[str, tuple[list[str], list[str]]] = {
    "funnel": (["attempted", "delivered", "bounced", "opened", "clicked"], []),
    "bounces": (["recipients"], ["category", "kind"]),
    "links": (["clickers", "clicks"], ["link_url"]),
    "curve": (["recipients"], ["kind", "hours"]),
    "windows": (["recipients", "ever", "delivered"], ["kind", "hours"]),
    "repeats": (["recipients", "events"], ["kind", "times"]),
    "send_times": (["attempted", "delivered", "clicked"], ["weekday", "hour"]),
    "suspects": (["clickers"], ["rule"]),
    "complaints": (["delivered", "complained", "unsubscribed"], []),
    "deferrals": (["attempted", "waiting", "messages", "deferred", "deferrals", "timed"], []),
    "late_bounces": (["recipients"], ["category", "kind"]),
    "worst_domains": (["bounced"], ["domain"]),
}


@pytest.mark.parametrize("by", [["arm"], ["recency"], ["history", "domain_kind"], ["provider"]])
@pytest.mark.parametrize("least_group", [0, 5])
def test_disjoint_groups_add_up_to_the_whole(
    odd: EventStore, by: list[str], least_group: int
) -> None:
    """
    Nobody is lost or counted twice, whatever stands together because it is small; only rows that
    are left out for that don't add up.
    """
    engine = Engine(odd, rules_digest=lambda: "shipped", least_group=least_group)
    for name, (counts, keys) in ADDITIVE.items():
        if least_group and QUESTIONS[name].private:
            continue
        whole = totals(answer(engine, name), counts, keys)
        parts = totals(answer(engine, name, by=by), counts, keys)
        check_equal(parts, whole, f"{name} by {by}")


def totals(table: pd.DataFrame, counts: list[str], keys: list[str]) -> pd.DataFrame:
    """The sums of counts by campaign and what rows are of, without rows of nothing."""
    sums = pd.DataFrame(table).groupby(["campaign", *keys], dropna=False)[counts].sum()
    return sums[sums.any(axis=1)].astype("int64").sort_index()


@pytest.mark.parametrize(
    ("where", "as_of"),
    [
        ({"provider": "gmail"}, None),
        ({"job": ["j1", "j2"]}, timedelta(minutes=10)),
        ({"day": "2026-09-14", "domain": ["corp.example", "outlook.com"]}, None),
        ({"arm": "A", "domain_kind": "consumer"}, None),
        ({"recency": "never"}, timedelta(minutes=10)),
    ],
)
def test_every_filter(odd: EventStore, where: dict[str, Any], as_of: Any) -> None:
    """Some messages of one campaign, split by another dimension."""
    check_answers(odd, SPLIT, [["weekday"]], campaigns="summer", where=where, as_of=as_of)


@pytest.mark.parametrize("as_of", AS_OF)
def test_what_is_asked_of_whole_campaigns(odd: EventStore, as_of: str) -> None:
    """Questions that can't be split, of two campaigns."""
    moment, _ = AS_OF[as_of]
    check_answers(odd, WHOLE, campaigns=["autumn", "summer"], as_of=moment)


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("as_of", ["all", "after ten minutes"])
def test_campaigns_at_one_age(odd: EventStore, campaign: str, as_of: str) -> None:
    """A campaign beside the ones before it, each cut at its age."""
    moment, _ = AS_OF[as_of]
    truth = Oracle(odd).comparison(campaign, moment)
    for name in COMPARED:
        check_equal(answer(Engine(odd), name, campaign, as_of=moment), truth, name)


def test_campaigns_begin_when_their_events_do(odd: EventStore) -> None:
    """Repeated and undated events included."""
    assert Oracle(odd).starts() == Engine(odd).starts()


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("job_ids", [["j1"], ["a", ""], JOBS, []], ids=str)
def test_what_became_of_everyone(odd: EventStore, campaign: str, job_ids: list[str]) -> None:
    """Each recipient of a job, with bounce, opens and clicks."""
    truth = people(Oracle(odd).outcomes(campaign, job_ids))
    rows = []
    for job_id, own in outcomes(Engine(odd), campaign, job_ids).items():
        rows += [row | {"job_id": job_id} for row in own]

    assert truth == people(rows)


def test_parts_that_were_merged_after_the_last_question(tmp_path: Path) -> None:
    """What an earlier answer has counted isn't counted again when it stands in another part."""
    store = EventStore(tmp_path / "events")
    for seed in range(3):
        happened = random_events(Random(seed), 200)
        named = [replace(event, event_id=f"{seed}-{event.event_id}") for event in happened]
        store.add("c", named, source="test", received_at=RECEIVED)
        if seed != 1:
            check_answers(store, [*SPLIT, *WHOLE])
        store.compact("c")

    check_answers(store, [*SPLIT, *WHOLE])


def test_a_layer_that_appears_after_its_parts_were_merged(tmp_path: Path) -> None:
    """
    Somebody began it before others arrived and were merged with what it covers, and was slow: its
    rows stand in a part that has others, too, and aren't counted again.
    """
    store = EventStore(tmp_path / "events")
    layers = store.root / "_messages"
    for seed in range(2):
        happened = random_events(Random(seed), 200)
        named = [replace(event, event_id=f"{seed}-{event.event_id}") for event in happened]
        store.add("c", named, source="test", received_at=RECEIVED)
        if seed == 0:
            check_answers(store, [*SPLIT, *WHOLE])
            layers.rename(tmp_path / "slow")
    store.compact("c")
    (tmp_path / "slow").rename(layers)

    assert 1 == len(store.parts("c"))
    check_answers(store, [*SPLIT, *WHOLE])


def people(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as text, in an order of their own: no id says which of two messages is the first."""
    texts = []
    for row in rows:
        urls = row.pop("link_urls", None) or ()
        moments = row.pop("clicked_at", None) or ()
        clicks = list(zip(urls, moments, strict=True))
        texts.append(str(sorted({"clicks": clicks, **row}.items())))
    return sorted(texts)


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    seed=some.integers(0, 10**9),
    count=some.integers(1, 40),
    by=some.sampled_from([[], *SINGLE, *PAIRS]),
    as_of=some.sampled_from([None, "2026-09-15T12:00:00Z", timedelta(hours=9)]),
)
@example(seed=931, count=4, by=[], as_of=None)  # a click under the id of another event
@example(seed=77183, count=6, by=[], as_of=None)  # whole names, one of somebody else's message
def test_random_events(seed: int, count: int, by: Sequence[str], as_of: Any) -> None:
    """Whatever happened, in whatever order."""
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore(Path(folder) / "events")
        happened = with_arms(random_events(Random(seed), count))
        store.keep_columns(["c"], ["arm"])
        store.add("c", happened, source="test", received_at=RECEIVED)
        check_answers(store, SPLIT, [by], as_of=as_of)
        check_answers(store, WHOLE, as_of=as_of)
