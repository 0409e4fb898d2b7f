"""
The event store: immutable Parquet files, `<root>/campaign=<name>/part-2-<digest>.parquet`. The 2 is
the version of their columns; parts of version 1 are named `part-<digest>.parquet`.

No locks. A part is written under a hidden name, fsynced and renamed, so a reader sees all of it or
nothing; its name derives from the ids in it, so the same page twice is the same file; and the view
`events` keeps one row per event id whatever writers did at the same time. That makes adding
idempotent and safe to kill at any moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, partial
from itertools import count, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cxtools.errors import ConfigError, StoreError
from cxtools.files import Staging, write_whole
from cxtools.model import Event

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

#: How the name of a part begins whose columns are those of `Event` as it is.
CURRENT = "part-2-"

CAMPAIGN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")

#: Events held in memory at once while adding: about 100 MB of Python objects.
CHUNK = 50_000


@dataclass(frozen=True)
class Added:
    """
    What became of events given to the store: new ones, and ones that it held already or that came
    twice.
    """

    added: int
    duplicates: int


class Rejects:
    """
    Rows that can't be read, each with the reason; `path` is where they stand once they are kept,
    None when there were none.
    """

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self.count = 0
        self.path: Path | None = None

    def add(self, reason: str, row: str, line: int | None = None) -> None:
        place = {} if line is None else {"line": line}
        self._spool.write(json.dumps(place | {"reason": reason, "row": row}).encode() + b"\n")
        self.count += 1


class EventStore:
    """
    Events of all campaigns below one folder. Opening it touches nothing; the folder appears with
    the first event.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> store = EventStore(Path(tempfile.mkdtemp()) / "events")
    >>> opened = Event("e1", "open", "open", message_id="m1", ts=datetime(2026, 1, 1, tzinfo=UTC))
    >>> store.add("q3-update", [opened, opened], source="api", received_at=datetime(2026, 1, 2, tzinfo=UTC))
    Added(added=1, duplicates=1)
    >>> store.campaigns()
    ['q3-update']
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def add(
        self, campaign: str, events: Iterable[Event], *, source: str, received_at: datetime
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
        import pyarrow.parquet as pq

        folder = self._folder(campaign)
        added = duplicates = 0
        stream = iter(events)
        with Staging() as staging:
            while chunk := list(islice(stream, CHUNK)):
                ids = {event.event_id for event in chunk}
                final = folder / f"{CURRENT}{_digest(ids)}.parquet"
                new = (
                    ids - _held(ids, [*folder.glob("part-*.parquet"), *staging.hidden_files])
                    if not final.exists()
                    else set()
                )
                added, duplicates = added + len(new), duplicates + len(chunk) - len(new)
                if new:
                    # An event that came twice in one chunk stays twice in its part: data_quality
                    # counts what a feed repeats.
                    kept = [event for event in chunk if event.event_id in new]
                    table = _table(kept, source, received_at)
                    with _disk(folder):
                        staging.write(final, partial(pq.write_table, table, compression="zstd"))
            with _disk(folder):
                staging.publish()
        return Added(added, duplicates)

    @contextmanager
    def rejects(self, campaign: str) -> Iterator[Rejects]:
        """
        Where rows go that can't be read: `<root>/_rejected/<campaign>-<digest>.jsonl`, for its
        owner's eyes only.

        Written when the block ends well and at least one row came; the same rows are the same file.
        """
        self._folder(campaign)
        with tempfile.SpooledTemporaryFile(max_size=1 << 20) as spool:
            rejects = Rejects(spool)
            yield rejects
            if rejects.count:
                spool.seek(0)
                digest = hashlib.file_digest(spool, "sha256").hexdigest()[:16]
                rejects.path = self.root / "_rejected" / f"{campaign}-{digest}.jsonl"
                spool.seek(0)
                with _disk(rejects.path.parent):
                    write_whole(rejects.path, partial(shutil.copyfileobj, spool))

    def job_counts(self, campaign: str, job_ids: Sequence[str]) -> dict[str, int]:
        """
        How many events of each of these jobs the campaign has; a job without events is missing.
        """
        asked = "select job_id, count(*) from events where job_id in (select unnest($jobs)) group by job_id"
        return dict(self._asked(campaign, asked, jobs=list(job_ids)))

    def refusals(self, campaign: str, job_ids: Sequence[str]) -> list[tuple[str, str, str]]:
        """(address, code, text), each once, of the bounces of these jobs."""
        asked = """select distinct email, bounce_code, bounce_text from events
            where kind = 'bounce' and email <> '' and job_id in (select unnest(cast($jobs as varchar[]))) order by all"""
        return self._asked(campaign, asked, jobs=list(job_ids))

    def job_with_tag(self, campaign: str, tag: str) -> str:
        """
        The one job whose events carry this tag, as far as the feed hands tags on; "" where there is
        none, or no single one.
        """
        asked = "select distinct job_id from events where job_id <> '' and contains(raw, $tag)"
        jobs = [job_id for (job_id,) in self._asked(campaign, asked, tag=json.dumps(tag))]
        return jobs[0] if len(jobs) == 1 else ""

    def keep_rejects(self, campaign: str, rejected: Iterable[tuple[str, str]]) -> Path | None:
        """
        Keep rows, each as text and reason, that an API gave and nobody can read; None when there
        were none.
        """
        with self.rejects(campaign) as rejects:
            for row, reason in rejected:
                rejects.add(reason, row)
        return rejects.path

    def counts(self, campaign: str) -> dict[str, int]:
        """Kind -> events of a campaign; empty when it has none yet."""
        return dict(
            self._asked(campaign, "select kind, count(*) from events group by kind order by kind")
        )

    def _asked(self, campaign: str, query: str, **parameters: str | list[str]) -> list[Any]:
        """The rows of an answer from a campaign's events; none when it has none yet."""
        if campaign not in self.campaigns():
            return []
        with self.connection([campaign]) as connection:
            return connection.execute(query, parameters).fetchall()

    def campaigns(self) -> list[str]:
        """Names of the campaigns which have events, sorted."""
        return sorted(
            {
                part.parent.name.removeprefix("campaign=")
                for part in self.root.glob("campaign=*/part-*.parquet")
            }
        )

    @contextmanager
    def connection(
        self, campaigns: Sequence[str] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """
        A DuckDB connection, in UTC, with the view `events` over these campaigns (None: all), for a
        `with` block.

        One row per campaign and event_id, the earliest received. Columns: campaign, those of
        `Event`, source, received_at. The view `received` has every stored row, repeated ones too.

        Raises:
            StoreError: a campaign has no events here, the message lists those which have; or a file
            can't be read.
        """
        known = self.campaigns()
        missing = sorted(set(campaigns or ()) - set(known))
        if missing:
            raise StoreError(
                f"no events of campaign {', '.join(missing)}",
                where=str(self.root),
                do=f"choose one of: {', '.join(known) or 'none yet'}; or collect or import events first",
            )
        chosen = known if campaigns is None else sorted(set(campaigns))
        files = [str(part) for name in chosen for part in self._folder(name).glob("part-*.parquet")]
        with _database(self.root) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self._received(connection, files)
            connection.execute(EVENTS)
            yield connection

    def _received(self, connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
        """The view `received`: one `read_parquet` for each version of the columns."""
        current = [file for file in files if Path(file).name.startswith(CURRENT)]
        old = sorted(set(files) - set(current))
        if current and old:
            connection.sql(RECEIVED, params={"files": current}).create_view("current_parts")
            connection.sql(RECEIVED_1, params={"files": old}).create_view("old_parts")
            connection.execute(RECEIVED_BOTH)
        elif files:
            query = RECEIVED if current else RECEIVED_1
            connection.sql(query, params={"files": files}).create_view("received")
        else:
            import pyarrow as pa

            campaign = pa.field("campaign", pa.string(), nullable=False)
            connection.register("received", _schema().append(campaign).empty_table())

    def _folder(self, campaign: str) -> Path:
        if not CAMPAIGN_NAME.match(campaign):
            raise ConfigError(
                f"{campaign!r} can't be the name of a campaign",
                do="use 1 to 100 letters, digits, dots, hyphens or underscores, a letter or digit first",
            )
        return self.root / f"campaign={campaign}"


# The type is given because DuckDB would read a campaign named "2026" as a number.
PARTS = "read_parquet($files, hive_partitioning = true, hive_types = {'campaign': varchar})"
RECEIVED = f"select * from {PARTS}"  # noqa: S608
# Version 1 had neither by_machine nor bounce_class: a machine's open had a raw_kind of our own.
RECEIVED_1 = f"""
select *, case when raw_kind = 'machine_open' then true end as by_machine, '' as bounce_class
from {PARTS}
"""  # noqa: S608
# Not `union_by_name`, which opens every part before each query: four times as slow for 300 parts.
RECEIVED_BOTH = """
create view received as
select * from current_parts union all by name select * from old_parts
"""
EVENTS = """
create temp view events as
select * exclude (nth)
from (select *, row_number() over (partition by campaign, event_id order by received_at, source) as nth from received)
where nth = 1
"""


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """
    What the disk refuses, as a StoreError. Only our own writing goes through here: the stream of
    events may fail for its own reasons.
    """
    try:
        yield
    except OSError as failed:
        raise StoreError(
            f"events can't be written: {failed.strerror or failed}; nothing of this batch was kept",
            where=str(folder),
            do="free some disk space or correct the folder's permissions, then run it again",
        ) from failed


@cache
def _engine(_pid: int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, one a process: starting another costs 14 ms, a cursor 0.1 ms."""
    import duckdb

    # Without these DuckDB would fetch extensions from the network and spill into a folder beside
    # the notebook.
    return duckdb.connect(
        config={"autoinstall_known_extensions": "false", "temp_directory": tempfile.gettempdir()}
    )


SCHEMAS = count(1)


@contextmanager
def _database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A connection with a schema of its own, gone afterwards; what can't be read, whenever that comes
    out, is a StoreError.
    """
    import duckdb

    schema = f"own_{next(SCHEMAS)}"
    try:
        with _engine(os.getpid()).cursor() as connection:
            connection.execute(f"create schema {schema}; use {schema}")
            try:
                yield connection
            finally:
                connection.execute(f"use main; drop schema {schema} cascade")
    except duckdb.Error as failed:
        if isinstance(failed, duckdb.FatalException):
            _engine.cache_clear()  # it serves nobody any more
        raise StoreError(
            f"the events can't be read: {failed}",
            where=str(folder),
            do="a file there may be damaged: move it away, then collect or import again",
        ) from failed


def _digest(ids: set[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:24]


def _held(ids: set[str], files: Sequence[Path]) -> set[str]:
    """
    Those of the ids which the files hold. DuckDB scans one column, so memory doesn't grow with the
    store.
    """
    if not files:
        return set()
    import pyarrow as pa

    with _database(files[0].parent) as connection:
        connection.register("wanted", pa.table({"event_id": list(ids)}))
        connection.read_parquet([str(file) for file in files]).create_view("stored")
        return {
            row[0]
            for row in connection.execute(
                "select event_id from wanted semi join stored using (event_id)"
            ).fetchall()
        }


def _schema() -> pa.Schema:
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    nullable = {"ts": moment, "by_machine": pa.bool_()}
    columns = [
        pa.field(each.name, nullable[each.name])
        if each.name in nullable
        else pa.field(each.name, pa.string(), nullable=False)
        for each in fields(Event)
    ]
    columns.append(pa.field("source", pa.string(), nullable=False))
    columns.append(pa.field("received_at", moment, nullable=False))
    return pa.schema(columns)


def _table(events: Sequence[Event], source: str, received_at: datetime) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        each.name: [getattr(event, each.name) for event in events] for each in fields(Event)
    }
    columns |= {"source": [source] * len(events), "received_at": [received_at] * len(events)}
    return pa.table(columns, schema=_schema())
