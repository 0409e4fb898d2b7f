"""
Parts: the Parquet files of a campaign, how they are named and what their columns are.

The 2 in a name is the version of the columns; parts of version 1 are named `part-<digest>.parquet`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cxtools.events.database import database
from cxtools.model import Event

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

#: How the name of a part begins whose columns are those of `Event` as it is.
CURRENT = "part-2-"
#: The names of parts of every version.
PATTERN = "part-*.parquet"

# The type is given because DuckDB would read a campaign named "2026" as a number.
FILES = "read_parquet($files, hive_partitioning = true, hive_types = {'campaign': varchar})"
VERSION_2 = f"select * from {FILES}"  # noqa: S608
# Version 1 had neither by_machine nor bounce_class: a machine's open had a raw_kind of our own.
VERSION_1 = f"""
select *,
       case when raw_kind = 'machine_open' then true end as by_machine,
       '' as bounce_class
from {FILES}
"""  # noqa: S608
# Not `union_by_name`, which opens every part before each query: four times as slow for 300 parts.
BOTH_VERSIONS = """
create view received as
select * from current_parts
union all by name
select * from old_parts
"""
EVENTS = """
create temp view events as
select * exclude (nth)
from (
    select *,
           row_number() over (
               partition by campaign, event_id order by received_at, source
           ) as nth
    from received
)
where nth = 1
"""


def name_of(events: Sequence[Event]) -> str:
    """The name of the part that holds these events, whatever their order."""
    ids = {event.event_id for event in events}
    text = "\n".join(sorted(ids))
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{CURRENT}{digest}.parquet"


def schema() -> pa.Schema:
    """The columns of a part: those of `Event`, then where it came from and when."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    may_be_missing = {"ts": moment, "by_machine": pa.bool_()}
    columns = []
    for field in fields(Event):
        if field.name in may_be_missing:
            columns.append(pa.field(field.name, may_be_missing[field.name]))
        else:
            columns.append(pa.field(field.name, pa.string(), nullable=False))
    columns.append(pa.field("source", pa.string(), nullable=False))
    columns.append(pa.field("received_at", moment, nullable=False))
    return pa.schema(columns)


def table_of(events: Sequence[Event], source: str, received_at: datetime) -> pa.Table:
    """The rows of a part."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {}
    for field in fields(Event):
        columns[field.name] = [getattr(event, field.name) for event in events]
    columns["source"] = [source] * len(events)
    columns["received_at"] = [received_at] * len(events)
    return pa.table(columns, schema=schema())


def write(table: pa.Table, file: IO[bytes]) -> None:
    """Write the rows of a part into a file."""
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd")


def ids_in(files: Sequence[Path], ids: set[str]) -> set[str]:
    """
    Those of the ids which the files hold. DuckDB scans one column, so memory doesn't grow with the
    store.
    """
    if not files:
        return set()
    import pyarrow as pa

    query = "select event_id from wanted semi join stored using (event_id)"
    with database(files[0].parent) as connection:
        connection.register("wanted", pa.table({"event_id": list(ids)}))
        stored = connection.read_parquet([str(file) for file in files])
        stored.create_view("stored")
        rows = connection.execute(query).fetchall()
    return {event_id for [event_id] in rows}


def make_views(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """
    The views `received`, every row of these files, and `events`, one row per campaign and event id.
    """
    current = [str(file) for file in files if file.name.startswith(CURRENT)]
    old = [str(file) for file in files if not file.name.startswith(CURRENT)]
    if current and old:
        _view(connection, "current_parts", VERSION_2, current)
        _view(connection, "old_parts", VERSION_1, old)
        connection.execute(BOTH_VERSIONS)
    elif current:
        _view(connection, "received", VERSION_2, current)
    elif old:
        _view(connection, "received", VERSION_1, old)
    else:
        connection.register("received", _no_rows())
    connection.execute(EVENTS)


def _view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    files: list[str],
) -> None:
    relation = connection.sql(query, params={"files": files})
    relation.create_view(name)


def _no_rows() -> pa.Table:
    import pyarrow as pa

    campaign = pa.field("campaign", pa.string(), nullable=False)
    return schema().append(campaign).empty_table()
