"""
Spark beside DuckDB: the same functions, relations and answers, cell by cell; and words for whoever
has no Spark.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cxtools.events import database, spark
from cxtools.events.database import Resources
from cxtools.events.keys import key
from cxtools.events.spark import spark_session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
US = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def on_duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with our functions."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(database.FUNCTIONS.read_text())
        yield connection


@pytest.fixture(scope="module")
def on_spark(
    spark_master: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SparkSession]:
    """Spark with our functions."""
    folder = tmp_path_factory.mktemp("spark")
    with spark_session(spark_master, str(folder), Resources(folder)) as session:
        yield session


MOMENTS = [
    (None, MONDAY, None, None),
    (MONDAY, None, None, None),
    (MONDAY, MONDAY, 0, 0),
    (MONDAY, MONDAY + timedelta(seconds=2.5), 2, 2500),
    (MONDAY + timedelta(seconds=0.9), MONDAY + timedelta(seconds=1.1), 1, 200),
    (MONDAY + timedelta(seconds=1.1), MONDAY + timedelta(seconds=1.9), 0, 800),
    (MONDAY + timedelta(seconds=1), MONDAY + timedelta(seconds=1) - US, -1, -1),
    (MONDAY + 999 * US, MONDAY + 1000 * US, 0, 1),
    (MONDAY + timedelta(days=800), MONDAY - US, -800 * 86400 - 1, -800 * 86400_000 - 1),
    (EPOCH - timedelta(seconds=0.5), EPOCH + timedelta(seconds=0.25), 1, 750),
    (EPOCH - timedelta(seconds=1.5), EPOCH - timedelta(seconds=0.5), 1, 1000),
]
TEXTS = [None, "", "e1", "m1\0ann@example.com", "ümlaut 🎂", *(f"id-{n}" for n in range(200))]


def test_the_functions_of_both_engines_are_the_same() -> None:
    """In the same order, so that a reader finds one beside the other."""
    names = [
        [
            line.split("(")[0].split()[-1]
            for line in file.read_text().splitlines()
            if line[:6] == "create"
        ]
        for file in (database.FUNCTIONS, spark.FUNCTIONS)
    ]
    names[1].insert(4, "regexp_like")

    assert names[0] == names[1]
    assert len(names[0]) <= 10


MOMENT = pa.timestamp("us", tz="UTC")
PAIRS = pa.table(
    {
        "row": range(len(MOMENTS)),
        "a": pa.array([moments[0] for moments in MOMENTS], MOMENT),
        "b": pa.array([moments[1] for moments in MOMENTS], MOMENT),
    }
)
DAYS = [None, *(MONDAY + timedelta(days=n, seconds=n / 7) for n in range(-20_000, 400, 37))]


#: An expression over the rows of a table that have one number, and what it is for each number.
FUNCTIONS: dict[str, tuple[str, pa.Table, list[Any]]] = {
    "seconds_between": ("max(seconds_between(a, b))", PAIRS, [row[2] for row in MOMENTS]),
    "millis_between": ("max(millis_between(a, b))", PAIRS, [row[3] for row in MOMENTS]),
    "iso_weekday": (
        "max(iso_weekday(a))",
        pa.table({"row": range(len(DAYS)), "a": pa.array(DAYS, MOMENT)}),
        [day and day.isoweekday() for day in DAYS],
    ),
    "iso_text": (
        "max(iso_text(a))",
        pa.table({"row": range(len(DAYS)), "a": pa.array(DAYS, MOMENT)}),
        [day and f"{day:%Y-%m-%dT%H:%M:%SZ}" for day in DAYS],
    ),
    "regexp_like": (
        "max(regexp_like(t, '^(utm_[A-Za-z]+|mc_[ce]id)='))",
        pa.table({"row": range(5), "t": [None, "", "utm_source=a", "xutm_a=b", "mc_eid="]}),
        [None, False, True, False, True],
    ),
    "key_of": (
        "max(key_of(t))",
        pa.table({"row": range(len(TEXTS)), "t": TEXTS}),
        [None if text is None else key(text) for text in TEXTS],
    ),
    "texts_in_order": (
        "concat_ws(', ', texts_in_order(array_agg((place, word, text)) filter (where place > 0)))",
        pa.table({"row": [0, 0, 0, 0, 1], "place": [2, 1, 2, 2, 0],
                  "word": ["b", "z", "c", "", "x"], "text": ["c", "a", "d", "b", "x"]}),
        ["a, b, c, d", ""],
    ),
    "text_hash": (
        "count(distinct text_hash(t)) - count(distinct t)",
        pa.table({"row": [0] * len(TEXTS[1:]), "t": TEXTS[1:]}),
        [0],
    ),
    "content_hash": (
        "count(distinct content_hash(n, kind, a, t, code, text))",
        pa.table({"row": [0] * 7, "n": [1, 1, 2, 1, 1, 1, 1],
                  "kind": ["open"] * 6 + ["click"],
                  "a": pa.array([MONDAY, MONDAY, MONDAY, None, MONDAY + US, MONDAY, MONDAY], MOMENT),
                  "t": ["", "", "", "", "", "x", ""], "code": [""] * 7, "text": [""] * 7}),
        [6],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_the_same_in_both_engines(
    name: str,
    on_duckdb: duckdb.DuckDBPyConnection,
    on_spark: SparkSession,
) -> None:
    """Value by value, also of nulls, of fractions of a second and of moments before 1970."""
    expression, table, expected = FUNCTIONS[name]
    sql = f"select row, {expression} as value from cases group by row order by row"  # noqa: S608
    on_duckdb.register("cases", table)
    on_spark.createDataFrame(table).createOrReplaceTempView("cases")

    assert expected == on_duckdb.sql(sql).to_arrow_table()["value"].to_pylist()
    assert expected == on_spark.sql(sql).toArrow()["value"].to_pylist()
