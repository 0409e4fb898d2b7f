"""
Relations by name, and SQL over them: the one door to an engine.

What asks (the messages layer, the questions) names files and Arrow tables, defines views in the SQL
that every engine reads alike, and gets Arrow tables or Parquet files back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from cxtools.events.clauses import Clauses
from cxtools.events.database import OutOfMemory, Resources, database

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# The type is given because DuckDB would read a campaign named "2026" as a number.
FILES = """
select *
from read_parquet([{files}], hive_partitioning = true, hive_types = {{'campaign': varchar}})
"""
#: Rows that are handed over at once.
BATCH_ROWS = 100_000
#: Rows of a row group: what is skipped as a whole when a job is looked for.
GROUP_ROWS = 61_440
#: How Parquet files are written. The quickest level of zstd makes them a twentieth larger; a column
#: with more values than that in a row group gets no dictionary, which would be made in vain.
PARQUET = f"""
format parquet, compression zstd, compression_level 1,
row_group_size {GROUP_ROWS}, dictionary_size_limit 5000
"""

Answer = TypeVar("Answer")
#: Held by who has made all threads of this process's DuckDB one.
ONE_THREAD = Lock()


class ReadRelations(Protocol):
    """Relations that SQL can read, until the `with` block of their engine ends."""

    def read(self, name: str, files: Sequence[Path]) -> None:
        """
        The rows of Parquet files of one schema as a relation. A folder above them that is named
        `campaign=NAME` gives them the column `campaign`.
        """

    def register(self, name: str, table: pa.Table) -> None:
        """A small Arrow table as a relation."""

    def lend(self, name: str, table: pa.Table) -> None:
        """
        An Arrow table as a relation that stays where it is: one of many columns, of which each
        statement reads a few, and which none joins with more than a few rows.
        """

    def define(self, name: str, sql: str) -> None:
        """What a statement selects as a relation, read whenever it is asked."""

    def keep(self, name: str, sql: str) -> None:
        """What a statement selects now, as a relation that stays as it is."""

    def share(self, name: str, sql: str) -> None:
        """
        What a statement selects, as a relation that others read several times: kept by an engine
        that would plan it anew for each of them.
        """

    def rows(self, sql: str) -> pa.Table:
        """What a statement selects."""


class Relations(ReadRelations, Protocol):
    """The same, and what statements select from them, however much it is."""

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """What a statement selects, some rows at a time."""

    def write(self, sql: str, file: Path) -> None:
        """
        What a statement selects as a Parquet file, in the order of the statement.

        Raises:
            OutOfMemory: it needs more memory than it may take; there may be some of the file.
        """


class DuckDBRelations:
    """Relations of DuckDB; *threads* are as many as answer otherwise, None: one a core."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, threads: int | None = None) -> None:
        self._connection = connection
        self._threads = threads
        self._clauses = Clauses()

    def read(self, name: str, files: Sequence[Path]) -> None:
        names = ", ".join(text_in_sql(str(file)) for file in files)
        self._clauses.define_source(name, FILES.format(files=names))

    def register(self, name: str, table: pa.Table) -> None:
        """A table of DuckDB's own: of Arrow's it doesn't know the size, and joins the wrong way."""
        given = f"given_{name}"
        self._connection.register(given, table)
        self.keep(name, f"select * from {given}")
        self._connection.unregister(given)

    def lend(self, name: str, table: pa.Table) -> None:
        given = f"given_{name}"
        self._connection.register(given, table)
        self._clauses.define_source(name, f"select * from {given}")

    def define(self, name: str, sql: str) -> None:
        self._clauses.define(name, sql)

    def keep(self, name: str, sql: str) -> None:
        statement = f"create or replace temp table {name} as {self._clauses.statement(sql)}"
        self._answer_within_memory(lambda: self._connection.execute(statement))
        self._clauses.forget(name)

    def share(self, name: str, sql: str) -> None:
        self.define(name, sql)

    def rows(self, sql: str) -> pa.Table:
        statement = self._clauses.statement(sql)
        return self._answer_within_memory(lambda: self._connection.sql(statement).to_arrow_table())

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        statement = self._clauses.statement(sql)
        yield from self._connection.sql(statement).to_arrow_reader(BATCH_ROWS)

    def write(self, sql: str, file: Path) -> None:
        import duckdb

        statement = self._clauses.statement(sql)
        copy = f"copy ({statement}) to {text_in_sql(str(file))} ({PARQUET})"
        try:
            with _fix_join_sides(self._connection):
                self._connection.execute(copy)
        except duckdb.OutOfMemoryException as error:
            raise OutOfMemory(file, error) from error

    def _answer_within_memory(self, ask: Callable[[], Answer]) -> Answer:
        """An answer; by one thread where memory is short, since each holds some of its own."""
        import duckdb

        try:
            return ask()
        except duckdb.OutOfMemoryException:
            as_before = f"set threads = {self._threads}" if self._threads else "reset threads"
            with ONE_THREAD:
                self._connection.execute("set threads = 1")
                try:
                    return ask()
                finally:
                    self._connection.execute(as_before)


@contextmanager
def _fix_join_sides(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """
    Statements hold the right side of each join in memory, and read the left as it comes.

    DuckDB would choose by the rows that it expects. Where keys of messages are computed it expects
    one, held six million whole messages instead of a few bounces, and ran out of memory. It has one
    setting for all its connections, and plans a statement when it begins: what others begin
    meanwhile is joined like this, too, and may at worst take a third longer.
    """
    connection.execute("set disabled_optimizers = 'build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("reset disabled_optimizers")


def text_in_sql(text: str) -> str:
    """
    A text as SQL says it.

    >>> print(text_in_sql("Ann's events"))
    'Ann''s events'
    """
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


@contextmanager
def duckdb_relations(folder: Path, resources: Resources) -> Iterator[DuckDBRelations]:
    """
    DuckDB, in UTC, for a `with` block, with what it may take.

    Raises:
        StoreError: a file below *folder* can't be read.
    """
    with database(folder, resources) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield DuckDBRelations(connection, resources.threads)
