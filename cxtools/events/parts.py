"""
Parts: the Parquet files of a campaign, how they are named and what their columns are.

The 3 in a name is the version of the columns: those of `Event`, where the row came from and when,
and two keys. Parts of earlier versions are read as if they had the same columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cxtools.events import tables
from cxtools.events.database import unreadable
from cxtools.events.keys import EVENT_HASH, EVENT_ID, KEYS_SQL, MESSAGE_KEY, keys_of, with_keys

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

# What is known of tables of events, for those who know them by their parts.
event_columns = tables.event_columns
event_schema = tables.event_schema
table_of = tables.table_of

#: Rows of a row group, the least that is read of a part: about 7 MB.
ROW_GROUP = 50_000

#: The columns that are written with a dictionary. Where most values differ, looking for one takes
#: two fifths of the CPU of writing and makes the part a tenth larger.
FEW_VALUES = [
    "kind",
    "raw_kind",
    "job_id",
    "bounce_code",
    "bounce_text",
    "bounce_class",
    "link_url",
    "user_agent",
    "ip",
    "source",
    "received_at",
]

#: Where a merged part names those as which its rows were added.
MERGED_FROM = b"cxtools.merged_from"

# The type is given because DuckDB would read a campaign named "2026" as a number.
FILES = "read_parquet($files, hive_partitioning = true, hive_types = {'campaign': varchar})"


@dataclass(frozen=True)
class Version:
    """
    A version of the columns.

        prefix    how the names of its parts begin
        columns   what a query selects to have the columns of the current version
    """

    prefix: str
    columns: str


# Version 2 had no keys. Version 1 had neither by_machine nor bounce_class: a machine's open had a
# raw_kind of our own.
CURRENT = Version("part-3-", "*")
VERSION_2 = Version("part-2-", f"*, {KEYS_SQL}")
VERSION_1 = Version(
    "part-",
    f"""
       *,
       case when raw_kind = 'machine_open' then true end as by_machine,
       '' as bounce_class,
       {KEYS_SQL}
""",
)
#: A part is of the first version whose prefix its name has.
VERSIONS = (CURRENT, VERSION_2, VERSION_1)

#: Rows with one event id: the first by these columns, missing values last, is the event, and the
#: others repeat it. They are all columns but the id and what is computed from others, so that rows
#: which differ in anything have one order, whoever reads them.
PRECEDENCE = (
    "received_at",
    "source",
    "ts",
    "kind",
    "raw_kind",
    "job_id",
    "message_id",
    "recipient_id",
    "email",
    "bounce_code",
    "bounce_text",
    "bounce_class",
    "link_url",
    "user_agent",
    "ip",
    "by_machine",
    "raw",
)
_PRECEDENCE_SQL = ", ".join(f"{column} nulls last" for column in PRECEDENCE)

# Only rows whose hash stands more than once are put in order: one in hundreds, and the order takes
# all of a row. Two ids may have one hash, so it is the id that says which rows repeat an event.
EVENTS = f"""
create temp view events as
with repeated as (
    select event_hash
    from received
    group by event_hash
    having count(*) > 1
),
in_order as (
    select *,
           row_number() over (
               partition by campaign, event_id order by {_PRECEDENCE_SQL}
           ) as nth
    from received
    semi join repeated using (event_hash)
)
select * from received anti join repeated using (event_hash)
union all
select * exclude (nth) from in_order where nth = 1
"""  # noqa: S608


def name_of(table: pa.Table) -> str:
    """
    The name of the part that holds these rows, whatever their order: a digest of their ids.

    The ids are put in order by their hashes, which takes a tenth of what their texts take.
    """
    order = table[EVENT_HASH].to_numpy().argsort()
    ids = table["event_id"].take(order).combine_chunks()
    digest = hashlib.sha256()
    for buffer in ids.buffers()[1:]:  # where each begins, and all of them
        digest.update(buffer)
    return f"{CURRENT.prefix}{digest.hexdigest()[:24]}.parquet"


def version_of(file: Path) -> Version:
    """Which columns a part has."""
    return next(version for version in VERSIONS if file.name.startswith(version.prefix))


def schema() -> pa.Schema:
    """The columns of a part: those of `Event`, where it came from and when, and the keys."""
    import pyarrow as pa

    columns = [
        *event_schema(),
        pa.field("source", pa.string(), nullable=False),
        pa.field("received_at", _moment(), nullable=False),
        pa.field(EVENT_HASH, pa.int64(), nullable=False),
        pa.field(MESSAGE_KEY, pa.int64(), nullable=False),
    ]
    return pa.schema(columns)


def _moment() -> pa.DataType:
    import pyarrow as pa

    return pa.timestamp("us", tz="UTC")


def rows_of_part(table: pa.Table, source: str, received_at: datetime) -> pa.Table:
    """The rows of a part: a table with the columns of `Event`, and all that parts hold besides."""
    import pyarrow as pa

    sources = pa.repeat(pa.scalar(source, pa.string()), len(table))
    moments = pa.repeat(pa.scalar(received_at, _moment()), len(table))
    table = table.append_column("source", sources).append_column("received_at", moments)
    return with_keys(table).cast(schema())


def in_chunks(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """
    The rows of tables, so many at once; only the last chunk may have fewer.

    >>> import pyarrow as pa
    >>> [len(chunk) for chunk in in_chunks([pa.table({"n": [1, 2, 3]})] * 3, 4)]
    [4, 4, 1]
    """
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(len(each) for each in waiting) >= rows:
            together = pa.concat_tables(waiting)
            yield together.slice(0, rows)
            waiting = [together.slice(rows)]
    rest = [table for table in waiting if len(table)]
    if rest:
        yield pa.concat_tables(rest)


def rows_in(connection: duckdb.DuckDBPyConnection, file: Path) -> pa.Table:
    """The rows of one part of any version, with the columns of the current one."""
    columns = schema()
    query = f"select {version_of(file).columns} from {FILES}"  # noqa: S608  # our own texts
    rows = connection.sql(query, params={"files": [str(file)]})
    return rows.to_arrow_table().select(columns.names).cast(columns)


def hashes(file: Path) -> Iterator[pa.ChunkedArray]:
    """
    The hashes of the events of each row group of a part; parts of earlier versions have ids only.

    Raises:
        FileNotFoundError: the part is gone since it was listed.
        StoreError: it can't be read.
    """
    with _open(file) as part:
        row_groups = part.num_row_groups
    for row_group in range(row_groups):
        if version_of(file) is CURRENT:
            yield column(file, EVENT_HASH, [row_group])
        else:
            ids = column(file, EVENT_ID, [row_group])
            yield keys_of(ids)


def column(file: Path, name: str, row_groups: Sequence[int]) -> pa.ChunkedArray:
    """
    A column of some row groups of a part.

    Raises:
        FileNotFoundError, StoreError: as `hashes`.
    """
    with _open(file) as part:
        return part.read_row_groups(row_groups, columns=[name])[name]


def emails(file: Path) -> list[str]:
    """
    The addresses of a part of any version, each once.

    Raises:
        FileNotFoundError, StoreError: as `hashes`.
    """
    with _open(file) as part:
        texts: list[str] = part.read(columns=["email"])["email"].unique().to_pylist()
    return texts


def row_groups(file: Path) -> Iterator[pa.Table]:
    """
    The rows of a part of the current version, a row group at a time.

    Raises:
        FileNotFoundError, StoreError: as `hashes`.
    """
    columns = schema()
    with _open(file) as part:
        for number in range(part.num_row_groups):
            yield part.read_row_group(number).select(columns.names).cast(columns)


@contextmanager
def _open(file: Path) -> Iterator[pq.ParquetFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as part:
            yield part
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from error


def merged_from(file: Path) -> tuple[str, ...]:
    """
    The names under which the rows of a part were added, however often it was merged since; none for
    a part that was added itself.
    """
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(file).metadata or {}
    return tuple(json.loads(metadata.get(MERGED_FROM, "[]")))


def origins(file: Path) -> frozenset[str]:
    """The names of parts under which the rows of a part were added, its own if it was itself."""
    return frozenset(merged_from(file) or [file.name])


def write(table: pa.Table, file: IO[bytes]) -> None:
    """Write the rows of a part into a file."""
    write_all([table], file)


def write_all(tables: Iterable[pa.Table], file: IO[bytes], merged_from: Sequence[str] = ()) -> None:
    """Write a part of many tables, a row group at a time; *merged_from* names their parts."""
    import pyarrow.parquet as pq

    columns = schema()
    if merged_from:
        columns = columns.with_metadata({MERGED_FROM: json.dumps(merged_from)})
    options = {"compression": "zstd", "use_dictionary": FEW_VALUES}
    with pq.ParquetWriter(file, columns, **options) as writer:
        for chunk in in_chunks(tables, ROW_GROUP):
            writer.write_table(chunk, row_group_size=ROW_GROUP)


def make_views(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """
    The views `received`, every row of these files, and `events`, one row per campaign and event id.
    """
    views = []
    for number, version in enumerate(VERSIONS):
        own = [str(file) for file in files if version_of(file) is version]
        if own:
            name = f"parts_{number}"
            query = f"select {version.columns} from {FILES}"  # noqa: S608  # our own texts
            connection.sql(query, params={"files": own}).create_view(name)
            views.append(name)
    if views:
        # Not `union_by_name`, which opens every part before each query: four times as slow for 300
        # parts.
        all_rows = " union all by name ".join(f"from {name}" for name in views)
        connection.execute(f"create view received as {all_rows}")
    else:
        connection.register("received", _no_rows())
    connection.execute(EVENTS)


def _no_rows() -> pa.Table:
    import pyarrow as pa

    campaign = pa.field("campaign", pa.string(), nullable=False)
    return schema().append(campaign).empty_table()
