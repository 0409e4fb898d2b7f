"""What names mean in DuckDB's relations: the last that each was given, wherever it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxtools.events.database import Resources
from cxtools.events.relations import DuckDBRelations, duckdb_relations


@pytest.fixture
def relations(tmp_path: Path) -> Iterator[DuckDBRelations]:
    """Relations with the numbers 1 and 2, and each of them doubled."""
    with duckdb_relations(tmp_path, Resources(tmp_path / "spill")) as relations:
        relations.register("numbers", pa.table({"number": [1, 2]}))
        relations.define("doubled", "select 2 * number as number from numbers")
        yield relations


def numbers(relations: DuckDBRelations, sql: str) -> list[int]:
    return sorted(relations.rows(sql)["number"].to_pylist())


@pytest.mark.parametrize(
    "sql",
    [
        "select number from doubled",
        "-- Which numbers are there, with\n-- what they are with others?\nselect number from doubled",
        "-- Which?\nwith own as (select number from doubled) select number from own",
        "select number from (select * from doubled) as rows",
        "with doubled_once as (select * from doubled) -- from nowhere\nselect * from doubled_once",
    ],
)
def test_a_statement_reads_what_is_defined(relations: DuckDBRelations, sql: str) -> None:
    """Whatever it begins with, and by whatever name of its own."""
    assert [2, 4] == numbers(relations, sql)


def test_a_relation_reads_others_that_are_defined_later(relations: DuckDBRelations) -> None:
    """And has a part with the name of a part of the statement that reads it."""
    relations.define("sums", "with rows as (select * from halves) select number from rows")
    relations.define("halves", "-- one row from halves\nselect number // 2 as number from doubled")

    sql = "with rows as (select * from sums union all select * from sums) select * from rows"
    assert [1, 1, 2, 2] == numbers(relations, sql)


def test_what_is_kept_stays_as_it_is(relations: DuckDBRelations) -> None:
    """Also under a name that was defined; what is defined goes by the last that names mean."""
    relations.keep("doubled", "select number + 100 as number from doubled")
    relations.define("again", "select number from doubled")
    relations.register("numbers", pa.table({"number": [7]}))

    assert [102, 104] == numbers(relations, "select * from again")
    relations.define("doubled", "select 2 * number as number from numbers")
    assert [14] == numbers(relations, "select * from again")


def test_files_in_a_folder_of_any_name(relations: DuckDBRelations, tmp_path: Path) -> None:
    """Read and written where a name has an apostrophe, or words that mean something in SQL."""
    folder = tmp_path / "Ann's rows from written" / "campaign=2026"
    folder.mkdir(parents=True)
    relations.write("select * from doubled order by number", folder / "it's.parquet")
    relations.read("written", [folder / "it's.parquet"])

    assert [2, 4] == pq.read_table(folder / "it's.parquet")["number"].to_pylist()
    assert [{"number": 2, "campaign": "2026"}, {"number": 4, "campaign": "2026"}] == relations.rows(
        "select * from written order by number"
    ).to_pylist()


def test_what_is_lent_is_read_like_any_other(relations: DuckDBRelations) -> None:
    """Also by what is defined of it, and in the place of what bore its name before."""
    relations.lend("numbers", pa.table({"number": [5, 6], "unread": ["a", "b"]}))

    assert [5, 6] == numbers(relations, "select number from numbers")
    assert [10, 12] == numbers(relations, "select number from doubled")
    relations.lend("numbers", pa.table({"number": [7]}))
    assert [14] == numbers(relations, "select number from doubled")
