"""
One file while it is read: its rows become events, and those that can't are set aside with line and
reason.

A file is read as a stream, so its size doesn't matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.errors import ConfigError, CxError
from cxtools.events import feeds
from cxtools.events.feeds import AUTO
from cxtools.events.feeds.dialect import Dialect
from cxtools.events.feeds.table import COLUMNS, NO_NAME, ROW_NUMBER, TableReader
from cxtools.events.feeds.wide import CountsOnly
from cxtools.events.lines import Line, Unreadable
from cxtools.events.recognition import Recognition
from cxtools.events.rejects import Rejects
from cxtools.events.tables import table_of
from cxtools.model import KINDS, Event

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.blocks import Block
    from cxtools.events.feeds.plain import Plain, PlainRows
    from cxtools.events.feeds.values import Row
    from cxtools.events.lines import Piece

#: Events of rows that are read one by one, held in memory at once.
EVENTS_AT_ONCE = 10_000


class Reading:
    """One file being read, and how many rows came."""

    def __init__(
        self,
        path: Path,
        format: str,
        column_map: Mapping[str, str],
        dialect: Dialect,
    ) -> None:
        self.path = path
        self.rows = 0
        self._recognition = Recognition("table" if format == AUTO and column_map else format)
        self._table = TableReader(column_map)
        self._dialect = dialect
        self._missing_columns = set(column_map) - {NO_NAME}
        self._is_numbered = NO_NAME in column_map
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
        if isinstance(line.row, Unreadable):
            self._reject(line.number, line.row.reason, line.row.text, rejects)
            return []
        try:
            return self._events_of_row(line)
        except CountsOnly as error:
            if line.names is not None:
                raise self._counts_only(line.number, error) from error
            self._reject(line.number, str(error), json.dumps(line.row, default=str), rejects)
            return []
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = error.what if isinstance(error, CxError) else str(error)
            self._reject(line.number, reason, json.dumps(line.row, default=str), rejects)
            return []

    def _events_of_row(self, line: Line) -> list[Event]:
        row = line.row
        if not isinstance(row, dict):
            raise TypeError("not an object with named fields")
        if self._missing_columns:
            self._missing_columns.difference_update(row)
        if self._is_numbered:
            row = {**row, ROW_NUMBER: f"row {line.number}"}
        feed = self._recognition.feed_of(row, line.names)
        events = feeds.read(row, feed, self._dialect, table_reader=self._table)
        for event in events:
            # A lone surrogate stands for a byte that isn't UTF-8: a UnicodeEncodeError, which is a
            # ValueError.
            event.raw.encode()
        return events

    # --- in blocks ---

    def _tables_of(self, block: Block, rejects: Rejects) -> Iterator[pa.Table]:
        def read_row(number: int, row: Row) -> list[Event]:
            return self._events(Line(number, row, block.names), rejects)

        for rows in self._rows_of(block):
            yield rows.table(read_row)

    def _rows_of(self, block: Block) -> Iterator[PlainRows]:
        """The rows of a block by how they are read: together or, as odd ones, one by one."""
        from cxtools.events.feeds.plain import all_odd
        from cxtools.events.recognition import strangers

        feed = self._recognition.feed_of_block(block)
        plain = self._plain(feed, block)
        if plain is None:
            yield all_odd(block)
            return
        may_differ = bool(plain.marks) or not self._recognition.is_told
        each_by_itself = block.names is None and may_differ
        yield from plain.read(
            block,
            self._dialect,
            only_these=feed == "table" and block.names is None,
            strangers=strangers if each_by_itself else None,
        )

    def _plain(self, feed: str, block: Block) -> Plain | None:
        """How the rows of a block are read together; None where each is read by itself."""
        if feed != "table":
            return feeds.plain_feed(feed, block.names)
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

    def _counts_only(self, number: int, error: CountsOnly) -> ConfigError:
        """A table of counts is refused whole: what could be made of it would be a part."""
        return ConfigError(
            f"{self.path.name} holds counts, not events (line {number}: {error})",
            where=str(self.path),
            do="export a list of people, one row for each mail to a person; name the column that "
            "says whose a row is with --map COLUMN=email or --map COLUMN=recipient_id",
        )

    def _nothing_read(self) -> ConfigError:
        return ConfigError(
            f"no row of {self.path.name} could be read ({self._first_reason})",
            where=str(self.path),
            do="check --format; for a table of another shape use --map COLUMN=FIELD and "
            f"--event-map WORD=KIND; fields: {', '.join(COLUMNS)}; kinds: {', '.join(KINDS)}",
        )
