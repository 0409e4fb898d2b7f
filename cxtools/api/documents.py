"""
What a 2xx answer must hold: lists of results, suppressions, cursors and events in their shape.

Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cxtools.errors import ContractError
from cxtools.model import Event, Suppression

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.feeds.plain import PlainRows


@dataclass(frozen=True)
class EventPage:
    """
    One page of a job's events; `malformed` are rows that can't be read, each as (JSON, reason).
    `next_cursor` is "" on the last page. `table` has a row an event and the columns of `Event`.
    """

    table: pa.Table = field(repr=False)
    next_cursor: str = ""
    malformed: list[tuple[str, str]] = field(default_factory=list, repr=False)

    @property
    def events(self) -> list[Event]:
        """The same as objects, made when they are asked for."""
        from cxtools.events.tables import events_of

        return events_of(self.table)


def read_results(document: Mapping[str, Any], path: str) -> list[Any]:
    """
    The list `results`.

    Raises:
        ContractError: there is none
    """
    results = document.get("results")
    if not isinstance(results, list):
        raise ContractError(
            "the answer doesn't hold a list of results",
            where=f"GET {path}, $.results",
            do="check the profile's paths",
        )
    return results


def read_suppressions(document: Mapping[str, Any], path: str) -> list[Suppression]:
    """
    The entries of the suppression list on this page.

    Raises:
        ContractError: one of them can't be read; a list with a hole clears nobody
    """
    entries: list[Suppression] = []
    for n, row in enumerate(read_results(document, path)):
        where = f"GET {path}, $.results[{n}]"
        if not isinstance(row, dict):
            raise ContractError("an entry is not an object", where=where)
        entries.append(Suppression.from_api(row, where))
    return entries


def read_cursor(document: Mapping[str, Any], where: str) -> str:
    """
    The cursor of the next page; "" when there is none.

    Raises:
        ContractError: it is not a text
    """
    cursor = document.get("nextCursor")
    if cursor is None:
        return ""
    if not isinstance(cursor, str):
        raise ContractError("the cursor is not a text", where=where)
    return cursor


def read_events(rows: list[Any], job_id: str, next_cursor: str) -> EventPage:
    """The events of a page; a row that can't be read costs only itself."""
    from cxtools.events.tables import table_of

    malformed: list[tuple[str, str]] = []

    def read_row(number: int, row: Any) -> list[Event]:
        try:
            return [_read_event(row, job_id, f"$.results[{number}]")]
        except ContractError as error:
            raw = json.dumps(row, ensure_ascii=False)
            malformed.append((raw, f"{error.what} ({error.where})"))
            return []

    if all(isinstance(row, dict) for row in rows):
        table = _read_together(rows, job_id, read_row)
    else:
        found = [read_row(number, row) for number, row in enumerate(rows)]
        table = table_of([event for events in found for event in events])
    return EventPage(table, next_cursor, malformed)


def _read_together(
    rows: list[dict[str, Any]],
    job_id: str,
    read_row: Callable[[int, Any], list[Event]],
) -> pa.Table:
    """The events of objects; *read_row* is asked for those of odd ones."""
    import pyarrow as pa

    from cxtools.events.blocks import ColumnTypes, TextBlock, rows_as_texts
    from cxtools.events.feeds.cxone import PAGE
    from cxtools.events.tables import event_schema

    block = TextBlock(range(len(rows)), rows_as_texts(rows), ColumnTypes())
    tables = [_of_job(found, job_id).table(read_row) for found in PAGE.read(block)]
    return pa.concat_tables([event_schema().empty_table(), *tables])


def _of_job(rows: PlainRows, job_id: str) -> PlainRows:
    """Rows of which those of another job are odd, and those that name no job are of this one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(rows.events):
        return rows
    given = rows.events["job_id"]
    is_other = pc.and_(pc.not_equal(given, ""), pc.not_equal(given, job_id))
    place = rows.events.schema.get_field_index("job_id")
    events = rows.events.set_column(place, "job_id", pa.repeat(job_id, len(rows.events)))
    return rows._replace(events=events, is_odd=pc.or_(rows.is_odd, is_other))


def _read_event(row: Any, job_id: str, where: str) -> Event:
    if not isinstance(row, dict):
        raise ContractError("an event is not an object", where=where)
    event = Event.from_api(row, where)
    if not event.job_id:
        return replace(event, job_id=job_id)
    if event.job_id != job_id:
        raise ContractError("an event of another job", where=f"{where}.jobId")
    return event
