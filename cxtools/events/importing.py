"""
Real events from files of any feed, kept as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError, without_locals
from cxtools.events.feeds import AUTO
from cxtools.events.feeds.machines import with_machines
from cxtools.events.instructions import Instructions
from cxtools.events.lines import Line
from cxtools.events.reading import DatesExplained, Reading
from cxtools.events.rejects import Rejects
from cxtools.events.rows import open_blocks
from cxtools.events.samples import Samples
from cxtools.events.store import Batch, EventStore
from cxtools.events.summary import CampaignEvents, Imported, Tally
from cxtools.progress import progress_bar

if TYPE_CHECKING:
    from tqdm import tqdm

    from cxtools.events.lines import Piece

#: Where people keep presets, in their home.
PRESETS = "feeds"


@without_locals
def import_file(  # noqa: PLR0913  # an argument an option
    path: str | Path,
    campaign: str,
    store: EventStore,
    *,
    format: str = AUTO,
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    date_format: str = "",
    timezone: str = "",
    keep: Sequence[str] = (),
    now: datetime,
    progress: bool = False,
) -> Imported:
    """
    Bring the events of a file into the store; the same file again adds nothing.

    *format* is one of FORMATS or the name of a preset in the home; "auto" looks at each row of
    JSON, at the header of a table. For tables, *column_map* says column -> field where a column's
    name doesn't tell (fields: kind, ts, email, message_id, recipient_id, job_id, event_id,
    bounce_code, bounce_text, bounce_class, link_url, user_agent, ip); names of objects inside of
    objects are parted by dots. For any feed, *event_map* says word -> kind (the word "" is for rows
    without one), *date_format* how moments are written ("day-first", "month-first" or a form of
    `strptime`), *timezone* the zone of those that name none; *keep* names columns that are kept as
    segments. With *progress* a bar shows how many rows were read, and how many a second.

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or something names what
        doesn't exist; nothing was kept. StoreError: the store can't be written; nothing was kept.
    """
    told = Instructions(
        format=format,
        column_map=column_map or {},
        event_map=event_map or {},
        date_format=date_format,
        timezone=timezone,
        keep=keep,
    )
    return import_files([path], store, told, campaign=campaign, now=now, progress=progress)


@without_locals
def import_files(
    paths: Sequence[str | Path],
    store: EventStore,
    told: Instructions,
    *,
    campaign: str = "",
    now: datetime,
    progress: bool = False,
) -> Imported:
    """
    `import_file` for several files, whose events are kept all or not at all; where *told* names a
    column of campaigns there may be many, and *campaign* is "".

    Raises:
        ConfigError, StoreError: as `import_file`.
    """
    told = told.checked(store.root.parent / PRESETS)
    if bool(campaign) == bool(told.campaign_from):
        raise ConfigError(
            "it must be said which campaign the events belong to, in one way",
            do="use --campaign NAME, or --campaign-from COLUMN for files of several campaigns",
        )
    readings = [Reading(Path(path), told, campaign) for path in paths]
    while True:
        try:
            return _import(readings, told, store, campaign=campaign, now=now, progress=progress)
        except DatesExplained as explained:
            readings = [reading.again(explained) for reading in readings]


def _import(
    readings: Sequence[Reading],
    told: Instructions,
    store: EventStore,
    *,
    campaign: str,
    now: datetime,
    progress: bool,
) -> Imported:
    tally = Tally()
    samples = Samples()
    with store.rejects(campaign or "campaigns") as rejects:
        batches = _batches(readings, rejects, tally, progress)
        if any(reading.may_correct for reading in readings):
            batches = samples.take_from(batches)
        added = store.add_batches(batches, received_at=now)
        if told.keep:
            store.keep_columns(added, told.keep)
    campaigns = {
        name: CampaignEvents(one.added + one.duplicates, one.added) for name, one in added.items()
    }
    partly_known = [name for name, one in added.items() if one.duplicates]
    formats: list[str] = []
    unused: list[str] = []
    moments_in: list[str] = []
    notes: list[str] = []
    for reading in readings:
        formats += reading.feeds
        notes += reading.notes
        unused += reading.unused_columns()
        moments_in += reading.unused_moments()
    return Imported(
        campaigns=campaigns,
        format=", ".join(dict.fromkeys(formats)),
        rows=sum(reading.rows for reading in readings),
        rejected=rejects.count,
        rejected_path=rejects.path,
        kinds=dict(tally.kinds.most_common()),
        unknown_kinds=dict(tally.unknown_words.most_common()),
        without_moment=tally.without_moment,
        unused_columns=list(dict.fromkeys(unused)),
        moments_in=list(dict.fromkeys(moments_in)),
        unclear=tally.unclear,
        notes=list(dict.fromkeys(notes)),
        kept_otherwise=samples.kept_otherwise(store, partly_known),
    )


def _batches(
    readings: Sequence[Reading], rejects: Rejects, tally: Tally, progress: bool
) -> Iterator[Batch]:
    """The events of the files, counted while they pass."""
    for reading in readings:
        source = f"file:{reading.path.name}"
        with ExitStack() as stack:
            bar = stack.enter_context(
                progress_bar(reading.path.name, is_shown=progress, unit=" rows")
            )
            rows = stack.enter_context(open_blocks(reading.path))
            for name, table in reading.tables(_counted(rows, bar), rejects):
                tally.count(table)
                yield Batch(name, source, with_machines(table))
            reading.notes += rows.notes


def _counted(pieces: Iterable[Piece], bar: tqdm[Any]) -> Iterator[Piece]:
    """The same; the bar moves on when a piece was taken in."""
    for piece in pieces:
        yield piece
        bar.update(1 if isinstance(piece, Line) else len(piece))
