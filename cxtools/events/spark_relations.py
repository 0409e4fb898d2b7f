"""Relations of Spark: the same SQL over the same files as DuckDB's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.database import Resources
from cxtools.events.relations import BATCH_ROWS, GROUP_ROWS
from cxtools.events.spark import spark_session
from cxtools.events.store import FOLDER_PREFIX

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class SparkRelations:
    """Relations of a session of Spark."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._kept: list[DataFrame] = []

    def read(self, name: str, files: Sequence[Path]) -> None:
        names = [str(file) for file in files]
        reader = self._session.read.option("basePath", _base_path(files[0]))
        reader.parquet(*names).createOrReplaceTempView(name)

    def register(self, name: str, table: pa.Table) -> None:
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def lend(self, name: str, table: pa.Table) -> None:
        self.register(name, table)

    def define(self, name: str, sql: str) -> None:
        self._session.sql(sql).createOrReplaceTempView(name)

    def keep(self, name: str, sql: str) -> None:
        # A cached plan would be looked up, and planned, again in every statement that builds on it:
        # four times the work where many do.
        frame = self._session.sql(sql).localCheckpoint()
        self._kept.append(frame)
        frame.createOrReplaceTempView(name)

    def share(self, name: str, sql: str) -> None:
        # Each part of a statement that reads a view holds the view's whole plan.
        self.keep(name, sql)

    def rows(self, sql: str) -> pa.Table:
        return self._session.sql(sql).toArrow()

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        yield from self.rows(sql).to_batches(BATCH_ROWS)

    def write(self, sql: str, file: Path) -> None:
        folder = Path(tempfile.mkdtemp(prefix=".spark-", dir=file.parent))
        rows = self._session.sql(sql).coalesce(1)
        writer = rows.write.mode("append").option("compression", "zstd")
        writer.option("parquet.block.row.count.limit", GROUP_ROWS).parquet(str(folder))
        [written] = folder.glob("*.parquet")
        written.rename(file)
        shutil.rmtree(folder)

    def forget(self) -> None:
        """Give back the memory of what was kept: Spark frees what nobody holds."""
        self._kept.clear()


@contextmanager
def spark_relations(master: str, folder: Path, resources: Resources) -> Iterator[SparkRelations]:
    """
    Spark at a master, for a `with` block.

    Raises:
        ConfigError: Spark can't be started there.
        StoreError: a file below *folder* can't be read.
    """
    with spark_session(master, str(folder), resources) as session:
        relations = SparkRelations(session)
        try:
            yield relations
        finally:
            relations.forget()


def _base_path(file: Path) -> str:
    """The folder above the campaign's: from there on Spark takes `campaign=NAME` for a column."""
    for folder in file.parents:
        if folder.name.startswith(FOLDER_PREFIX):
            return str(folder.parent)
    return str(file.parent)
