"""
The samples of all feeds, mutated and imported: whatever a file holds, nothing but refusals may
come of it, no row may be lost, and no event may say what its row doesn't.

`python -m tests.feeds.fuzz --rows 1000000 --seed 1` makes and imports a million rows; the test
beside this file a few thousand. A file is made of the seed and its number alone.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cxtools.addresses import clean_address
from cxtools.errors import ConfigError
from cxtools.events import feeds
from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.moments import ORDERS
from cxtools.events.feeds.values import cell_text
from cxtools.events.importing import import_file
from cxtools.events.lines import Unreadable
from cxtools.events.rows import open_rows
from cxtools.events.store import EventStore
from cxtools.model import KINDS
from tests.feeds.test_samples import SAMPLES
from tests.imports import NOW

TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
LOGS = (".log",)
#: Rows of a file.
ROWS_AT_ONCE = 20_000
#: So many mutations has a row.
MUTATIONS_OF_A_ROW = (0, 1, 1, 2, 3)
#: One line of a JSON file in so many is cut off.
CUT = 50

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e22, 2**70, [], {}, [None], [[]], {"": ""}),
    *("", " ", "ü", "İ", "\0", "\u200b", "\ud800", "\u2028", "<>", '"', "nan", "null", "x" * 3000),
    *("1789376400", "1789376400000", "999999999", "1970-01-01", "31.02.2026", "2026-09-14 25:00"),
    *("9/14/2026 9:00:05 PM", "14/09/2026", "Mon, 14 Sep 2026 11:00:00 CET", "soon"),
    *("ann@one.example", "Ann <ann@one.example>", "a@one.example, b@two.example", "a@b@c", "@"),
    *("bounce", "Bounce", "delivered", "opened", "teleported", "550 5.1.1 nobody", "5.x.y"),
]

#: Our fields that are texts of the row.
TEXTS = (
    *("job_id", "message_id", "recipient_id", "email", "bounce_code", "bounce_text"),
    *("bounce_class", "link_url", "user_agent", "ip"),
)
WORD = re.compile(r"[^\W_]+")
#: A file may leave no doubt about which is the day.
DIALECTS = (STANDARD, *map(STANDARD.with_date_order, ORDERS))
HARDNESS = {"hard", "soft"}
SHORTEST_MOMENT = len("9/4/26")
DIGEST = re.compile(r"[0-9a-f]{32}")


# --- samples ---


def _sort(sample: Path) -> str:
    if sample.suffix in TABLES:
        return "table"
    return "log" if sample.suffix in LOGS else "json"


@cache
def rows_of(sample: Path) -> list[str]:
    """The rows of a sample as JSON, each as the reader of files gives it."""
    with open_rows(sample) as lines:
        return [json.dumps(line.row) for line in lines if isinstance(line.row, dict)]


@cache
def all_json_rows() -> list[str]:
    return [row for sample in SAMPLES if _sort(sample) == "json" for row in rows_of(sample)]


# --- mutations ---


def mutated(written: str, rng: random.Random) -> Any:
    """A row in which some things are gone, moved, wrapped or of another type."""
    row = json.loads(written)
    for _ in range(rng.choice(MUTATIONS_OF_A_ROW)):
        places = list(_places(row))
        if places:
            mutate = rng.choice(MUTATIONS)
            mutate(*rng.choice(places), rng)
    return row


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container inside of a value, with each key or index of it."""
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from _places(item)


def drop(container: Any, key: Any, rng: random.Random) -> None:
    del container[key]


def put_something_odd(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = copy.deepcopy(rng.choice(ODD))


def put_in_a_list(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = copy.deepcopy([container[key]] * rng.randrange(1, 3))


def put_in_an_object(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = {"value": container[key]}


def write_as_text(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = str(container[key])[: rng.randrange(1, 60)]


def copy_a_neighbour(container: Any, key: Any, rng: random.Random) -> None:
    keys = list(container) if isinstance(container, dict) else range(len(container))
    container[key] = copy.deepcopy(container[rng.choice(keys)])


def spell_otherwise(container: Any, key: Any, rng: random.Random) -> None:
    if isinstance(container, dict):
        container[key.upper()] = container.pop(key)


def mix_with_another_row(container: Any, key: Any, rng: random.Random) -> None:
    if isinstance(container, dict):
        container.update(json.loads(rng.choice(all_json_rows())))


MUTATIONS = (
    *(drop, put_something_odd, put_something_odd, put_in_a_list, put_in_an_object),
    *(write_as_text, copy_a_neighbour, spell_otherwise, mix_with_another_row),
)


# --- files ---


def write_json(path: Path, rows: int, rng: random.Random) -> None:
    """Lines of mutated rows of all feeds, one after the other; some lines are cut off."""
    known = all_json_rows()
    with path.open("w", encoding="utf-8") as file:
        for _ in range(rows):
            line = json.dumps(mutated(rng.choice(known), rng))
            if not rng.randrange(CUT):
                line = line[: rng.randrange(1, len(line) + 1)]
            file.write(f"{line}\n")


def write_table(path: Path, sample: Path, rows: int, rng: random.Random) -> None:
    """A table with the sample's columns, in whose cells stand other things now and then."""
    known = rows_of(sample)
    names = list(json.loads(known[0]))
    with path.open("w", encoding="utf-8", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for _ in range(rows):
            row = mutated(rng.choice(known), rng)
            cells = [str(row.get(name) or "").replace("\0", "") for name in names]
            writer.writerow(cells if any(cells) else ["-", *cells[1:]])


def write_log(path: Path, sample: Path, rows: int, rng: random.Random) -> None:
    """The sample's lines over and over, some with a piece of another one in them."""
    known = sample.read_text(encoding="utf-8").splitlines()
    lines = [known[0]]
    for _ in range(rows - 1):
        line = rng.choice(known)
        if rng.randrange(3):
            begin = rng.randrange(len(line))
            piece = rng.choice(known)[rng.randrange(40) : rng.randrange(40, 90)]
            line = line[:begin] + piece + line[begin + rng.randrange(20) :]
        lines.append(line)
    path.write_text("\n".join(lines), encoding="utf-8")


# --- what must hold ---


def contradictions(event: dict[str, Any]) -> list[str]:
    """What a stored event says that the row which it keeps doesn't."""
    row = json.loads(event["raw"])
    values = list(_scalars(row))
    texts = [text for value in values for text in (cell_text(value), str(value))]
    words = set(WORD.findall(" ".join(texts).casefold()))
    found = [
        field for field in TEXTS if event[field] and not _stands_in(field, event, words, texts)
    ]
    if event["ts"] and not _is_among(event["ts"], row, values):
        found.append("ts")
    if event["kind"] not in KINDS:
        found.append("kind")
    if not DIGEST.fullmatch(event["event_id"]) and event["event_id"] not in texts:
        found.append("event_id")
    return found


def _scalars(value: Any) -> Iterator[Any]:
    """The names and the values of a row, also of rows that stand in it as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    else:
        yield value
        if isinstance(value, str) and value.startswith(("{", "[")):
            with suppress(ValueError):
                yield from _scalars(json.loads(value))


def _stands_in(field: str, event: dict[str, Any], words: set[str], texts: list[str]) -> bool:
    said = event[field]
    if field == "bounce_class":
        _, _, said = said.rpartition(": ")
    missing = set(WORD.findall(said.casefold())) - words
    if field == "bounce_class":  # a flag says "hard", the name of a column "cleaned"
        names = " ".join(words)
        missing = {word for word in missing - HARDNESS if word[:5] not in names}
    if not missing:
        return True
    return field == "email" and said in {clean_address(text).lower() for text in texts}


def _is_among(moment: datetime, row: dict[str, Any], values: list[Any]) -> bool:
    """Whether one of these values is that moment; a log's moment takes more than one value."""
    if "log" in row or "__REALTIME_TIMESTAMP" in row:
        return True
    for value in values:
        if len(cell_text(value)) < SHORTEST_MOMENT:
            continue
        for dialect in DIALECTS:
            with suppress(ValueError, TypeError, OverflowError):
                if moment == dialect.moment(value):
                    return True
    return False


class Fuzzing:
    """Files that are made, imported and looked at, and what came of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._folder = folder
        self._seed = seed
        self._tables = [sample for sample in SAMPLES if _sort(sample) != "json"]

    def run(self, rows: int) -> None:
        """Half of the rows are JSON of all feeds, the others tables and logs in turn."""
        number = 0
        while self.counts["rows"] < rows:
            at_once = min(ROWS_AT_ONCE, rows)
            self.file(number, at_once)
            number += 1

    def file(self, number: int, rows: int) -> None:
        rng = random.Random(f"{self._seed}:{number}")
        path = self._folder / f"{number}.file"
        if number % 2 == 0:
            write_json(path, rows // 2, rng)
            self._import(path, number)
            return
        for sample in self._tables:
            share = max(rows // 2 // len(self._tables), 2)
            if _sort(sample) == "table":
                write_table(path, sample, share, rng)
            else:
                write_log(path, sample, share, rng)
            self._import(path, number)

    def _import(self, path: Path, number: int) -> None:
        home = self._folder / "home"
        store = EventStore(home / "events")
        with open_rows(path) as lines:
            rows = [line.row for line in lines]
        self.counts["rows"] += len(rows)
        try:
            done = import_file(path, "c", store, now=NOW)
        except ConfigError as refused:
            self.counts["rows of refused files"] += len(rows)
            self.counts[f"refused: {refused.what[:40]}"] += 1
        else:
            if done.rows != len(rows):
                self.problems.append(f"file {number}: {len(rows)} rows, {done.rows} counted")
            self._compare(number, rows, done.added + done.duplicates, done.rejected)
            self._look_at_events(number, store)
        shutil.rmtree(home, ignore_errors=True)

    def _compare(self, number: int, rows: list[Any], events: int, rejected: int) -> None:
        self.counts["events"] += events
        self.counts["rejected rows"] += rejected
        if number % 2 == 0 and not any(
            (events, rejected) == _counts(rows, dialect) for dialect in DIALECTS
        ):
            by_row = _counts(rows, STANDARD)
            self.problems.append(f"file {number}: {by_row} by row, {events}, {rejected}")

    def _look_at_events(self, number: int, store: EventStore) -> None:
        with store.connection() as connection:
            stored = connection.sql("select * from events").to_arrow_table().to_pylist()
        for event in stored:
            self.counts[f"kind {event['kind']}"] += 1
            found = contradictions(event)
            if found:
                raw = event["raw"][:400]
                self.problems.append(f"file {number}: {', '.join(found)} contradict {raw}")


def _counts(rows: list[Any], dialect: Dialect) -> tuple[int, int]:
    """How many events rows of JSON have when each is read by itself, and how many are refused."""
    found = [_events_of(row, dialect) for row in rows]
    return sum(each or 0 for each in found), found.count(None)


def _events_of(row: Any, dialect: Dialect) -> int | None:
    """How many events a row has; None where it is refused."""
    if isinstance(row, Unreadable) or not isinstance(row, dict):
        return None
    try:
        events = feeds.read(row, feeds.recognise(row), dialect)
        for event in events:
            event.raw.encode()
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return len(events)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fuzzing = Fuzzing(Path(folder), asked.seed)
        fuzzing.run(asked.rows)
    for name, count in sorted(fuzzing.counts.items()):
        print(f"{count:10,} {name}")
    print(f"{len(fuzzing.problems):10,} problems", *fuzzing.problems[:20], sep="\n")
    return 1 if fuzzing.problems else 0


if __name__ == "__main__":
    sys.exit(main())
