"""
Pages of events, and the events that are made of many pages at once.

A page is kept as it came, and what it holds is looked at when it is asked for: of 32 pages together
an event takes half of what it takes of one page alone, since Arrow and DuckDB take as long to begin
with a thousand rows as with one.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from cxtools.errors import ContractError
from cxtools.model import Event

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.feeds.plain import PlainRows

#: So many pages are read together: 11 MB of text, and 35 MB while it becomes a table.
TOGETHER = 32
#: A row that can't be read, as JSON, and why.
Malformed = tuple[str, str]


@dataclass(frozen=True)
class EventPage:
    """
    One page of a job's events. `next_cursor` is "" on the last one.

        body         the document as it came
        rows, names  how many rows it has, and how many names all their objects have together
    """

    job_id: str
    body: bytes = field(repr=False)
    rows: int
    names: int
    next_cursor: str = ""

    @property
    def table(self) -> pa.Table:
        """A row an event, with the columns of `Event`."""
        return self._read.table

    @property
    def malformed(self) -> list[Malformed]:
        """The rows that can't be read."""
        return self._read.malformed

    @property
    def events(self) -> list[Event]:
        """The same as the table, as objects."""
        from cxtools.events.tables import events_of

        return events_of(self.table)

    @cached_property
    def _read(self) -> PageEvents:
        return read_together([self])


@dataclass(frozen=True)
class PageEvents:
    """The events of pages in their order, as a table with the columns of `Event`."""

    table: pa.Table
    malformed: list[Malformed]


def event_page(rows: Sequence[Any], body: bytes, job_id: str, next_cursor: str) -> EventPage:
    """The page of a job whose *body* holds these rows."""
    names = sum(len(row) for row in rows if isinstance(row, dict))
    return EventPage(job_id, body, len(rows), names, next_cursor)


def read_pages(pages: Iterable[EventPage]) -> Iterator[PageEvents]:
    """The events of many pages, TOGETHER pages at a time."""
    stream = iter(pages)
    while some := list(islice(stream, TOGETHER)):
        yield read_together(some)


def read_together(pages: Sequence[EventPage]) -> PageEvents:
    """The events of pages; a row that can't be read costs only itself."""
    import pyarrow as pa

    from cxtools.events.blocks import ColumnTypes, TextBlock
    from cxtools.events.feeds.cxone import PAGE
    from cxtools.events.tables import event_schema

    malformed: list[Malformed] = []
    origins = _Origins(pages)

    def read_row(number: int, row: Any) -> list[Event]:
        page, place = origins.find(number)
        try:
            return [_read_event(row, page.job_id, f"$.results[{place}]")]
        except ContractError as error:
            raw = json.dumps(row, ensure_ascii=False)
            malformed.append((raw, f"{error.what} ({error.where})"))
            return []

    texts = _row_texts(pages)
    block = TextBlock(range(len(texts)), texts, ColumnTypes(), may_learn=False)
    tables = [event_schema().empty_table()]
    for rows in PAGE.read(block):
        of_jobs = _of_jobs(rows, origins.jobs(rows.block.numbers))
        tables.append(of_jobs.table(read_row))
    return PageEvents(pa.concat_tables(tables), malformed)


def _row_texts(pages: Sequence[EventPage]) -> pa.Array:
    """The rows of pages, each as `RAW_JSON` writes it."""
    from cxtools.events.blocks import rows_as_texts
    from cxtools.events.json_texts import result_texts

    texts = result_texts(
        [page.body for page in pages],
        rows=sum(page.rows for page in pages),
        names=sum(page.names for page in pages),
    )
    if texts is not None:
        return texts
    rows = []
    for page in pages:
        rows += json.loads(page.body)["results"]
    return rows_as_texts(rows)


class _Origins:
    """Which page each of their rows came from."""

    def __init__(self, pages: Sequence[EventPage]) -> None:
        self._pages = pages
        self._ends = list(accumulate(page.rows for page in pages))

    def find(self, number: int) -> tuple[EventPage, int]:
        """The page of a row, and its place there."""
        nth = bisect_right(self._ends, number)
        page = self._pages[nth]
        begin = self._ends[nth] - page.rows
        return page, number - begin

    def jobs(self, numbers: Sequence[int]) -> pa.Array:
        """The job of each of these rows."""
        import numpy as np
        import pyarrow as pa

        pages = np.searchsorted(self._ends, numbers, side="right")
        jobs = pa.array([page.job_id for page in self._pages], pa.string())
        return jobs.take(pa.array(pages))


def _of_jobs(rows: PlainRows, jobs: pa.Array) -> PlainRows:
    """Rows of which those of another job are odd, and those that name no job are of theirs."""
    import pyarrow.compute as pc

    if not len(rows.events):
        return rows
    given = rows.events["job_id"]
    is_other = pc.and_(pc.not_equal(given, ""), pc.not_equal(given, jobs))
    place = rows.events.schema.get_field_index("job_id")
    events = rows.events.set_column(place, "job_id", jobs)
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
