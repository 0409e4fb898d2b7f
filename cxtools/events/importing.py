"""
Real events from files of any feed, kept as a whole or not at all.

A file is read as a stream, so its size doesn't matter, and kept as a whole or not at all. What
can't be read is counted and kept apart, with line and reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError, without_locals
from cxtools.events.feeds import AUTO, FORMATS
from cxtools.events.feeds.dialect import Dialect
from cxtools.events.feeds.table import COLUMNS, FIELDS
from cxtools.events.feeds.values import spelling
from cxtools.events.lines import Line
from cxtools.events.reading import Reading
from cxtools.events.rejects import Rejects
from cxtools.events.rows import open_blocks
from cxtools.events.store import EventStore
from cxtools.model import KINDS
from cxtools.progress import progress_bar

if TYPE_CHECKING:
    import pyarrow as pa
    from tqdm import tqdm

    from cxtools.events.lines import Piece


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

    *format* is one of FORMATS; "auto" looks at each row of JSON, at the header of a table. For
    tables, *column_map* says column -> field where a column's name doesn't tell (fields: kind, ts,
    email, message_id, recipient_id, job_id, event_id, bounce_code, bounce_text, bounce_class,
    link_url, user_agent, ip). For any feed, *event_map* says word -> kind; the word "" is for rows
    without one. With *progress* a bar shows how many rows were read, and how many a second.

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or a map names what doesn't
        exist; nothing was kept. StoreError: the store can't be written; nothing was kept.
    """
    _check_maps(format, column_map or {}, event_map or {})
    dialect = Dialect(event_map=event_map or {})
    reading = Reading(Path(path), format, column_map or {}, dialect)
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


def _tables_of_file(reading: Reading, rejects: Rejects, bar: tqdm[Any]) -> Iterator[pa.Table]:
    with open_blocks(reading.path) as pieces:
        yield from reading.tables(_counted(pieces, bar), rejects)


def _counted(pieces: Iterable[Piece], bar: tqdm[Any]) -> Iterator[Piece]:
    """The same; the bar moves on when a piece was taken in."""
    for piece in pieces:
        yield piece
        bar.update(1 if isinstance(piece, Line) else len(piece))


def _check_maps(format: str, column_map: Mapping[str, str], event_map: Mapping[str, str]) -> None:
    if format not in FORMATS:
        raise ConfigError(f"there is no format {format!r}", do=f"choose from: {', '.join(FORMATS)}")
    known = FIELDS.keys() | KINDS.keys()
    fields = {field for field in column_map.values() if spelling(field) not in known}
    if fields:
        raise ConfigError(
            f"there is no field {', '.join(sorted(fields))}",
            where="--map",
            do=f"choose from: {', '.join(COLUMNS)}; in a table of people, with a column for each "
            f"thing that can happen, from: {', '.join(KINDS)}",
        )
    kinds = set(event_map.values()) - set(KINDS)
    if kinds:
        raise ConfigError(
            f"there is no kind {', '.join(sorted(kinds))}",
            where="--event-map",
            do=f"choose from: {', '.join(KINDS)}",
        )
