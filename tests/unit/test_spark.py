"""
Spark beside DuckDB: the same functions, relations and answers, cell by cell; and words for whoever
has no Spark.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from cxtools.errors import ConfigError, StoreError
from cxtools.events import database, spark
from cxtools.events.database import Resources
from cxtools.events.keys import key
from cxtools.events.messages.layer import RELATIONS
from cxtools.events.spark import _process_session, spark_session
from cxtools.events.spark_folder import errors_into, own_folder
from cxtools.events.spark_relations import spark_relations
from cxtools.events.store import EventStore
from cxtools.measures.answers import answer, count, count_file
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import outcomes
from tests.oracle.events import odd_events, random_events
from tests.tables import RECEIVED

BERLIN = ZoneInfo("Europe/Berlin")
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
    names[1].insert(names[0].index("regexp_like"), "regexp_like")

    assert names[0] == names[1]
    assert len(names[0]) <= 13


MOMENT = pa.timestamp("us", tz="UTC")
PAIRS = pa.table(
    {
        "row": range(len(MOMENTS)),
        "a": pa.array([moments[0] for moments in MOMENTS], MOMENT),
        "b": pa.array([moments[1] for moments in MOMENTS], MOMENT),
    }
)
SAFE = "https://eur01.safelinks.protection.outlook.com"
DEFENSE = "https://urldefense.proofpoint.com"
SHOP = "https://shop.example"
TRACKER = "https://track.example/r?to=https"
#: A link as a mail filter wraps it, or with addresses -> the link without these.
WRAPPED = {
    None: None,
    "": "",
    "https://shop.example/a?b=c%20d": "https://shop.example/a?b=c%20d",
    "https://shop.example/?url=https%3A%2F%2Fa.example": "https://shop.example/?url=https%3A%2F%2Fa.example",
    f"{SAFE}/?url=https%3A%2F%2Fshop.example%2Fa%3Fid%3D7%26x%3D1%2B1&data=05%7C01&sdata=x&reserved=0": "https://shop.example/a?id=7&x=1+1",
    f"{SAFE}/?data=05&url=https%3A%2F%2Fshop.example%2F": "https://shop.example/",
    f"{DEFENSE}/v1/url?u=https%3A%2F%2Fshop.example%2Fa&k=x": "https://shop.example/a",
    f"{DEFENSE}/v2/url?u=https-3A__shop.example_a-3Fid-3D7&d=DwM&c=e": "https://shop.example/a?id=7",
    "https://urldefense.com/v3/__https://shop.example/a?id=7__;!!AbC!x$": "https://shop.example/a?id=7",
    "https://urldefense.com/v3/about": "https://urldefense.com/v3/about",
    f"{SAFE}/?url=https%3A%2F%2Fshop.example%2Fa%3Fe%3Djane%2540x.example&data=05": f"{SHOP}/a?e=…",
    f"{DEFENSE}/v2/url?u=https-3A__shop.example_a-3Fe-3Djane-40x.example&d=c": f"{SHOP}/a?e=…",
    f"{SHOP}/new?id=340": f"{SHOP}/new?id=340",
    f"{SHOP}/unsubscribe?email=jane.roe@example.com": f"{SHOP}/unsubscribe?email=…",
    f"{SHOP}/o?e=jane.roe%40example.com&u=1": f"{SHOP}/o?e=…&u=1",
    f"{SHOP}/o?e=jane%252Broe%2540example.com&u=1": f"{SHOP}/o?e=…&u=1",
    f"{SHOP}/o?e=o'neil+x@example.co.uk": f"{SHOP}/o?e=…",
    f"{SHOP}/o?e=j%C3%B6rg%40m%C3%BCnchen.example&q=%20b": f"{SHOP}/o?e=…&q=%20b",
    f"{SHOP}/o?e=jörg＠münchen.example": f"{SHOP}/o?e=…",
    f"{SHOP}/people/jane.roe@example.com/a": f"{SHOP}/people/…/a",
    f"{SHOP}/o?all=ann@a.example,bob@b.example;cat@c.example": f"{SHOP}/o?all=…,…;…",
    f"{TRACKER}%3A%2F%2Fshop.example%2Fa%3Fe%3Dann%40x.example%26b%3D1": f"{TRACKER}%3A%2F%2Fshop.example%2Fa%3Fe%3D…%26b%3D1",
    f"{TRACKER}%253A%252F%252Fa.example%253Fe%253Dann%2540x.example": f"{TRACKER}%253A%252F%252Fa.example%253Fe%253D…",
    "https://video.example/@shop/7": "https://video.example/@shop/7",
    "https://video.example/%40shop/7": "https://video.example/%40shop/7",
    f"{SHOP}/o?e=…": f"{SHOP}/o?e=…",
    f"{SHOP}/o?e=***@example.com": f"{SHOP}/o?e=…",
}
#: A text -> the fields a.b and a of the object that it is.
FIELDS = {
    '{"a.b": "x", "a": "y"}': "x|y",
    '{"a": {"b": "x"}}': 'x|{"b":"x"}',
    '{"a": {"b": 7}}': '7|{"b":7}',
    '{"a": "y"}': None,
    "no json": None,
}
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
    "field_of": (
        "max(field_of(t, 'a.b')) || '|' || max(field_of(t, 'a'))",
        pa.table({"row": range(len(FIELDS)), "t": list(FIELDS)}),
        list(FIELDS.values()),
    ),
    "in_zone": (
        "max(iso_text(in_zone(a, 'Europe/Berlin')))",
        pa.table({"row": range(len(DAYS)), "a": pa.array(DAYS, MOMENT)}),
        [day and f"{day.astimezone(BERLIN):%Y-%m-%dT%H:%M:%SZ}" for day in DAYS],
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
    "bare_url": (
        "max(bare_url(t))",
        pa.table({"row": range(len(WRAPPED)), "t": list(WRAPPED)}),
        list(WRAPPED.values()),
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


# --- the same answers ---

EVENTS = 9_000
CAMPAIGNS = ["spring", "summer"]
SPLIT = [
    question.name for question in QUESTIONS.values() if question.splits and not question.derived
]
WHOLE = [
    question.name for question in QUESTIONS.values() if not question.splits and not question.earlier
]
COMPARED = [question.name for question in QUESTIONS.values() if question.earlier]
AS_OF = {"all": None, "inside": "2026-09-15T02:00:00+02:00"}
#: With all dimensions at once, every value of each is compared.
ASKED: list[tuple[str, list[str]]] = [
    ("all", list(DIMENSIONS)),
    ("inside", list(DIMENSIONS)),
]


@dataclass(frozen=True)
class Both:
    """The same events asked of both engines, each with layers that it made itself."""

    duckdb: Engine
    spark: Engine


@pytest.fixture(scope="module")
def both(spark_master: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Stores of events that are odd in every way that feeds are, and of random ones."""
    root = tmp_path_factory.mktemp("both")
    store = EventStore(root / "events")
    happened = [*odd_events(), *random_events(Random(7), EVENTS)]
    store.add("summer", happened, source="b", received_at=RECEIVED)
    store.add("spring", random_events(Random(8), 60), source="b", received_at=RECEIVED)
    shutil.copytree(root / "events", root / "copy")
    copy = EventStore(root / "copy", Resources(root / "spill"))
    return Both(Engine(store), Engine(copy, runs_on=spark_master))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("relation", RELATIONS)
def test_spark_makes_the_same_layer(campaign: str, relation: str, both: Both) -> None:
    """Every relation of it, row by row, of the same types."""
    check_layers(both, campaign, [relation])


def check_layers(both: Both, campaign: str, relations: Sequence[str]) -> None:
    """The layers of both engines hold the same rows, of the same types."""
    for relation in relations:
        ours, sparks = (
            pq.read_table(engine.layer(campaign).files(relation), partitioning=None).to_pandas()
            for engine in (both.duckdb, both.spark)
        )
        columns = list(ours.columns)
        check_equal(
            ours.sort_values(columns, ignore_index=True),
            sparks.sort_values(columns, ignore_index=True),
            relation,
        )


def check_equal(ours: pd.DataFrame, sparks: pd.DataFrame, name: str) -> None:
    """Only what floats can't hold exactly may differ in the last digits."""
    pd.testing.assert_frame_equal(ours, sparks, rtol=1e-12, obj=name)


@pytest.mark.parametrize(("as_of", "by"), ASKED, ids=str)
def test_every_split_has_the_same_answers(as_of: str, by: list[str], both: Both) -> None:
    """Every question that can be split, of all campaigns, cell by cell."""
    for split, names in names_by_split(by).items():
        check_counts(both, names, by=list(split), as_of=AS_OF[as_of])


def names_by_split(by: list[str]) -> dict[tuple[str, ...], list[str]]:
    """
    Dimensions -> the questions that are split by them: by all of these but those that their rows
    are of already.
    """
    names: dict[tuple[str, ...], list[str]] = {}
    for name in SPLIT:
        own = QUESTIONS[name].column_names()
        split = tuple(dimension for dimension in by if dimension not in own)
        names.setdefault(split, []).append(name)
    return names


@pytest.mark.parametrize("as_of", AS_OF)
def test_whole_campaigns_have_the_same_answers(as_of: str, both: Both) -> None:
    """Every question that can't be split."""
    check_counts(both, WHOLE, as_of=AS_OF[as_of])


def check_counts(both: Both, names: list[str], **how: Any) -> None:
    """The questions' counts in both engines, asked in one session each."""
    truths = count(both.duckdb, names, **how)
    answers = count(both.spark, names, **how)
    for name, ours, sparks in zip(names, truths, answers, strict=True):
        check_equal(ours, sparks, name)


@pytest.mark.parametrize("name", COMPARED)
def test_campaigns_at_one_age_have_the_same_answers(name: str, both: Both) -> None:
    """A campaign beside the earlier one, both cut at its age."""
    ours, sparks = (answer(engine, name, "summer") for engine in (both.duckdb, both.spark))

    check_equal(pd.DataFrame(ours), pd.DataFrame(sparks), name)


def test_a_filter_and_jobs_are_the_same(both: Both) -> None:
    """Some messages of one campaign; what became of each recipient of some jobs; places."""
    how = {"campaigns": "summer", "where": {"provider": ["gmail"]}, "by": ["day", "job"]}

    check_counts(both, ["funnel"], **how)
    assert outcomes(both.duckdb, "summer", ["j1", "a"]) == outcomes(
        both.spark, "summer", ["j1", "a"]
    )
    ours, sparks = (
        count_file(engine, "places", "summer", by=["provider"]).sort_by("provider").to_pandas()
        for engine in (both.duckdb, both.spark)
    )
    assert len(ours) > 1
    check_equal(ours, sparks, "places")


def test_cells_up_to_a_moment_are_the_same(both: Both) -> None:
    """Counted of the messages that had ended by then, and of the others."""
    engines = Both(
        replace(both.duckdb, rules_digest=lambda: "cells"),
        replace(both.spark, rules_digest=lambda: "cells"),
    )
    how: dict[str, Any] = {"campaigns": "summer", "by": ["cause"], "as_of": AS_OF["inside"]}
    for engine in (engines.duckdb, engines.spark):
        engine.count_ended("summer")
        engine.count_cells("summer", as_of=AS_OF["inside"])
        with engine.session(**how) as session:
            assert session.reads_cells

    check_counts(engines, ["funnel", "bounces", "curve"], **how)


# --- words for whoever has no Spark ---


def start(home: Path) -> None:
    """Ask Spark for a session, as a process that has none yet."""
    _process_session.__wrapped__(0, "local[1]", Resources(home))


def make_java(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java says that it is of this version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\nexit 1\n")
    java.chmod(0o700)
    return folder


def test_without_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, and what to install."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(ConfigError, match="Spark needs Java, which was not found") as refused:
        start(tmp_path)
    assert "Java 17 or newer" in refused.value.do


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Spark fails in it, without words."""
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path, "11.0.2")))

    with pytest.raises(ConfigError, match="Spark needs Java 17 or newer"):
        start(tmp_path)


def test_without_pyspark_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which extra to install."""
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)

    with pytest.raises(ConfigError, match="is Spark, which is not installed") as refused:
        start(tmp_path)
    assert "cxtools[spark]" in refused.value.do


def test_what_the_spark_of_a_killed_process_spilled_is_removed(tmp_path: Path) -> None:
    """By whoever starts Spark next; the folders of those who live stay."""
    living = own_folder(tmp_path)
    script = """
        import os, signal, sys
        from pathlib import Path
        from cxtools.events.spark_folder import own_folder
        (own_folder(Path(sys.argv[1])) / "blockmgr").mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=False)
    with_killed = len(list(tmp_path.iterdir()))

    own = own_folder(tmp_path)

    assert 2 == with_killed
    assert {living, own} == {*tmp_path.iterdir()}


def test_what_a_killed_process_derived_of_a_store_is_removed(tmp_path: Path) -> None:
    """People's keys stand there: whoever derives something next removes it."""
    script = """
        import os, signal
        from cxtools.events.own_folder import own_folder
        (own_folder() / "drafts").mkdir()
        print(own_folder().name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run(command, env=environment, check=False)
    after = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE)

    assert [after.stdout.decode().strip()] == [path.name for path in tmp_path.iterdir()]


def test_what_java_says_as_it_starts_stands_in_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks quietly isn't greeted by it, and says errors as before afterwards."""
    with errors_into(tmp_path / "said.txt"):
        subprocess.run(["sh", "-c", "echo WARNING >&2"], check=True)
    os.write(2, b"an error\n")

    assert "WARNING\n" == (tmp_path / "said.txt").read_text()
    assert ("", "an error\n") == capfd.readouterr()


def test_a_damaged_file_is_an_error_of_the_store(both: Both, tmp_path: Path) -> None:
    """With the place, and without Java's stack."""
    (tmp_path / "part.parquet").write_bytes(b"not Parquet")
    with (
        pytest.raises(StoreError, match="the events can't be read") as refused,
        spark_relations(both.spark.runs_on, tmp_path, both.spark.store.resources) as relations,
    ):
        relations.read("damaged", [tmp_path / "part.parquet"])

    assert str(tmp_path) == refused.value.where
    assert "\n" not in refused.value.what
