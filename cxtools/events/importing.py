"""
Real events from files: JSON, JSON lines, CSV or Parquet, plain or gzipped, of CXone, Amazon SES,
SendGrid or any table.

A file is read as a stream, so its size doesn't matter, and kept as a whole or not at all. What
can't be read is counted and set aside with line and reason. The JSON reader is our own because the
standard library's takes whole documents only, and files of webhooks come as arrays, as lines, and
as lines of arrays.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any

from cxtools.errors import ConfigError, without_locals
from cxtools.events.feeds import (
    COLUMNS,
    FIELDS,
    Row,
    cxone_events,
    feed_of,
    sendgrid_events,
    ses_events,
    spelled,
    table_events,
)
from cxtools.events.store import Aside, EventStore
from cxtools.model import KINDS, Event

FORMATS = ("auto", "cxone", "ses", "sendgrid", "table")
BLOCK = 1 << 18

#: Objects that only carry rows, as pages of an API do.
CARRIERS = ("results", "Records", "events")


@dataclass(frozen=True)
class Imported:
    """
    What an import did: *rows* of the file, events *added*, *duplicates* left out (known before, or
    repeated in the file), rows *rejected* and where they stand.

    A row of SES can hold several events, so rows and events needn't agree.
    """

    rows: int
    added: int
    duplicates: int
    rejected: int
    rejected_path: Path | None


@dataclass(frozen=True)
class Unreadable:
    """What stood where a row should be, and why it is none."""

    reason: str
    raw: str


Numbered = tuple[int, Any]


@without_locals
def import_file(
    path: str | Path,
    campaign: str,
    store: EventStore,
    *,
    format: str = "auto",
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    now: datetime,
) -> Imported:
    """
    Bring the events of a file into the store; the same file again adds nothing.

    *format* is one of FORMATS; "auto" looks at the first row. For tables, *column_map* says column
    -> field where a column's name doesn't tell (fields: kind, ts, email, message_id, recipient_id,
    job_id, event_id, bounce_code, bounce_text, link_url, user_agent, ip), *event_map* word -> kind;
    the word "" is for rows without one.

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or a map names what doesn't
        exist; nothing was kept. StoreError: the store can't be written; nothing was kept.
    """
    reading = _Reading(Path(path), format, column_map or {}, event_map or {})
    with store.aside(campaign) as aside:
        added = store.add(
            campaign, reading.events(aside), source=f"file:{reading.path.name}", received_at=now
        )
    return Imported(reading.rows, added.added, added.duplicates, aside.count, aside.path)


class _Reading:
    """One file being read: which words it speaks, and how many rows came."""

    def __init__(
        self, path: Path, format: str, column_map: Mapping[str, str], event_map: Mapping[str, str]
    ) -> None:
        _check(format, column_map, event_map)
        self.path, self.format = path, "table" if format == "auto" and column_map else format
        self.rows, self._first_reason, self._unseen = 0, "", set(column_map)
        self._readers: dict[str, Callable[[Row], list[Event]]] = {
            "cxone": cxone_events,
            "ses": ses_events,
            "sendgrid": sendgrid_events,
            "table": table_events(column_map, event_map),
        }

    def events(self, aside: Aside) -> Iterator[Event]:
        with _opened(self.path) as file:
            for self.rows, (line, row) in enumerate(_rows(file), 1):
                self._unseen.difference_update(row if isinstance(row, dict) else ())
                try:
                    yield from self._read(row)
                except (ValueError, TypeError, AttributeError, KeyError) as refused:
                    reason = getattr(refused, "what", "") or str(refused)
                    self._first_reason = self._first_reason or f"line {line}: {reason}"
                    aside.add(
                        reason,
                        row.raw if isinstance(row, Unreadable) else json.dumps(row, default=str),
                        line,
                    )
        if self.rows and self._unseen:
            raise ConfigError(
                f"there is no column {', '.join(sorted(self._unseen))}",
                where=str(self.path),
                do="correct --map",
            )
        if self.rows == aside.count:
            raise ConfigError(
                f"no row of {self.path.name} could be read ({self._first_reason or 'it has none'})",
                where=str(self.path),
                do="check --format; for a table of another shape use --map COLUMN=FIELD and --event-map WORD=KIND; "
                f"fields: {', '.join(COLUMNS)}; kinds: {', '.join(KINDS)}",
            )

    def _read(self, row: Any) -> list[Event]:
        if isinstance(row, Unreadable):
            raise ValueError(row.reason)
        if not isinstance(row, dict):
            raise ValueError("no object with named fields")
        if self.format == "auto":
            self.format = feed_of(row)
        events = self._readers[self.format](row)
        for event in events:
            # a lone surrogate stands for a byte that is no UTF-8; UnicodeEncodeError is a
            # ValueError
            event.raw.encode()
        return events


def _check(format: str, column_map: Mapping[str, str], event_map: Mapping[str, str]) -> None:
    if format not in FORMATS:
        raise ConfigError(f"there is no format {format!r}", do=f"choose from: {', '.join(FORMATS)}")
    if unknown := sorted({field for field in column_map.values() if spelled(field) not in FIELDS}):
        raise ConfigError(
            f"there is no field {', '.join(unknown)}",
            where="--map",
            do=f"choose from: {', '.join(COLUMNS)}",
        )
    if unknown := sorted(set(event_map.values()) - set(KINDS)):
        raise ConfigError(
            f"there is no kind {', '.join(unknown)}",
            where="--event-map",
            do=f"choose from: {', '.join(KINDS)}",
        )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked; what the disk or the packer says against it, as a ConfigError."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if packed:
                with gzip.open(plain, "rb") as unpacked:
                    yield unpacked  # type: ignore[misc]  # GzipFile lacks parts of IO that nobody needs here
            else:
                yield plain
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as failed:
        raise ConfigError(
            f"{path.name} can't be read: {getattr(failed, 'strerror', None) or failed}",
            where=str(path),
            do="check the path and the file; nothing was imported",
        ) from failed


def _rows(file: IO[bytes]) -> Iterator[Numbered]:
    """(line, row as dict, or Unreadable) by what the file's first bytes are."""
    head = file.read(4096)
    file.seek(0)
    if head.startswith(b"PAR1"):
        yield from _parquet_rows(file)
        return
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")
    if head.decode(encoding, "replace").lstrip()[:1] in ("{", "["):
        yield from chain.from_iterable(_carried(line, value) for line, value in _json_values(text))
    else:
        yield from _csv_rows(text)


def _parquet_rows(file: IO[bytes]) -> Iterator[Numbered]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(file).iter_batches(batch_size=10_000)
        yield from enumerate(chain.from_iterable(batch.to_pylist() for batch in batches), 1)
    except pa.ArrowException as broken:
        raise ConfigError(
            f"the Parquet file is damaged: {broken}", do="write it again; nothing was imported"
        ) from broken


def _csv_rows(text: IO[str]) -> Iterator[Numbered]:
    first = text.readline()
    delimiter = max(",;\t|", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader, None)
        except csv.Error as broken:
            yield line, Unreadable(f"no CSV: {broken}", "")
            continue
        if cells is None:
            return
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        elif cells:
            lines = (
                f" over {reader.line_num + 2 - line} lines; is a quote left open?"
                if reader.line_num + 1 > line
                else ""
            )
            yield (
                line,
                Unreadable(
                    f"{len(cells)} fields, the header has {len(header)}{lines}",
                    delimiter.join(cells),
                ),
            )


def _carried(line: int, value: Any) -> Iterator[Numbered]:
    """
    The rows that an object carries, or itself; a record of SNS inside a Lambda event stands under
    "Sns".
    """
    rows = (
        next((value[name] for name in CARRIERS if isinstance(value.get(name), list)), None)
        if isinstance(value, dict)
        else None
    )
    for row in [value] if rows is None else rows:
        yield line, row.get("Sns", row) if isinstance(row, dict) else row


SEPARATORS = re.compile(r"[\s,\[\]\ufeff]*")
DECODE = json.JSONDecoder().raw_decode


def _json_values(text: IO[str]) -> Iterator[Numbered]:
    """
    The objects of a document, an array, lines, or lines of arrays: brackets and commas between
    objects only separate.

    After a fault reading goes on at the next line.

    >>> import io
    >>> [value for _, value in _json_values(io.StringIO('[{"a": 1},\\n {"a": 2}]\\n{"a": 3}'))]
    [{'a': 1}, {'a': 2}, {'a': 3}]
    """
    buffer, at, line, ended = "", 0, 1, False
    while True:
        begin = SEPARATORS.match(buffer, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        line, at = line + buffer.count("\n", at, begin), begin
        value, end = _json_value(buffer, at, ended)
        if end > at:
            yield line, value
            line, at = line + buffer.count("\n", at, end), end
        elif ended:
            return
        else:
            # Twice as much each time, so that a long value isn't decoded over and over.
            more = text.read(max(BLOCK, len(buffer) - at))
            buffer, at, ended = buffer[at:] + more, 0, not more


def _json_value(buffer: str, at: int, ended: bool) -> tuple[Any, int]:
    """
    The value at a place, and where it ends: there, if it may be one that was cut in two by the end
    of what was read so far.
    """
    try:
        return DECODE(buffer, at)
    except (ValueError, RecursionError) as broken:
        why, place = getattr(broken, "msg", "nested too deeply"), getattr(broken, "pos", 0)
        cut_off = place >= len(buffer) - 16 or why.startswith("Unterminated string")
        end = at if cut_off and not ended else at + len(buffer[at:].split("\n", 1)[0])
        return Unreadable(f"no JSON: {why}", buffer[at:end][:2000]), end
