"""
The event store: immutable Parquet files, `<root>/campaign=<name>/part-3-<digest>.parquet`.

No locks. A part is written under a hidden name, fsynced and renamed, so a reader sees all of it or
nothing; its name derives from the ids in it, so the same page twice is the same file; and the view
`events` keeps one row per event id whatever writers did at the same time. That makes adding
idempotent and safe to kill at any moment.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools.erasures import Erasures
from cxtools.errors import ConfigError, StoreError
from cxtools.events import compaction, kept_segments, parts
from cxtools.events.compaction import Compacted
from cxtools.events.database import Resources, database
from cxtools.events.erasure import ERASURES, erase_in_parts, erased, read_erasures, stale_layers
from cxtools.events.kept_segments import CampaignSegments
from cxtools.events.known import Known
from cxtools.events.messages import layer
from cxtools.events.rejects import Rejects
from cxtools.events.replacements import PARTS, parts_that_count, reading, repeat_when_replaced
from cxtools.files import Staging, write_whole
from cxtools.model import Event
from cxtools.streams import prefetch
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CAMPAIGN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
#: How the folder of a campaign begins: Parquet readers take such a name for a column.
FOLDER_PREFIX = "campaign="

#: Events held in memory at once while adding: about 100 MB of Python objects.
CHUNK = parts.ROW_GROUP
#: Events of all campaigns that are held in memory while adding.
MOST_WAITING = 4 * CHUNK
#: Where rows stand that can't be read, in files that end in so many digits of their content's hash.
REJECTED = "_rejected"
#: How the folder of a campaign begins whose events are being deleted.
REMOVED = ".removed-"
DIGEST = 16
#: Bytes of rejected rows that are held in memory.
SPOOL = 1 << 20


@dataclass(frozen=True)
class Added:
    """
    What became of events given to the store: new ones, and ones that it held already or that came
    twice.
    """

    added: int
    duplicates: int


class Batch(NamedTuple):
    """Events for a campaign, as a table with the columns of `Event`, and where they came from."""

    campaign: str
    source: str
    table: pa.Table


class EventStore:
    """
    Events of all campaigns below one folder. Opening it touches nothing; the folder appears with
    the first event.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> store = EventStore(Path(tempfile.mkdtemp()) / "events")
    >>> an_open = Event("e1", "open", "open", ts=datetime(2026, 1, 1, tzinfo=UTC))
    >>> day_after = datetime(2026, 1, 2, tzinfo=UTC)
    >>> store.add("q3-update", [an_open, an_open], source="api", received_at=day_after)
    Added(added=1, duplicates=1)
    >>> store.campaigns()
    ['q3-update']
    """

    def __init__(
        self,
        root: Path,
        resources: Resources | None = None,
        erasures: Path | None = None,
    ) -> None:
        """*erasures* is the file of those who are erased; by default the one beside the folder."""
        self.root = Path(root)
        self.resources = resources or Resources(spill=self.root / "_spill")
        self.erasures = erasures or self.root.parent / ERASURES

    # --- writing ---

    def add(
        self,
        campaign: str,
        events: Iterable[Event],
        *,
        source: str,
        received_at: datetime,
    ) -> Added:
        """
        Keep the events which the campaign doesn't hold yet: all of them or, on any error, none.

        Events are read as a stream, at most CHUNK in memory. *source* says where they came from,
        *received_at* (aware) when.

        Raises:
            ConfigError: the campaign's name can't be a folder's name.
            StoreError: the folder can't be written or the disk is full; nothing of this call was
            kept.
        """
        tables = _tables(events)
        return self.add_tables(campaign, tables, source=source, received_at=received_at)

    def add_tables(
        self,
        campaign: str,
        tables: Iterable[pa.Table],
        *,
        source: str,
        received_at: datetime,
    ) -> Added:
        """
        `add` for tables with the columns of `Event` (see `parts.event_schema`), of any length.

        Raises:
            ConfigError, StoreError: as `add`.
        """
        self._folder(campaign)
        batches = (Batch(campaign, source, table) for table in tables)
        added = self.add_batches(batches, received_at=received_at)
        return added.get(campaign, Added(0, 0))

    def add_batches(self, batches: Iterable[Batch], *, received_at: datetime) -> dict[str, Added]:
        """
        `add_tables` for several campaigns at once: the events of all of them or, on any error,
        none.

        Raises:
            ConfigError, StoreError: as `add`.
        """
        adding: dict[str, _Adding] = {}
        erasures = read_erasures(self.erasures)
        ahead = prefetch(batches, size=_rows, most=CHUNK)
        with Staging() as staging, closing(ahead):
            for named in ahead:
                batch = named._replace(table=erased(parts.event_columns(named.table), erasures))
                name = batch.campaign
                if name not in adding:
                    adding[name] = _Adding(self._folder(name), self._known(name), received_at)
                adding[name].take(batch, staging)
                _make_room(adding.values(), staging)
            for each in adding.values():
                each.stage_rest(staging)
            with _disk(self.root):
                staging.publish()
        for each in adding.values():
            each.keep(self.resources)
        return {name: each.added for name, each in adding.items()}

    def compact(self, campaign: str) -> Compacted:
        """
        Merge a campaign's small parts, and those of earlier versions, into larger ones, while
        others read and write.

        Raises:
            StoreError: the campaign has no events; another process compacts it; or a part can't be
            read or written. All events are there as before.
        """
        [name] = self._chosen([campaign])
        compacted = compaction.compact(self._folder(name), self.resources)
        self._known(name).keep()
        return compacted

    def erase(
        self, campaign: str, erasures: Erasures, is_clean: Callable[[Path], bool] = lambda _: False
    ) -> int:
        """
        Write those parts of a campaign anew that name somebody who is erased; how many they were.

        Raises:
            StoreError: the campaign has no events; another process merges its parts; or a part
            can't be read or written. The same again goes on.
        """
        [name] = self._chosen([campaign])
        written = erase_in_parts(self._folder(name), erasures, self.resources, is_clean)
        if written:
            self._known(name).keep()
        return written

    def keep_columns(self, campaigns: Iterable[str], columns: Sequence[str]) -> None:
        """
        Keep that these columns of imported rows are segments of these campaigns; asked again for
        rows that are there already, they become segments, too.

        Raises:
            StoreError: that can't be written.
        """
        with _disk(self.root):
            for name in campaigns:
                self.segments(name).keep_columns(columns)

    def erase_segments(self, erasures: Erasures) -> int:
        """
        Write those plans' segments anew that know of somebody who is erased; how many they were.

        Raises:
            StoreError: one can't be read or written. The same again goes on.
        """
        written = 0
        with _disk(self.root):
            for kept in kept_segments.all_segments(self.root):
                written += kept.erase(erasures)
                kept_segments.remove_derived(layer.layers_folder(self.root, kept.folder.name))
        return written

    def segment_files(self) -> Iterator[Path]:
        """The files of segments that know of people."""
        for kept in kept_segments.all_segments(self.root):
            yield from kept.planned_files()

    def remove(self, campaign: str) -> None:
        """
        Delete the events of a campaign, and all that was derived from them, at once: whoever asks
        afterwards finds no such campaign.

        Raises:
            StoreError: the folder can't be changed.
        """
        folder = self._folder(campaign)
        with _disk(self.root):
            if folder.exists():
                folder.rename(self.root / f"{REMOVED}{folder.name}")
        self.remove_unfinished()
        for derived in (
            self.root / "_known",
            self.root / layer.FOLDER,
            self.root / kept_segments.FOLDER,
        ):
            shutil.rmtree(derived / folder.name, ignore_errors=True)

    def remove_unfinished(self) -> None:
        """Finish what a killed `remove` began."""
        for folder in self.root.glob(f"{REMOVED}*"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def rejects(self, campaign: str) -> Iterator[Rejects]:
        """
        Where rows go that can't be read: `<root>/_rejected/<campaign>-<digest>.jsonl`, for its
        owner's eyes only.

        Written when the block ends well and at least one row came; the same rows are the same file.
        """
        self._folder(campaign)
        with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
            rejects = Rejects(spool)
            yield rejects
            if not rejects.count:
                return
            spool.seek(0)
            digest = hashlib.file_digest(spool, "sha256").hexdigest()[:DIGEST]
            folder = self.root / REJECTED
            rejects.path = folder / f"{campaign}-{digest}.jsonl"
            spool.seek(0)
            with _disk(folder):
                write_whole(rejects.path, partial(shutil.copyfileobj, spool))

    def keep_rejects(self, campaign: str, rejected: Iterable[tuple[str, str]]) -> Path | None:
        """
        Keep rows, each as text and reason, that an API gave and nobody can read; None when there
        were none.
        """
        with self.rejects(campaign) as rejects:
            for row, reason in rejected:
                rejects.add(reason, row)
        return rejects.path

    def rejected_rows(self, campaign: str) -> int:
        """How many rows of a campaign's files and pages were put aside, and still are."""
        digest = "[0-9a-f]" * DIGEST
        files = (self.root / REJECTED).glob(f"{campaign}-{digest}.jsonl")
        return sum(_lines_in(file) for file in files)

    # --- reading ---

    def campaigns(self) -> list[str]:
        """Names of the campaigns which have events, sorted."""
        folders = self.root.glob(f"{FOLDER_PREFIX}*")
        used = [folder for folder in folders if any(folder.glob(PARTS))]
        return sorted(folder.name.removeprefix(FOLDER_PREFIX) for folder in used)

    def parts(self, campaign: str) -> list[Path]:
        """The files that hold the rows of a campaign, each row once; empty when it has none yet."""
        return parts_that_count(self._folder(campaign))

    def segments(self, campaign: str) -> CampaignSegments:
        """What is kept of the groups that a campaign's people belong to."""
        return CampaignSegments(self.root, self._folder(campaign).name)

    def draft_segments(self, campaign: str) -> CampaignSegments:
        """The same, where what a plan tells waits in a folder of this process."""
        return kept_segments.draft_segments(self.root, self._folder(campaign).name, self.erasures)

    def stale_layers(self, campaign: str) -> list[Path]:
        """
        The layers of a campaign's messages that were made of parts which aren't there any more.
        """
        return stale_layers(self._folder(campaign))

    def job_with_tag(self, campaign: str, tag: str) -> str:
        """
        The one job whose events carry this tag, as far as the feed hands tags on; "" where there is
        none, or no single one.
        """
        query = """
            select distinct job_id
            from events
            where job_id <> '' and contains(raw, $tag)
        """
        rows = self._rows(campaign, query, tag=json.dumps(tag))
        if len(rows) != 1:
            return ""
        [[job_id]] = rows
        return str(job_id)

    @repeat_when_replaced
    def _rows(self, campaign: str, query: str, **params: str | list[str]) -> list[Any]:
        """What a query selects from a campaign's events; nothing when it has none yet."""
        if campaign not in self.campaigns():
            return []
        with self.connection([campaign]) as connection:
            return connection.execute(query, params).fetchall()

    @contextmanager
    def connection(
        self, campaigns: Sequence[str] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """
        A DuckDB connection, in UTC, with the view `events` over these campaigns (None: all), for a
        `with` block.

        One row per campaign and event_id, the first by `parts.PRECEDENCE`. Columns: campaign, those
        of `Event`, source, received_at, event_hash, message_key. The view `received` has every
        stored row, repeated ones too.

        Raises:
            StoreError: a campaign has no events here, the message lists those which have; or a file
            can't be read. PartsReplaced: parts were merged meanwhile; see
            `replacements.repeat_when_replaced`.
        """
        files: list[Path] = []
        for name in self._chosen(campaigns):
            files += self.parts(name)
        with reading(files), database(self.root, self.resources) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            parts.make_views(connection, files)
            yield connection

    def _chosen(self, campaigns: Sequence[str] | None) -> list[str]:
        """These campaigns, or all, if they have events."""
        known = self.campaigns()
        missing = set(campaigns or ()).difference(known)
        if missing:
            raise self.no_events(missing)
        return known if campaigns is None else sorted(set(campaigns))

    def _known(self, campaign: str) -> Known:
        folder = self._folder(campaign)
        return Known(folder, self.root / "_known" / folder.name)

    def no_events(self, campaigns: Iterable[str]) -> StoreError:
        """The error that tells of campaigns without events, and which have some."""
        missing = sorted(campaigns)
        known = self.campaigns()
        choices = f"{did_you_mean(missing, known)}choose one of: {', '.join(known)}; or "
        return StoreError(
            f"no events of campaign {', '.join(missing)}",
            where=str(self.root),
            do=f"{choices if known else ''}collect or import events first",
        )

    def _folder(self, campaign: str) -> Path:
        if not CAMPAIGN_NAME.match(campaign):
            raise ConfigError(
                f"{campaign!r} can't be the name of a campaign",
                do="use 1 to 100 letters, digits, dots, hyphens or underscores; "
                "begin with a letter or a digit",
            )
        return self.root / f"{FOLDER_PREFIX}{campaign}"


class _Adding:
    """The events that one campaign is given, a CHUNK of them at a time."""

    def __init__(self, folder: Path, known: Known, received_at: datetime) -> None:
        self._folder = folder
        self._known = known
        self._received_at = received_at
        self._source = ""
        self._waiting: list[pa.Table] = []
        self._read = 0
        self._new = 0

    @property
    def waiting(self) -> int:
        """Events held in memory."""
        return sum(len(rows) for rows in self._waiting)

    @property
    def added(self) -> Added:
        return Added(self._new, self._read - self._new)

    def take(self, batch: Batch, staging: Staging) -> None:
        import pyarrow as pa

        if batch.source != self._source:
            self.stage_rest(staging)
            self._source = batch.source
        self._waiting.append(batch.table)
        while self.waiting >= CHUNK:
            together = pa.concat_tables(self._waiting)
            self._stage(together.slice(0, CHUNK), staging)
            self._waiting = [together.slice(CHUNK)]

    def stage_rest(self, staging: Staging) -> None:
        for chunk in parts.in_chunks(self._waiting, CHUNK):
            self._stage(chunk, staging)
        self._waiting = []

    def _stage(self, events: pa.Table, staging: Staging) -> None:
        rows = parts.rows_of_part(events, self._source, self._received_at)
        new = self._known.news(rows)
        self._read += len(rows)
        self._new += len(new["event_id"].unique())
        if len(new):
            with _disk(self._folder):
                self._known.stage(new, staging)

    def keep(self, resources: Resources) -> None:
        """What was published stays so: whoever adds next tries these again."""
        with suppress(StoreError, OSError):
            if compaction.is_due(self._folder):
                compaction.compact(self._folder, resources)
            self._known.keep()


def _rows(batch: Batch) -> int:
    return len(batch.table)


def _make_room(adding: Iterable[_Adding], staging: Staging) -> None:
    """Stage the largest of what waits, where it is more together than memory should hold."""
    waiting = [each for each in adding if each.waiting]
    if sum(each.waiting for each in waiting) > MOST_WAITING:
        largest = max(waiting, key=lambda each: each.waiting)
        largest.stage_rest(staging)


def _tables(events: Iterable[Event]) -> Iterator[pa.Table]:
    """A stream of events as tables, at most CHUNK events in memory."""
    stream = iter(events)
    while chunk := list(islice(stream, CHUNK)):
        yield parts.table_of(chunk)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """
    What the disk refuses, as a StoreError. Only our own writing goes through here: the stream of
    events may fail for its own reasons.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(
            f"events can't be written: {reason}; nothing of this batch was kept",
            where=str(folder),
            do="free some disk space or correct the folder's permissions, then run it again",
        ) from error


def _lines_in(file: Path) -> int:
    with file.open("rb") as content:
        return sum(block.count(b"\n") for block in iter(partial(content.read, SPOOL), b""))
