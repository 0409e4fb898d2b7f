"""
Real events from files of any feed: what an import is, and what it says about itself.

A file is read as a stream, so its size doesn't matter, and kept as a whole or not at all. What
can't be read is counted and kept apart, with line and reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError, CxError, without_locals
from cxtools.events import feeds
from cxtools.events.feeds import AUTO, FORMATS
from cxtools.events.feeds.dialect import Dialect
from cxtools.events.feeds.table import COLUMNS, FIELDS, TableReader
from cxtools.events.feeds.values import spelling
from cxtools.events.lines import Line, Unreadable
from cxtools.events.rejects import Rejects
from cxtools.events.rows import open_blocks
from cxtools.events.store import EventStore
from cxtools.events.tables import table_of
from cxtools.model import KINDS, Event
from cxtools.progress import progress_bar

if TYPE_CHECKING:
    import pyarrow as pa
    from tqdm import tqdm

    from cxtools.events.blocks import Block
    from cxtools.events.feeds.plain import Plain, PlainRows
    from cxtools.events.feeds.values import Row
    from cxtools.events.lines import Piece

#: Events of rows that are read one by one, held in memory at once.
EVENTS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Imported:
    """
    What an import did.

        rows            rows of the file
        added           new events; a row of SES can hold several
        duplicates      events left out: known before, or repeated in the file
        rejected        rows that can't be read
        rejected_path   where those rows stand, each with its reason; None when there are none
    """

    rows: int
    added: int
    duplicates: int
    rejected: int
    rejected_path: Path | None


@without_locals
def import_file(
    path: str | Path,
    campaign: str,
    store: EventStore,
    *,
    format: str = AUTO,
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    now: datetime,
    progress: bool = False,
) -> Imported:
    """
    Bring the events of a file into the store; the same file again adds nothing.

    *format* is one of FORMATS; "auto" looks at the first row. For tables, *column_map* says column
    -> field where a column's name doesn't tell (fields: kind, ts, email, message_id, recipient_id,
    job_id, event_id, bounce_code, bounce_text, bounce_class, link_url, user_agent, ip). For any
    feed, *event_map* says word -> kind; the word "" is for rows without one. With *progress* a bar
    shows how many rows were read, and how many a second.

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or a map names what doesn't
        exist; nothing was kept. StoreError: the store can't be written; nothing was kept.
    """
    _check_maps(format, column_map or {}, event_map or {})
    dialect = Dialect(event_map=event_map or {})
    reading = _Reading(Path(path), format, column_map or {}, dialect)
    bar = progress_bar(reading.path.name, is_shown=progress, unit=" rows")
    with bar, store.rejects(campaign) as rejects:
        tables = _tables_of_file(reading, rejects, bar)
        source = f"file:{reading.path.name}"
        added = store.add_tables(campaign, tables, source=source, received_at=now)
    return Imported(
        rows=reading.rows,
        added=added.added,
        duplicates=added.duplicates,
        rejected=rejects.count,
        rejected_path=rejects.path,
    )


def _tables_of_file(reading: _Reading, rejects: Rejects, bar: tqdm[Any]) -> Iterator[pa.Table]:
    with open_blocks(reading.path) as pieces:
        yield from reading.tables(_counted(pieces, bar), rejects)


def _counted(pieces: Iterable[Piece], bar: tqdm[Any]) -> Iterator[Piece]:
    """The same; the bar moves on when a piece was taken in."""
    for piece in pieces:
        yield piece
        bar.update(1 if isinstance(piece, Line) else len(piece))


class _Reading:
    """One file being read: whose words it speaks, and how many rows came."""

    def __init__(
        self,
        path: Path,
        format: str,
        column_map: Mapping[str, str],
        dialect: Dialect,
    ) -> None:
        self.path = path
        self.rows = 0
        self._format = "table" if format == AUTO and column_map else format
        self._table = TableReader(column_map)
        self._dialect = dialect
        self._missing_columns = set(column_map)
        self._first_reason = "it has none"

    def tables(self, pieces: Iterable[Piece], rejects: Rejects) -> Iterator[pa.Table]:
        """The events of the file in their order; rows that can't be read go to *rejects*."""
        waiting: list[Event] = []
        for piece in pieces:
            if isinstance(piece, Line):
                self.rows += 1
                waiting += self._events(piece, rejects)
                if len(waiting) < EVENTS_AT_ONCE:
                    continue
            if waiting:
                yield table_of(waiting)
                waiting = []
            if not isinstance(piece, Line):
                self.rows += len(piece)
                yield from self._tables_of(piece, rejects)
        if waiting:
            yield table_of(waiting)
        self._check_columns()
        if self.rows == rejects.count:
            raise self._nothing_read()

    # --- one by one ---

    def _events(self, line: Line, rejects: Rejects) -> list[Event]:
        """The events of a row; none where it can't be read."""
        number, row = line
        if isinstance(row, Unreadable):
            self._reject(number, row.reason, row.text, rejects)
            return []
        try:
            return self._events_of_row(row)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = error.what if isinstance(error, CxError) else str(error)
            self._reject(number, reason, json.dumps(row, default=str), rejects)
            return []

    def _events_of_row(self, row: object) -> list[Event]:
        if not isinstance(row, dict):
            raise TypeError("not an object with named fields")
        if self._missing_columns:
            self._missing_columns.difference_update(row)
        if self._format == AUTO:
            self._format = feeds.recognise(row)
        events = feeds.read(row, self._format, self._dialect, table_reader=self._table)
        for event in events:
            # A lone surrogate stands for a byte that isn't UTF-8: a UnicodeEncodeError, which is a
            # ValueError.
            event.raw.encode()
        return events

    # --- in blocks ---

    def _tables_of(self, block: Block, rejects: Rejects) -> Iterator[pa.Table]:
        if self._format == AUTO:
            self._format = feeds.recognise(block.row(0))

        def read_row(number: int, row: Row) -> list[Event]:
            return self._events(Line(number, row), rejects)

        for rows in self._rows_of(block):
            yield rows.table(read_row)

    def _rows_of(self, block: Block) -> Iterator[PlainRows]:
        """The rows of a block by how they are read: together or, as odd ones, one by one."""
        from cxtools.events.feeds.plain import all_odd

        plain = self._plain(block)
        if plain is None:
            yield all_odd(block)
        else:
            is_table = self._format == "table"
            only_these = is_table and block.names is None
            yield from plain.read(block, self._dialect, only_these=only_these)

    def _plain(self, block: Block) -> Plain | None:
        """How the rows of a block are read together; None where each is read by itself."""
        if self._format != "table":
            return feeds.plain_feed(self._format)
        header = block.names or tuple(block.row(0))
        self._missing_columns.difference_update(header)
        return self._table.plain_of(header, varying=block.names is None)

    # --- what is wrong with it ---

    def _reject(self, number: int, reason: str, text: str, rejects: Rejects) -> None:
        rejects.add(reason, text, number)
        if rejects.count == 1:
            self._first_reason = f"line {number}: {reason}"

    def _check_columns(self) -> None:
        if self.rows and self._missing_columns:
            raise ConfigError(
                f"there is no column {', '.join(sorted(self._missing_columns))}",
                where=str(self.path),
                do="correct --map",
            )

    def _nothing_read(self) -> ConfigError:
        return ConfigError(
            f"no row of {self.path.name} could be read ({self._first_reason})",
            where=str(self.path),
            do="check --format; for a table of another shape use --map COLUMN=FIELD and "
            f"--event-map WORD=KIND; fields: {', '.join(COLUMNS)}; kinds: {', '.join(KINDS)}",
        )


def _check_maps(format: str, column_map: Mapping[str, str], event_map: Mapping[str, str]) -> None:
    if format not in FORMATS:
        raise ConfigError(f"there is no format {format!r}", do=f"choose from: {', '.join(FORMATS)}")
    fields = {field for field in column_map.values() if spelling(field) not in FIELDS}
    if fields:
        raise ConfigError(
            f"there is no field {', '.join(sorted(fields))}",
            where="--map",
            do=f"choose from: {', '.join(COLUMNS)}",
        )
    kinds = set(event_map.values()) - set(KINDS)
    if kinds:
        raise ConfigError(
            f"there is no kind {', '.join(sorted(kinds))}",
            where="--event-map",
            do=f"choose from: {', '.join(KINDS)}",
        )
