"""
Real events from files of any feed: what an import is, and what it says about itself.

A file is read as a stream, so its size doesn't matter, and kept as a whole or not at all. What
can't be read is counted and kept apart, with line and reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cxtools.errors import ConfigError, CxError, without_locals
from cxtools.events import feeds
from cxtools.events.feeds import AUTO, FORMATS
from cxtools.events.feeds.table import COLUMNS, FIELDS, TableReader
from cxtools.events.feeds.values import spelling
from cxtools.events.rejects import Rejects
from cxtools.events.rows import Unreadable, open_rows
from cxtools.events.store import EventStore
from cxtools.model import KINDS, Event


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
) -> Imported:
    """
    Bring the events of a file into the store; the same file again adds nothing.

    *format* is one of FORMATS; "auto" looks at the first row. For tables, *column_map* says column
    -> field where a column's name doesn't tell (fields: kind, ts, email, message_id, recipient_id,
    job_id, event_id, bounce_code, bounce_text, bounce_class, link_url, user_agent, ip), *event_map*
    word -> kind; the word "" is for rows without one.

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or a map names what doesn't
        exist; nothing was kept. StoreError: the store can't be written; nothing was kept.
    """
    _check_maps(format, column_map or {}, event_map or {})
    reading = _Reading(Path(path), format, column_map or {}, event_map or {})
    with store.rejects(campaign) as rejects:
        events = reading.events(rejects)
        source = f"file:{reading.path.name}"
        added = store.add(campaign, events, source=source, received_at=now)
    return Imported(
        rows=reading.rows,
        added=added.added,
        duplicates=added.duplicates,
        rejected=rejects.count,
        rejected_path=rejects.path,
    )


class _Reading:
    """One file being read: whose words it speaks, and how many rows came."""

    def __init__(
        self,
        path: Path,
        format: str,
        column_map: Mapping[str, str],
        event_map: Mapping[str, str],
    ) -> None:
        self.path = path
        self.rows = 0
        self._format = "table" if format == AUTO and column_map else format
        self._table = TableReader(column_map, event_map)
        self._missing_columns = set(column_map)
        self._first_reason = "it has none"

    def events(self, rejects: Rejects) -> Iterator[Event]:
        """The events of the file; rows that can't be read go to *rejects*."""
        with open_rows(self.path) as lines:
            for number, row in lines:
                self.rows += 1
                if isinstance(row, Unreadable):
                    self._reject(number, row.reason, row.text, rejects)
                    continue
                try:
                    yield from self._events(row)
                except (ValueError, TypeError, AttributeError, KeyError) as error:
                    reason = error.what if isinstance(error, CxError) else str(error)
                    self._reject(number, reason, json.dumps(row, default=str), rejects)
        self._check_columns()
        if self.rows == rejects.count:
            raise self._nothing_read()

    def _events(self, row: object) -> list[Event]:
        if not isinstance(row, dict):
            raise TypeError("not an object with named fields")
        if self._missing_columns:
            self._missing_columns.difference_update(row)
        if self._format == AUTO:
            self._format = feeds.recognise(row)
        events = feeds.read(row, self._format, table_reader=self._table)
        for event in events:
            # A lone surrogate stands for a byte that isn't UTF-8: a UnicodeEncodeError, which is a
            # ValueError.
            event.raw.encode()
        return events

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
