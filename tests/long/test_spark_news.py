"""Spark brings a layer up to date as DuckDB does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

from cxtools.events.database import Resources
from cxtools.events.messages.layer import RELATIONS
from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from tests.oracle.events import random_events
from tests.tables import RECEIVED
from tests.unit.test_spark import Both, check_layers


def test_spark_merges_news_into_the_same_layer(spark_master: str, tmp_path: Path) -> None:
    """What is new of a few messages stands in a tail, and in files of its own."""
    happened = list(random_events(Random(9), 400))
    stores = [
        EventStore(tmp_path / name, Resources(tmp_path / f"{name}-spill"))
        for name in ("duckdb", "spark")
    ]
    engines = Both(Engine(stores[0]), Engine(stores[1], runs_on=spark_master))

    for day, news in enumerate((happened[:-4], happened[-4:])):
        received_at = RECEIVED + timedelta(days=day)
        for target in stores:
            target.add("c", news, source="b", received_at=received_at)
        engines.duckdb.layer("c")
        merged = engines.spark.layer("c")

    check_layers(engines, "c", RELATIONS)
    assert 0 < merged.row_count("tail") <= 4
    assert 2 == len(merged.files("clicks"))
