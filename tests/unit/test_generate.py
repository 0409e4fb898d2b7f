"""The events that the benchmarks measure on, and that proofs are made of, are as an ingest writes them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.generate import PART_ROWS, link_campaign, write_campaign
from benchmarks.stores import folder_of
from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import event_kinds
from cxtools.model import Event

EVENTS = PART_ROWS + 20_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("generated")
    write_campaign(folder_of(home), EVENTS, seed=7)
    return home


def first_rows(file: Path, count: int) -> list[dict[str, Any]]:
    rows = pq.ParquetFile(file).read().slice(0, count)
    return list(rows.to_pylist())


def parts_of(home: Path) -> list[Path]:
    return sorted(folder_of(home).iterdir())


def test_the_columns_say_what_the_raw_row_says(home: Path) -> None:
    """Each row is the event that the API's reader makes of its raw text."""
    different = []
    for row in first_rows(parts_of(home)[0], 5_000):
        event = asdict(Event.from_api(json.loads(row["raw"])))
        stored = {name: row[name] for name in event}
        if stored != event:
            different.append((stored, event))

    assert [] == different


def test_there_are_as_many_rows_as_asked_for_in_parts_of_fifty_thousand(home: Path) -> None:
    """The last part holds the rest, repeated rows included."""
    rows = sorted(pq.ParquetFile(file).metadata.num_rows for file in parts_of(home))

    assert [EVENTS - PART_ROWS, PART_ROWS] == rows


def test_the_same_seed_makes_the_same_files(home: Path, tmp_path: Path) -> None:
    """Another seed shares no file with it."""
    again = write_campaign(tmp_path / "again", EVENTS, seed=7)
    other = write_campaign(tmp_path / "other", 1000, seed=8)

    assert {file.name for file in parts_of(home)} == {file.name for file in again}
    assert {file.name for file in other}.isdisjoint({file.name for file in again})


def test_a_store_reads_them(home: Path) -> None:
    """Some rows come twice, in one part or in two, and some have no moment."""
    store = EventStore(home / "events")
    with store.connection() as connection:
        repeated = """
            select count(*) filter (where moments = 1) as at_once,
                   count(*) filter (where moments = 2) as later
            from (
                select count(*) as times, count(distinct received_at) as moments
                from received
                group by event_id
            )
            where times > 1
        """
        [[at_once, later]] = connection.execute(repeated).fetchall()
        undated = "select count(*) from events where ts is null"
        [[without_moment]] = connection.execute(undated).fetchall()

    assert at_once > 0
    assert later > 0
    assert 0 < without_moment < EVENTS / 1000
    assert EVENTS - at_once - later == sum(event_kinds(Engine(store), "large-000").values())


def test_a_linked_campaign_is_one_of_its_own(home: Path, tmp_path: Path) -> None:
    """The store takes the links for a campaign of their folder's name."""
    link_campaign(folder_of(home), folder_of(tmp_path, 1))

    assert ["large-001"] == EventStore(tmp_path / "events").campaigns()
