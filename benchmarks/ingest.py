"""
How fast do events come in: pages of the API, and files?

    python -m benchmarks.ingest [--events 300000] [--old CHECKOUT] [--rounds 3]

Pages: events a second of the product (download, decode, store) beside a loop that downloads and
decodes the same pages with one session and keeps nothing; both in one process, in turn, once from a
server that makes the JSON of a page when it is asked, once from one that has it ready. Files: rows
a second of CPU of an import, the first time and again, each in a process of its own, beside the
same import by the code in CHECKOUT. Ratios are within one run; seconds are this machine's.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import requests

from benchmarks.generate import SEED, event_columns, parts_of
from cxtools.api.client import Client
from cxtools.api.event_pages import EventPage, read_pages
from cxtools.api.reader import PAGE_ROWS
from cxtools.events.store import EventStore
from cxtools.settings import Settings
from cxtools.settings.secret import Secret

ROOT = Path(__file__).parents[1]
PAGES_A_JOB = 10
JOBS_AT_ONCE = 32
#: The columns of the CSV: ours, by names that need no map.
COLUMNS = [
    "kind",
    "ts",
    "email",
    "message_id",
    "recipient_id",
    "job_id",
    "link_url",
    "bounce_code",
    "bounce_text",
    "user_agent",
    "ip",
]
IMPORT = """
import json, resource, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path
from cxtools.events.store import EventStore
try:
    from cxtools.events.importing import import_file
except ImportError:
    from cxtools.events.imports import import_file

def import_into(folder, file):
    began = resource.getrusage(resource.RUSAGE_SELF)
    done = import_file(Path(file), "c", EventStore(folder), now=datetime.now(UTC))
    ended = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    files = len(list(folder.rglob("*.parquet")))
    status = Path("/proc/self/status").read_text()
    peak_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return [done.rows, done.added, cpu_s, files, peak_mb]

file, few, home = sys.argv[1:]
import_into(Path(home) / "few", few)
print(json.dumps([import_into(Path(home) / "events", file) for _ in range(2)]))
"""


class Cost(NamedTuple):
    """What something took: seconds on the clock, and of CPU in this process."""

    wall_s: float
    cpu_s: float


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--events", type=int, default=300_000)
    line.add_argument("--old", type=Path, help="another checkout of cxtools to import with")
    line.add_argument("--rounds", type=int, default=3)
    line.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    options = line.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = [row for table in made_events(options.events) for row in table.to_pylist()]
        jobs = write_pages(folder / "pages", [row["raw"] for row in rows])
        files = write_files(folder, rows)
        del rows
        for prepared in (False, True):
            compare_pages(folder, jobs, options, prepared)
        compare_files(folder, files, options.old)


# --- what is read ---


def made_events(events: int) -> Iterator[pa.Table]:
    """Events as the API words them, made by `generate`."""
    for rows in parts_of(events, SEED):
        yield pa.table(event_columns(rows, SEED)).select([*COLUMNS, "raw"])


def write_pages(folder: Path, rows: list[str]) -> list[str]:
    """The rows as pages of jobs; returns the jobs."""
    folder.mkdir()
    pages = [rows[start : start + PAGE_ROWS] for start in range(0, len(rows), PAGE_ROWS)]
    for number, page in enumerate(pages):
        job, place = divmod(number, PAGES_A_JOB)
        is_last = place == PAGES_A_JOB - 1 or number == len(pages) - 1
        cursor = "null" if is_last else f'"{place + 1}"'
        results = ",".join(with_job(row, f"job{job}") for row in page)
        file = folder / f"job{job}-{place}.json"
        file.write_text(f'{{"results":[{results}],"nextCursor":{cursor}}}')
    return [f"job{job}" for job in range(-(-len(pages) // PAGES_A_JOB))]


def with_job(row: str, job: str) -> str:
    """The row as one of that job's events."""
    before, name, after = row.partition('"jobId":"')
    _, quote, rest = after.partition('"')
    return f"{before}{name}{job}{quote}{rest}"


def write_files(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The rows as files of several forms; beside each one with few rows, to warm up with."""
    few = [*rows[:100]]
    for name, some in (("events", rows), ("few", few)):
        objects = [json.loads(row["raw"]) for row in some]
        write_lines(folder / f"{name}.jsonl", map(json.dumps, objects))
        write_lines(folder / f"{name}.compact.jsonl", [row["raw"] for row in some])
        write_lines(folder / f"{name}.array.json", [json.dumps(objects)])
        write_csv(folder / f"{name}.csv", some)
    return sorted(folder.glob("events.*"))


def write_lines(file: Path, lines: Any) -> None:
    with file.open("w") as text:
        text.writelines(f"{line}\n" for line in lines)


def write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in rows:
            cells = {**row, "ts": row["ts"].isoformat() if row["ts"] else ""}
            writer.writerow([cells[name] for name in COLUMNS])


# --- pages ---


def compare_pages(
    folder: Path, jobs: list[str], options: argparse.Namespace, prepared: bool
) -> None:
    events = options.events
    server = "sends bytes made before" if prepared else "makes each page when asked"
    print(f"{events:,} events in pages of {PAGE_ROWS:,}; the server {server}; events a second")
    print("                                   wall      CPU   of the loop: wall, CPU")
    with page_server(folder / "pages", prepared) as url:
        for number in range(options.rounds):
            store = EventStore(folder / f"store-{prepared}-{number}")
            loop = cost(partial(download_and_decode, url, jobs))
            first = cost(partial(ingest, url, jobs, store))
            files = store.parts("c")
            again = cost(partial(ingest, url, jobs, store))
            assert files
            assert files == store.parts("c")
            print_pages("download and decode, one session", events, loop, loop)
            print_pages("ingest", events, first, loop)
            print_pages("ingest again", events, again, loop)


@contextmanager
def page_server(folder: Path, prepared: bool) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.page_server", str(folder)]
    if prepared:
        command.append("--prepared")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def download_and_decode(url: str, jobs: list[str]) -> None:
    path = Settings().paths.events
    with requests.Session() as session:
        for job in jobs:
            cursor: str | None = "0"
            while cursor is not None:
                query = {"jobId": job, "cursor": cursor}
                answer = session.get(f"{url}{path}", params=query, timeout=60)
                cursor = json.loads(answer.content)["nextCursor"]


def ingest(url: str, jobs: list[str], store: EventStore) -> None:
    """As `collect` does: jobs by the workers, while those before them are stored."""
    settings = Settings(env_url=url, client_id="me", client_secret=Secret("s"))
    client = Client(settings)

    def fetch(job: str) -> list[EventPage]:
        return [*client.fetch_event_pages(job)]

    with ThreadPoolExecutor(settings.workers) as pool:
        fetched = pool.map(fetch, jobs)
        for _ in range(0, len(jobs), JOBS_AT_ONCE):
            group = islice(fetched, JOBS_AT_ONCE)
            pages = chain.from_iterable(group)
            tables = (events.table for events in read_pages(pages))
            store.add_tables("c", tables, source="cxone", received_at=datetime.now(UTC))


def cost(work: Callable[[], object]) -> Cost:
    began = time.monotonic()
    cpu_before_s = cpu_s()
    work()
    return Cost(time.monotonic() - began, cpu_s() - cpu_before_s)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def print_pages(name: str, events: int, taken: Cost, loop: Cost) -> None:
    print(
        f"{name:32} {events / taken.wall_s:8,.0f} {events / taken.cpu_s:8,.0f}"
        f"   {loop.wall_s / taken.wall_s:5.0%} {loop.cpu_s / taken.cpu_s:5.0%}",
        flush=True,
    )


# --- files ---


def compare_files(folder: Path, files: list[Path], old: Path | None) -> None:
    print(
        "\nrows a CPU second        first    again   peak MB   files   of the other: first, again"
    )
    for file in files:
        few = file.with_name(file.name.replace("events.", "few."))
        now = imported(ROOT, file, few)
        then = imported(old, file, few) if old else None
        print_files(file.name, now, then)
        if then:
            print_files("  by the other", then, None)


def imported(checkout: Path, file: Path, few: Path) -> Any:
    """What two imports of a file cost in a process of their own."""
    with tempfile.TemporaryDirectory(dir=file.parent) as home:
        command = [sys.executable, "-c", IMPORT, str(file), str(few), home]
        environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        done = subprocess.run(command, env=environment, check=True, capture_output=True, cwd=home)
    return json.loads(done.stdout)


def print_files(name: str, costs: Any, others: Any) -> None:
    (rows, added, first_s, files, peak_mb), (_, added_again, again_s, files_again, _) = costs
    assert (added_again, files_again) == (0, files)
    assert added > 0
    text = f"{name:20} {rows / first_s:9,.0f} {rows / again_s:8,.0f} {peak_mb:9,.0f} {files:7}"
    if others:
        [_, _, other_first_s, *_], [_, _, other_again_s, *_] = others
        text += f"   {other_first_s / first_s:5.1f} x {other_again_s / again_s:5.1f} x"
    print(text, flush=True)


if __name__ == "__main__":
    main()
