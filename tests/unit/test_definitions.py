"""
Every measure in SQL says what a slow, readable definition in Python says: of odd events and of
random ones, for every split, with filters and at every moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.engine import Engine
from tests.oracle.definitions import DEFINITIONS, rows_of
from tests.oracle.events import events_at_limits, odd_store, random_events, with_arms
from tests.oracle.messages import Message, Row, messages_of
from tests.tables import RECEIVED

KEPT = ["arm"]
SEGMENTS = ["arm", "history", "recency"]
SPLITS = [[], *([name] for name in (*DIMENSIONS, *SEGMENTS)), ["provider", "day"]]
#: When the events end that count, and how they are split.
MOMENTS: dict[str, tuple[datetime | timedelta | None, list[list[str]]]] = {
    "all": (None, SPLITS),
    "in the first hours": (datetime(2026, 9, 14, 11, tzinfo=UTC), [[], ["provider", "day"]]),
    "after ten minutes": (timedelta(minutes=10), [["history"], ["domain", "weekday"]]),
}
FILTERS: list[dict[str, list[str]]] = [
    {"provider": ["gmail"]},
    {"job": ["j1", "j2"], "domain": ["corp.example", "outlook.com"]},
    {"arm": ["A"], "recency": ["never"]},
]


def feeds_of(store: EventStore) -> dict[str, list[Row]]:
    """Campaign -> its events, each once."""
    with store.connection() as connection:
        rows = connection.sql("select * from events").to_arrow_table().to_pylist()
    feeds: dict[str, list[Row]] = {}
    for row in rows:
        feeds.setdefault(row["campaign"], []).append(row)
    return feeds


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """The store of odd events."""
    return odd_store(tmp_path_factory.mktemp("odd"))


def differences(
    engine: Engine,
    name: str,
    messages: Sequence[Message],
    by: Sequence[str],
    **how: Any,
) -> list[str]:
    """What an answer says otherwise than the rows of its definition, whatever their order."""
    own = OWN.get(name, QUESTIONS[name].column_names())
    splits = [column for column in by if column not in own]
    keys = ["campaign", *splits, *ROWS.get(name, ())]
    told = rows_of(name, messages, splits, how.get("where"))
    table = pd.DataFrame(answer(engine, name, by=splits, **how))
    found = {identity(row, keys): row for row in table.to_dict("records")}
    known = {identity(row, keys): row for row in told}
    different = [f"{name} by {splits}: not in both: {key}" for key in set(found) ^ set(known)]
    if not len(table) == len(found) == len(told):
        different.append(f"{name} by {splits}: rows that are the same")
    for key in set(found) & set(known):
        for column, value in known[key].items():
            if not is_same(found[key][column], value):
                cell = f"{column} of {key}"
                different.append(f"{name} by {splits}: {cell}: {found[key][column]}, not {value}")
    return different


#: Questions whose rows are causes as they are -> what they aren't split by.
OWN = {"bounces": ["cause"], "late_bounces": ["cause"]}
#: Question -> what its rows are of, beside campaign and split.
ROWS = {
    "jobs": ["job_id"],
    "bounces": ["category", "kind"],
    "reasons": ["reason", "category", "kind"],
    "unknown": ["code", "text"],
    "late_bounces": ["category", "kind"],
    "worst_domains": ["domain"],
    "typo_domains": ["domain"],
    "repeat_bouncers": ["campaigns"],
    "links": ["link_url", "purpose"],
    "first_links": ["link_url"],
    "suspects": ["rule"],
    "timing": ["kind"],
    "curve": ["kind", "hours"],
    "windows": ["kind", "hours"],
    "repeats": ["kind", "times"],
    "send_times": ["weekday", "hour"],
}


def identity(row: Mapping[Any, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    """The values of these columns; a missing one is None."""
    return tuple(None if is_missing(row[key]) else plain(row[key]) for key in keys)


def plain(value: Any) -> Any:
    """A whole number is one, whatever type the column has."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def is_same(answered: Any, told: Any) -> bool:
    """Floats may differ in the last digits."""
    if is_missing(answered) or is_missing(told):
        return is_missing(answered) and is_missing(told)
    if isinstance(told, float):
        return math.isclose(answered, told, rel_tol=1e-9, abs_tol=1e-12)
    return bool(answered == told)


def test_every_question_is_defined() -> None:
    """But those that are made of other questions' rows, and the checks of the data."""
    asked = {each.name for each in QUESTIONS.values() if each.splits and not each.derived}

    assert asked == set(DEFINITIONS)


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_split(odd: EventStore, moment: str) -> None:
    """All campaigns at once, split by each dimension and segment, at several moments."""
    as_of, splits = MOMENTS[moment]
    messages = messages_of(feeds_of(odd), KEPT, as_of)
    engine = Engine(odd, rules_digest=lambda: "shipped")
    different = []
    for name in DEFINITIONS:
        for by in splits:
            different += differences(engine, name, messages, by, as_of=as_of)

    assert [] == different


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_every_filter(odd: EventStore, where: dict[str, list[str]]) -> None:
    """Some of the messages, split by another dimension."""
    messages = messages_of(feeds_of(odd), KEPT)
    engine = Engine(odd, rules_digest=lambda: "shipped")
    different = []
    for name in DEFINITIONS:
        different += differences(engine, name, messages, ["weekday"], where=where)

    assert [] == different


@pytest.mark.parametrize("seed", range(6))
def test_random_events(seed: int, tmp_path: Path) -> None:
    """One campaign of events without any rule, or at the limits of rules, split by the seed."""
    random = Random(seed)
    by = random.choice(SPLITS)
    where = random.choice([{}, *FILTERS])
    as_of = random.choice([None, timedelta(hours=random.randrange(48))])
    happened = events_at_limits(random, 150) if seed % 2 else random_events(random, 300)
    store = EventStore(tmp_path / "events")
    store.add("c", with_arms(happened), source="test", received_at=RECEIVED)
    store.keep_columns(["c"], KEPT)
    messages = messages_of(feeds_of(store), KEPT, as_of)
    engine = Engine(store, rules_digest=lambda: "shipped")
    different = []
    for name in DEFINITIONS:
        different += differences(engine, name, messages, by, where=where, as_of=as_of)

    assert [] == different
