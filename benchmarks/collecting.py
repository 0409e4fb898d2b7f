"""
Does it cost more to collect 32 jobs where more events are stored already?

    python -m benchmarks.collecting [--events 100_000 10_000_000] [--home FOLDER]

For each size a store with its layer of messages, made in FOLDER and left there. Beside those
events come, each time in a new process, 50,000 events of some 32 new jobs, and then 5,000 late ones
of the same: they are stored, the events of these jobs are counted, and what became of each of their
recipients is asked, as `collect` does for the CRM. Its other costs don't depend on the store: pages
(`benchmarks/ingest.py`), the ledger and webhooks. CPU seconds of the whole process; those of the
parts without its imports.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.generate import parts_of, table_of, write_campaign
from benchmarks.stores import folder_of, name_of_campaign
from cxtools.events.store import EventStore
from cxtools.events.tables import event_columns
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import job_events, outcomes

EVENTS = 50_000
JOBS = 32
#: Other events that come first, so that the store has its index, as one that has grown by itself.
FIRST_SEED = 98
SEED = 99
#: One in so many events comes once more, days later.
LATE_SHARE = 10
LATE = timedelta(days=3)
CAMPAIGN = name_of_campaign()
RECEIVED_AT = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--events", type=int, nargs="*", default=[100_000, 10_000_000])
    line.add_argument("--home", type=Path, help="where stores are made, and found the next time")
    line.add_argument("--collect", type=Path, nargs=2, help="(what each process does)")
    options = line.parse_args()
    if options.collect:
        collect(*options.collect)
        return
    print("     stored  events         CPU s   of the first      add   outcomes   peak MB")
    with tempfile.TemporaryDirectory(dir=options.home) as folder:
        first: dict[str, float] = {}
        for events in options.events:
            home = (options.home or Path(folder)) / f"collecting-{events}"
            if not home.exists():
                make(home, events)
            measure(home, Path(folder) / str(events), events, first)


def make(home: Path, events: int) -> None:
    """A store with its layer."""
    write_campaign(folder_of(home), events)
    Engine(EventStore(home / "events")).layer(CAMPAIGN)


def measure(home: Path, copy: Path, events: int, first: dict[str, float]) -> None:
    """Collect into a copy, whose files are links."""
    shutil.copytree(home, copy, copy_function=os.link)
    news = new_events(SEED)
    pieces = {
        "before": new_events(FIRST_SEED),
        "new": news,
        "late": late_events(news),
    }
    for name, table in pieces.items():
        file = copy / f"{name}.parquet"
        pq.write_table(table, file)
        command = [sys.executable, "-m", "benchmarks.collecting", "--collect", str(copy), str(file)]
        before_s = children_cpu_s()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        cpu_s = children_cpu_s() - before_s
        add_s, outcomes_s, peak_mb = json.loads(done.stdout)
        if name != "before":
            ratio = cpu_s / first.setdefault(name, cpu_s)
            print(
                f"{events:11,}  {name:5} {len(table):7,} {cpu_s:6.2f} {ratio:12.2f} x"
                f" {add_s:8.2f} {outcomes_s:10.2f} {peak_mb:9,.0f}",
                flush=True,
            )


def new_events(seed: int) -> pa.Table:
    rows = next(parts_of(EVENTS, seed))
    return event_columns(table_of(rows, seed))


def late_events(events: pa.Table) -> pa.Table:
    """Some of these events once more, as others that came days later."""
    some = events.take(list(range(0, len(events), LATE_SHARE)))
    changed = {
        "event_id": pc.binary_join_element_wise("late-", some["event_id"], ""),
        "kind": pa.repeat("open", len(some)),
        "raw_kind": pa.repeat("open", len(some)),
        "ts": pc.add(some["ts"], pa.scalar(LATE, pa.duration("us"))),
    }
    for name, column in changed.items():
        some = some.set_column(some.schema.get_field_index(name), name, column)
    return event_columns(some)


def collect(home: Path, file: Path) -> None:
    """What `collect` does with these events, but for the ledger and webhooks."""
    store = EventStore(home / "events")
    events = event_columns(pq.read_table(file, partitioning=None))
    jobs = pc.unique(events["job_id"]).to_pylist()[:JOBS]
    began_s = cpu_s()
    added = store.add_tables(CAMPAIGN, [events], source="cxone", received_at=RECEIVED_AT)
    added_s = cpu_s()
    counts = job_events(Engine(store), CAMPAIGN, jobs)
    people = outcomes(Engine(store), CAMPAIGN, jobs)
    ended_s = cpu_s()
    assert added.added > 0
    assert set(jobs) == counts.keys() == people.keys()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([added_s - began_s, ended_s - added_s, peak_mb]))


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
