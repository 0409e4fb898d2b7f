"""
A store of events as large as you like, to measure on.

    python -m benchmarks.generate HOME --events 10_000_000
    python -m benchmarks.generate HOME --events 100_000 --campaigns 100
    python -m benchmarks.generate HOME --lacks recipient_id --lacks-in open click

The events are those of `happenings.py`: seeded, so the same numbers make the same files. They stand
in HOME/events/campaign=<name>/, in parts of 50,000 rows in order of arrival, as an ingest writes
them; each campaign begins a day after the one before. With --distinct only so many campaigns are made, and the others are hard links to them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import texts
from benchmarks.happenings import KINDS, Numbers, arrivals
from benchmarks.stores import folder_of
from cxtools.events.keys import with_keys
from cxtools.model import Event

PART_ROWS = 50_000
SOURCE = "cxone"
SEED = 7
#: The version of the parts' columns: 3 has the keys of event and message behind those of 2.
CURRENT = 3
WITHOUT_KEYS = 2
MOMENT = pa.timestamp("us", tz="UTC")
MINUTE = timedelta(minutes=1) // timedelta(microseconds=1)
#: Columns that are not text.
TYPES = {"ts": MOMENT, "received_at": MOMENT, "by_machine": pa.bool_()}


@dataclass(frozen=True)
class Lack:
    """An id that a feed doesn't name: in events of these kinds, or in all where there are none."""

    column: str
    kinds: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000, help="of each campaign")
    parser.add_argument("--campaigns", type=int, default=1)
    parser.add_argument("--distinct", type=int, help="the others are hard links")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--version", type=int, choices=(WITHOUT_KEYS, CURRENT), default=CURRENT)
    parser.add_argument("--lacks", choices=("message_id", "recipient_id"), help="names no such id")
    parser.add_argument("--lacks-in", choices=KINDS, nargs="+", default=(), help="only in these")
    options = parser.parse_args()
    lack = Lack(options.lacks, tuple(options.lacks_in)) if options.lacks else None
    distinct = options.distinct or options.campaigns
    folders = [folder_of(options.home, number) for number in range(options.campaigns)]
    for number, folder in enumerate(folders):
        if number < distinct:
            write_campaign(
                folder,
                options.events,
                seed=options.seed + number,
                day=number,
                version=options.version,
                lack=lack,
            )
        else:
            link_campaign(folders[number % distinct], folder)
    print_cost(options.home, options.events * options.campaigns)


def write_campaign(
    folder: Path,
    events: int,
    *,
    seed: int = SEED,
    day: int = 0,
    version: int = CURRENT,
    lack: Lack | None = None,
) -> list[Path]:
    """
    Write so many events of a campaign that began on this day, from 0; the parts in order of
    arrival.
    """
    folder.mkdir(parents=True)
    return [write_part(folder, rows, seed, version, lack) for rows in parts_of(events, seed, day)]


def link_campaign(source: Path, folder: Path) -> None:
    """The same events once more, as another campaign, without taking space."""
    folder.mkdir(parents=True)
    for file in source.iterdir():
        os.link(file, folder / file.name)


def parts_of(events: int, seed: int, day: int = 0) -> Iterator[Numbers]:
    """The rows of each part."""
    waiting: list[Numbers] = []
    count = 0
    for rows in arrivals(events, seed, day):
        waiting.append(rows)
        count += len(rows)
        if count < PART_ROWS:
            continue
        every = np.concatenate(waiting)
        whole = count - count % PART_ROWS
        yield from np.split(every[:whole], range(PART_ROWS, whole, PART_ROWS))
        waiting = [every[whole:]]
        count -= whole
    if count:
        yield np.concatenate(waiting)


def write_part(
    folder: Path,
    rows: Numbers,
    seed: int,
    version: int,
    lack: Lack | None = None,
) -> Path:
    """Write one part, under the name that an ingest of the same rows would give it."""
    table = table_of(rows, seed)
    if lack:
        table = without_id(table, lack)
    if version == CURRENT:
        table = with_keys(table)
    file = folder / name_of_part(table["event_id"], version)
    pq.write_table(table, file, compression="zstd")
    return file


def without_id(table: pa.Table, lack: Lack) -> pa.Table:
    """The same events, as a feed tells them that doesn't name this id."""
    place = table.schema.get_field_index(lack.column)
    ids = pa.array([""] * len(table))
    if lack.kinds:
        lacks = pc.is_in(table["kind"], pa.array(lack.kinds))
        ids = pc.if_else(lacks, "", table[lack.column])
    return table.set_column(place, table.schema.field(place), ids)


def name_of_part(event_ids: pa.ChunkedArray, version: int) -> str:
    ids = sorted(event_ids.unique().to_pylist())
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:24]
    return f"part-{version}-{digest}.parquet"


def table_of(rows: Numbers, seed: int) -> pa.Table:
    """The columns of a part: those of `Event`, then where it came from and when."""
    columns = event_columns(rows, seed)
    columns["source"] = pa.repeat(SOURCE, len(rows))
    received_at = int(rows["arrives"].max()) // MINUTE * MINUTE + MINUTE
    columns["received_at"] = pa.repeat(pa.scalar(received_at, MOMENT), len(rows))
    return pa.table(columns, schema=schema())


def schema() -> pa.Schema:
    names = [*(field.name for field in fields(Event)), "source", "received_at"]
    may_be_missing = ("ts", "by_machine")
    columns = []
    for name in names:
        kind = TYPES.get(name, pa.string())
        columns.append(pa.field(name, kind, nullable=name in may_be_missing))
    return pa.schema(columns)


def event_columns(rows: Numbers, seed: int) -> dict[str, pa.Array]:
    """The columns of `Event`."""
    messages = rows["message"]
    words = pa.array(KINDS).take(pa.array(rows["kind"]))
    emails = texts.addresses(messages, texts.domains(messages, seed))
    refusals = texts.refusals(rows, emails, seed)
    numbers = messages * 512 + rows["kind"].astype("i8") * 128 + rows["nth"]
    columns = {
        "event_id": texts.fixed_width(texts.hexadecimal(numbers, seed, "event")),
        "kind": words,
        "raw_kind": words,
        "job_id": texts.jobs(messages, seed),
        "message_id": texts.uuids(messages, seed, "message"),
        "recipient_id": texts.uuids(messages, seed, "person"),
        "email": emails,
        "ts": pa.array(rows["moment"], mask=~rows["dated"]).cast(MOMENT),
        "bounce_code": pa.array([refusal.code for refusal in refusals]),
        "bounce_text": pa.array([refusal.text for refusal in refusals]),
        "link_url": texts.links(rows),
        "user_agent": texts.agents(rows, seed),
        "ip": texts.networks(rows, seed),
        "bounce_class": pa.repeat("", len(rows)),
        "by_machine": pa.nulls(len(rows), pa.bool_()),
    }
    columns["raw"] = texts.raw_rows(columns, words, texts.moments(rows))
    return columns


def print_cost(home: Path, events: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = usage.ru_utime + usage.ru_stime
    files = {file.stat().st_ino: file.stat().st_size for file in home.rglob("*.parquet")}
    print(
        f"{events:,} events in {len(files):,} files of {sum(files.values()) / 1e6:,.0f} MB; "
        f"{cpu_s:.1f} CPU s, {usage.ru_maxrss / 1024:,.0f} MB of memory"
    )


if __name__ == "__main__":
    main()
