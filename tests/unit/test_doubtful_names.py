"""Only names that leave a doubt are read as texts: the others change nothing of what is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from cxtools.events.database import Resources
from cxtools.events.keys import message_key
from cxtools.events.messages import identity
from cxtools.events.relations import DuckDBRelations, duckdb_relations

FEEDS = 150
SENT_AT = datetime(2026, 10, 1, 9, tzinfo=UTC)
MOMENTS = (None, SENT_AT, SENT_AT + timedelta(seconds=30), SENT_AT + timedelta(hours=2))
KINDS = ("sent", "delivery", "open", "click", "bounce")
NAMES = ("message_id", "recipient_id", "email")
SCHEMA = pa.schema(
    [
        ("message_id", pa.string()),
        ("recipient_id", pa.string()),
        ("email", pa.string()),
        ("kind", pa.string()),
        ("ts", pa.timestamp("us", tz="UTC")),
        ("message_key", pa.int64()),
    ]
)
#: Message id, recipient id and address of each event; how many names leave a doubt.
CASES = {
    "whole names": (["m1 r1 a@x", "m2 r2 b@x", "m2 r2 -"], 0),
    "addresses alone": (["m1 - a@x", "m2 - b@x", "m3 - a@x"], 0),
    "no message ids": (["- r1 a@x", "- r2 b@x", "- - c@x"], 0),
    "an address with a recipient id and without": (["m1 r1 a@x", "m2 - a@x", "m3 r3 c@x"], 2),
    "other messages of its recipient": (["m1 r1 a@x", "m2 - a@x", "m3 r1 -"], 3),
    "a person with a message id and without": (["m1 r1 -", "- r1 -", "m2 r2 -"], 2),
    "a message of two people": (["m1 r1 -", "m1 r2 -", "m2 r3 -"], 2),
    "a message with somebody and without": (["m1 r1 -", "m1 - -", "m2 r3 -"], 2),
}


@pytest.fixture
def relations(tmp_path: Path) -> Iterator[DuckDBRelations]:
    with duckdb_relations(tmp_path, Resources(tmp_path / "spill", threads=1)) as connected:
        yield connected


@pytest.mark.parametrize("name", CASES)
def test_names_leave_a_doubt_where_others_share_a_part_of_them(
    name: str,
    relations: DuckDBRelations,
) -> None:
    """A feed that never has one of the ids leaves none."""
    texts, doubtful = CASES[name]
    relations.register("events", table(texts, Random(1)))

    identity.find_aliases(relations, "events")

    assert doubtful == relations.rows("select * from doubtful_names").num_rows


def test_names_that_leave_no_doubt_change_nothing(relations: DuckDBRelations) -> None:
    """Aliases and splits are those that all names together give, in feeds of every kind."""
    aliases = 0
    splits = 0
    for seed in range(FEEDS):
        random = Random(seed)
        relations.register("events", table(texts_of_feed(random), random))
        identity.find_aliases(relations, "events")
        found = found_names(relations)

        relations.keep("doubtful_names", "select distinct message_key from name_numbers")
        identity.find_messages_of_names(relations, "events")

        assert found_names(relations) == found
        aliases += len(found[0])
        splits += len(found[1])
    assert aliases > FEEDS
    assert splits > 0


def found_names(relations: DuckDBRelations) -> list[list[tuple[object, ...]]]:
    """The rows of aliases and splits, in order."""
    found = []
    for sql in ("select * from aliases", "select * from splits"):
        rows = relations.rows(sql).to_pylist()
        found.append(sorted((tuple(row.values()) for row in rows), key=repr))
    return found


def texts_of_feed(random: Random) -> list[str]:
    """Some events of few people, whose feed may lack each part of a name now and then."""
    parts = []
    for letter in ("m", "r", "a@x"):
        values = [f"{letter}{number}" for number in range(random.choice([1, 2, 5, 9]))]
        lacking = ["-"] * random.choice([0, 1, 3])
        parts.append([*values, *lacking])
    parts[1] += random.choice([[], ["a@x0"]])  # an address may stand as somebody's id
    events = range(random.choice([3, 6, 12, 30]))
    return [" ".join(random.choice(values) for values in parts) for _ in events]


def table(texts: list[str], random: Random) -> pa.Table:
    """The events that are named so, each of some kind and at some moment."""
    rows = []
    for text in texts:
        names = [part.replace("-", "") for part in text.split()]
        row: dict[str, object] = dict(zip(NAMES, names, strict=True))
        row["kind"] = random.choice(KINDS)
        row["ts"] = random.choice(MOMENTS)
        row["message_key"] = message_key(*names)
        rows.append(row)
    return pa.Table.from_pylist(rows, SCHEMA)
