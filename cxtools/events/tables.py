"""
Events as tables: one column for each field of `Event`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cxtools.model import Event

if TYPE_CHECKING:
    import pyarrow as pa


def event_schema() -> pa.Schema:
    """The columns of `Event`: what tables of events have."""
    import pyarrow as pa

    may_be_missing = {"ts": pa.timestamp("us", tz="UTC"), "by_machine": pa.bool_()}
    columns = []
    for field in fields(Event):
        if field.name in may_be_missing:
            columns.append(pa.field(field.name, may_be_missing[field.name]))
        else:
            columns.append(pa.field(field.name, pa.string(), nullable=False))
    return pa.schema(columns)


def table_of(events: Sequence[Event]) -> pa.Table:
    """Events as a table with the columns of `Event`."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {}
    for field in fields(Event):
        columns[field.name] = [getattr(event, field.name) for event in events]
    return pa.table(columns, schema=event_schema())


def event_columns(table: pa.Table) -> pa.Table:
    """
    A table of events with the columns of `Event` alone, in their order and of their types.

    Raises:
        KeyError, pyarrow.ArrowInvalid: a column is missing or can't be had as its type.
    """
    columns = event_schema()
    return table.select(columns.names).cast(columns)


def events_of(table: pa.Table) -> list[Event]:
    """
    The events of a table.

    >>> from datetime import UTC, datetime
    >>> an_open = Event("e1", "open", "open", ts=datetime(2026, 9, 14, 9, tzinfo=UTC))
    >>> events_of(table_of([an_open])) == [an_open]
    True
    """
    return [Event(**row) for row in table.to_pylist()]
