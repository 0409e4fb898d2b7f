"""
One file while it is read: its rows become events, and those that can't are set aside with line and
reason.

A file is read as a stream, so its size doesn't matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cxtools.errors import ConfigError, CxError
from cxtools.events import feeds
from cxtools.events.feeds import AUTO
from cxtools.events.feeds.moments import DateOrders, UnclearDate, seems_moment
from cxtools.events.feeds.nested import text_at, value_at
from cxtools.events.feeds.table import COLUMNS, NO_NAME, ROW_NUMBER, TableReader
from cxtools.events.feeds.values import cell_text
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
    from cxtools.events.instructions import Instructions
    from cxtools.events.lines import Piece

#: What to do where no row of a file was read: there are none, they aren't rows, or they are of
#: another shape.
NO_ROWS = "name a file with rows below the names of its columns, or with JSON objects"
CORRECT = "correct the file, or export it again as CSV, JSON or an Excel workbook"
USE_MAP = (
    "check --format; for a table of another shape use --map COLUMN=FIELD and "
    f"--event-map WORD=KIND; fields: {', '.join(COLUMNS)}; kinds: {', '.join(KINDS)}"
)
NOT_TEXT = (
    "a byte of it is not UTF-8, and the file as a whole is not Windows-1252 either; save it as "
    "UTF-8 where it comes from"
)
#: Events of rows that are read one by one, held in memory at once.
EVENTS_AT_ONCE = 10_000
#: What the name of a campaign can't hold.
NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME = 100


class DatesExplained(Exception):  # not an error: the file is read again
    """All of a file was read, and only now it is known which is the day in its dates."""

    def __init__(self, path: Path, order: str) -> None:
        super().__init__(path, order)
        self.path = path
        self.order = order


class Reading:
    """
    One file being read.

        rows    how many came so far
        feeds   whose they are
        notes   sentences about how it was read

    *may_correct* says whether its rows may be read otherwise than where nothing is said.
    """

    def __init__(
        self,
        path: Path,
        told: Instructions,
        campaign: str,
        *,
        date_order: str = "",
    ) -> None:
        self.path = path
        self.rows = 0
        self.feeds: dict[str, None] = {}
        self.notes: list[str] = []
        self.may_correct = told.changes_events
        self._told = told
        self._campaign = campaign
        self._names: dict[str, str] = {}
        is_table = told.format == AUTO and told.column_map
        self._recognition = Recognition("table" if is_table else told.format)
        self._table = TableReader(told.column_map, told.keep)
        self._dialect = told.dialect.with_date_order(date_order)
        self._orders = DateOrders()
        self._missing_columns = told.columns
        self._is_numbered = NO_NAME in told.column_map
        self._rejected = 0
        self._first_reason = "it has none"
        self._advice = NO_ROWS

    def again(self, explained: DatesExplained) -> Reading:
        """The same file from its beginning; *explained* may be of another one."""
        if explained.path != self.path:
            order = self._dialect.date_order
        else:
            order = explained.order
        fresh = Reading(self.path, self._told, self._campaign, date_order=order)
        if order:
            fresh.notes.append(f"dates are read {order}: that of some rows can't be otherwise")
        return fresh

    def tables(self, pieces: Iterable[Piece], rejects: Rejects) -> Iterator[tuple[str, pa.Table]]:
        """
        The events of the file in their order, each table with its campaign; rows that can't be read
        go to *rejects*.

        Raises:
            ConfigError: a column is missing, or no row could be read. DatesExplained: it is to be
            read again.
        """
        waiting: dict[str, list[Event]] = {}
        for piece in self._pieces(pieces):
            if isinstance(piece, Line):
                self.rows += 1
                for name, events in self._events_of_campaign(piece, rejects):
                    waiting.setdefault(name, []).extend(events)
                if sum(map(len, waiting.values())) < EVENTS_AT_ONCE:
                    continue
            yield from _tables_of_campaigns(waiting)
            waiting = {}
            if not isinstance(piece, Line):
                self.rows += len(piece)
                for table in self._tables_of(piece, rejects):
                    yield self._campaign, table
        yield from _tables_of_campaigns(waiting)
        self._check()

    def _pieces(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same; row by row where each may be of another campaign."""
        for piece in pieces:
            if isinstance(piece, Line) or not self._told.campaign_from:
                yield piece
                continue
            for place, number in enumerate(piece.numbers):
                yield Line(number, piece.row(place), piece.names)

    def _check(self) -> None:
        order = self._orders.only_one
        if order and not self._dialect.date_order:
            raise DatesExplained(self.path, order)
        if self.rows and self._missing_columns:
            raise ConfigError(
                f"there is no column {', '.join(sorted(self._missing_columns))}",
                where=str(self.path),
                do="correct --map, --keep or --campaign-from",
            )
        if self.rows == self._rejected:
            raise self._nothing_read()
        if not self._dialect.timezone:
            self.notes += filter(None, map(feeds.clock_note, self.feeds))
        self.notes += self._table.doubts.notes

    # --- one by one ---

    def _events_of_campaign(
        self, line: Line, rejects: Rejects
    ) -> Iterator[tuple[str, list[Event]]]:
        events = self._events(line, rejects)
        if not events:
            return
        if not self._told.campaign_from:
            yield self._campaign, events
            return
        try:
            yield self._name_of_campaign(cast("Row", line.row)), events
        except ConfigError:
            raise
        except ValueError as error:
            self._reject(line, str(error), rejects)

    def _name_of_campaign(self, row: Row) -> str:
        """
        The campaign that a row names, as the name of a folder.

        Raises:
            ValueError: it names none. ConfigError: two names would be one.
        """
        column = self._told.campaign_from
        text = cell_text(row[column]) if column in row else text_at(row, column)
        name = NOT_OF_A_NAME.sub("-", text).strip("-._")[:LONGEST_NAME]
        if not name:
            raise ValueError(f"{column} names no campaign")
        if self._names.setdefault(name, text) != text:
            raise ConfigError(
                f"two campaigns of {self.path.name} would have the name {name}",
                where=f"--campaign-from {column}",
                do="give them names that differ in letters or digits, or import them one by one",
            )
        return name

    def _events(self, line: Line, rejects: Rejects) -> list[Event]:
        """The events of a row; none where it can't be read."""
        if isinstance(line.row, Unreadable):
            self._reject(line, line.row.reason, rejects)
            return []
        try:
            return self._events_of_row(line)
        except UnclearDate as error:
            self._orders.take(error)
            self._reject(line, str(error), rejects)
        except CountsOnly as error:
            if line.names is not None:
                raise self._counts_only(line.number, error) from error
            self._reject(line, str(error), rejects)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self._reject(line, _reason(error), rejects)
        return []

    def _events_of_row(self, line: Line) -> list[Event]:
        row = line.row
        if not isinstance(row, dict):
            raise TypeError("not an object with named fields")
        self._find_columns(row)
        if self._is_numbered:
            row = {**row, ROW_NUMBER: f"row {line.number}"}
        feed = self._recognition.feed_of(row, line.names)
        events = feeds.read(row, feed, self._dialect, table_reader=self._table)
        for event in events:
            # A lone surrogate stands for a byte that isn't UTF-8: a UnicodeEncodeError, which is a
            # ValueError.
            event.raw.encode()
        if events:
            self.feeds[feed] = None
        return events

    def _find_columns(self, row: Row) -> None:
        """Of the columns that must be there those that this row has are found."""
        if self._missing_columns:
            found = {
                name
                for name in self._missing_columns
                if name in row or value_at(row, name) is not None
            }
            self._missing_columns -= found

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
        self.feeds[feed] = None
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
        row = block.row(0)
        self._missing_columns.difference_update(row)
        if any(name not in row for name in self._told.column_map):
            return None
        return self._table.plain_of(row, varying=block.names is None)

    # --- what it says about itself ---

    def unused_columns(self) -> list[str]:
        """The columns of tables that neither a field nor a campaign was read from."""
        return [name for name in self._table.unused() if name != self._told.campaign_from]

    def unused_moments(self) -> list[str]:
        """Those of them that seem to hold moments."""
        samples = self._table.unused()
        return [name for name, cell in samples.items() if seems_moment(cell)]

    def _reject(self, line: Line, reason: str, rejects: Rejects) -> None:
        if isinstance(line.row, Unreadable):
            text = line.row.text
        else:
            text = json.dumps(line.row, default=str)
        rejects.add(reason, text, line.number)
        self._rejected += 1
        if self._rejected == 1:
            self._first_reason = f"line {line.number}: {reason}"
            self._advice = _advice(line, reason)

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
            do=self._advice,
        )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return NOT_TEXT
    return error.what if isinstance(error, CxError) else str(error)


def _advice(line: Line, reason: str) -> str:
    is_damaged = isinstance(line.row, Unreadable) or reason == NOT_TEXT
    return CORRECT if is_damaged else USE_MAP


def _tables_of_campaigns(
    waiting: dict[str, list[Event]],
) -> Iterator[tuple[str, pa.Table]]:
    for name, events in waiting.items():
        yield name, table_of(events)
