"""The event store: nothing twice, nothing by halves, nothing lost."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxtools.errors import ConfigError, StoreError
from cxtools.events import parts
from cxtools.events.importing import import_file
from cxtools.events.keys import EVENT_HASH, MESSAGE_KEY, key, message_key
from cxtools.events.store import CHUNK, Added, EventStore
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import event_kinds, job_events, outcomes, refusals
from cxtools.model import Event
from tests.tables import RECEIVED, ask, events, store

PAGE = """
    to  | kind     | at
    ann | delivery | +1
    bob | delivery | +2
    ann | open     | +9
"""
NEXT_PAGE = PAGE + "    bob | click | +30\n"


def add(target: EventStore, text: str, later_s: float = 0) -> Added:
    return target.add(
        "c", events(text), source="test", received_at=RECEIVED + timedelta(seconds=later_s)
    )


def files(root: Path) -> list[str]:
    return (
        sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        if root.exists()
        else []
    )


def column(target: EventStore, name: str, view: str = "events") -> list[Any]:
    with target.connection() as connection:
        cells: list[Any] = (
            connection.sql(f"select {name} from {view} order by 1")  # noqa: S608
            .to_arrow_table()
            .column(0)
            .to_pylist()
        )
    return cells


def test_the_same_page_twice_is_one_file(tmp_path: Path) -> None:
    """Collecting again what is there already changes nothing on disk."""
    target = EventStore(tmp_path)
    first = add(target, PAGE)
    before = files(tmp_path)
    again = add(target, PAGE, later_s=60)

    assert (Added(3, 0), Added(0, 3)) == (first, again)
    assert before == files(tmp_path)


def test_of_an_overlapping_page_only_the_news_are_kept(tmp_path: Path) -> None:
    """A page that grew adds what is new."""
    target = EventStore(tmp_path)
    add(target, PAGE)

    assert Added(1, 3) == add(target, NEXT_PAGE)
    assert ["click", "delivery", "delivery", "open"] == column(target, "kind")


def test_what_a_feed_repeats_is_counted_once_and_stays_visible(tmp_path: Path) -> None:
    """An event that comes twice in one page is one event; `received` still shows both rows."""
    target = EventStore(tmp_path)
    added = target.add("c", events(PAGE) + events(PAGE)[:1], source="test", received_at=RECEIVED)

    assert Added(3, 1) == added
    assert 3 == len(column(target, "event_id"))
    assert 4 == len(column(target, "event_id", "received"))


def test_two_writers_of_the_same_events_do_no_harm(tmp_path: Path) -> None:
    """
    Writers that know nothing of each other may store the same ids; the earliest received row is the
    event.
    """
    pages = [PAGE, NEXT_PAGE, NEXT_PAGE + "    cat | delivery | +3\n"]
    barrier = threading.Barrier(len(pages))

    def write(number: int) -> None:
        barrier.wait()
        add(EventStore(tmp_path), pages[number], later_s=number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(pages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 == len(column(EventStore(tmp_path), "event_id"))


def test_of_rows_with_one_id_the_earliest_received_counts(tmp_path: Path) -> None:
    """What was known first isn't changed by what comes later under the same id."""
    target, other = EventStore(tmp_path / "one"), EventStore(tmp_path / "two")
    add(target, "to | kind | id | at\n ann | open | e1 | +9", later_s=60)
    add(other, "to | kind | id | at\n ann | open | e1 | +5\n ann | open | e2 | +6")
    for part in (tmp_path / "two" / "campaign=c").iterdir():
        part.rename(tmp_path / "one" / "campaign=c" / part.name)

    assert [5, 6] == [ts.second for ts in column(target, "ts")]


#: rows with one id: how they differ, and which of them is the event
REPEATED = [
    ("source", [{"source": "b"}, {"source": "a"}], 1),
    ("moment", [{"ts": RECEIVED}, {"ts": None}, {"ts": RECEIVED - timedelta(days=1)}], 2),
    ("kind", [{"kind": "open"}, {"kind": "click"}], 1),
    ("raw", [{"raw": "{}"}, {"raw": "[]"}], 1),
    ("machine", [{"by_machine": None}, {"by_machine": True}, {"by_machine": False}], 2),
]


@pytest.mark.parametrize(("rows", "first"), [case[1:] for case in REPEATED])
@pytest.mark.parametrize("backwards", [False, True])
def test_which_of_the_rows_with_one_id_counts_is_never_a_matter_of_luck(
    tmp_path: Path, rows: list[dict[str, Any]], first: int, backwards: bool
) -> None:
    """Rows that tie in when they came are put in order by all that they say."""
    folder = tmp_path / "campaign=c"
    folder.mkdir()
    for number in sorted(range(len(rows)), reverse=backwards):
        values = {"source": "test", **rows[number]}
        source = values.pop("source")
        event = Event(**{"event_id": "e1", "kind": "open", "raw_kind": "x", **values})
        table = parts.rows_of_part(parts.table_of([event]), source, RECEIVED)
        pq.write_table(table, folder / f"part-3-{number}.parquet")

    target = EventStore(tmp_path)
    [name] = rows[0]
    assert [rows[first][name]] == column(target, name)
    assert len(rows) == len(column(target, "event_id", "received"))


def test_the_order_of_rows_is_by_all_that_they_say() -> None:
    """A column that the order left out would leave two rows without an order."""
    computed = {"event_id", EVENT_HASH, MESSAGE_KEY}

    assert set(parts.PRECEDENCE) == set(parts.schema().names) - computed


def test_tables_are_kept_as_events_are(tmp_path: Path) -> None:
    """Tables of any length, with columns in any order, are the same parts as their events."""
    page = events(NEXT_PAGE)
    table = parts.table_of(page)
    turned = table.select(table.column_names[::-1])
    pieces = [turned.slice(0, 1), turned.slice(1, 0), turned.slice(1)]
    one, other = EventStore(tmp_path / "one"), EventStore(tmp_path / "other")

    added = one.add_tables("c", pieces, source="test", received_at=RECEIVED)
    assert added == other.add("c", page, source="test", received_at=RECEIVED)
    assert files(one.root) == files(other.root)
    assert column(one, "received", "received") == column(other, "received", "received")


def test_a_table_without_the_columns_of_events_is_refused(tmp_path: Path) -> None:
    """A part never lacks a column, nor a value that it must have; nothing of the call is kept."""
    table = parts.table_of(events(PAGE))
    nulls = pa.nulls(len(table), pa.string())
    holey = table.set_column(table.column_names.index("email"), "email", nulls)
    target = EventStore(tmp_path)

    for wrong in (table.drop_columns(["email"]), holey):
        with pytest.raises((KeyError, ValueError), match="email"):
            target.add_tables("c", [table, wrong], source="test", received_at=RECEIVED)
    assert [] == files(tmp_path)


def test_more_events_than_a_chunk_come_in_several_parts(tmp_path: Path) -> None:
    """Memory is bounded: a long stream is written part by part, and read back whole."""

    def stream() -> Iterator[Event]:
        for number in range(CHUNK + 5):
            yield Event(f"e{number}", "delivery", "delivery", message_id=f"m{number}")

    target = EventStore(tmp_path)

    assert Added(CHUNK + 5, 0) == target.add("c", stream(), source="test", received_at=RECEIVED)
    assert 2 == len(files(tmp_path))
    assert {"delivery": CHUNK + 5} == event_kinds(Engine(target), "c")


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    """
    If the network fails on page nine, the eight pages before are not there either, and the error is
    the network's.
    """

    def stream() -> Iterator[Event]:
        for number in range(CHUNK + 5):
            yield Event(f"e{number}", "delivery", "delivery", message_id=f"m{number}")
        raise ConnectionError("reset by peer")

    with pytest.raises(ConnectionError, match="reset by peer"):
        EventStore(tmp_path).add("c", stream(), source="test", received_at=RECEIVED)

    assert [] == files(tmp_path)


def test_a_full_disk_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    """
    When the disk takes no more, nothing of the batch is visible and the message tells what to do.
    """
    script = f"""
import resource, signal
from pathlib import Path
from cxtools.errors import StoreError
from cxtools.events.store import EventStore
from tests.tables import RECEIVED, events
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import pyarrow.parquet
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    EventStore(Path({str(tmp_path)!r})).add("c", events('''{PAGE}'''), source="test", received_at=RECEIVED)
except StoreError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )

    assert "File too large; nothing of this batch was kept" in ran.stdout
    assert "free some disk space" in ran.stdout
    assert [] == files(tmp_path)


def test_a_folder_that_cant_be_made_is_said(tmp_path: Path) -> None:
    """A file where the folder should be is one clear message."""
    (tmp_path / "events").write_text("in the way")

    with pytest.raises(StoreError, match="can't be written: Not a directory"):
        add(EventStore(tmp_path / "events"), PAGE)


def test_leftovers_of_a_killed_writer_are_ignored(tmp_path: Path) -> None:
    """A half-written hidden file isn't read."""
    target = EventStore(tmp_path)
    add(target, PAGE)
    (tmp_path / "campaign=c" / ".part-killed.tmp").write_bytes(b"PAR1 half")

    assert 3 == len(column(target, "event_id"))


@pytest.mark.parametrize(
    "content",
    [b"no parquet at all", b"", b"PAR1 begun and not ended PAR1"],
    ids=["text", "empty", "half"],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda target: ask("funnel", target),
        lambda target: Engine(target).starts(),
        lambda target: outcomes(Engine(target), "c", ["j1"]),
        lambda target: event_kinds(Engine(target), "c"),
        lambda target: job_events(Engine(target), "c", ["j1"]),
        lambda target: refusals(Engine(target), "c", ["j1"]),
        lambda target: add(target, NEXT_PAGE),
        lambda target: target.compact("c"),
    ],
    ids=["funnel", "starts", "outcomes", "event_kinds", "job_events", "refusals", "add", "compact"],
)
def test_a_damaged_file_is_named(content: bytes, ask: Callable[[EventStore], object]) -> None:
    """A Parquet file that can't be read is a StoreError for whoever reads it, not a traceback."""
    target = store(PAGE)
    (target.root / "campaign=c" / "part-damaged.parquet").write_bytes(content)

    with pytest.raises(StoreError, match=r"can't be read[\s\S]*may be damaged"):
        ask(target)


def test_a_campaign_named_like_a_number_stays_a_text(tmp_path: Path) -> None:
    """ "2026" is a name."""
    assert ["2026"] == column(store(PAGE, "2026", EventStore(tmp_path)), "distinct campaign")


def test_only_the_campaigns_asked_for_are_read(tmp_path: Path) -> None:
    """A connection sees its campaigns, and an unknown one is answered with those that are there."""
    target = EventStore(tmp_path)
    store(PAGE, "q2", target)
    store(PAGE, "q3", target)

    assert ["q2", "q3"] == target.campaigns()
    with target.connection(["q3"]) as connection:
        assert [("q3",)] == connection.sql("select distinct campaign from events").fetchall()
    with (
        pytest.raises(
            StoreError,
            match=r"no events of campaign q4[\s\S]*choose one of: q2, q3",
        ),
        target.connection(["q4"]),
    ):
        pass


ASKED_BY_A_CHILD = """
import os
import sys
from pathlib import Path
from cxtools.events.database import ENGINES, Resources, database

def ask(number: int) -> None:
    folder = Path(sys.argv[1], str(number))
    with database(folder, Resources(folder)) as connection:
        connection.execute("select count(*) from range(1000000)")

for number in range(ENGINES + 2):
    ask(number)
child = os.fork()
if child == 0:
    ask(ENGINES + 2)
    os._exit(0)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_leaves_the_databases_of_its_parent_alone(tmp_path: Path) -> None:
    """However many homes the parent asked: its threads are not there to be ended in the child."""
    command = [sys.executable, "-c", ASKED_BY_A_CHILD, str(tmp_path)]
    ran = subprocess.run(command, check=False, timeout=60)

    assert ran.returncode == 0


def test_an_empty_store_answers_with_no_rows(tmp_path: Path) -> None:
    """Nothing collected yet is no error, and looking makes no folder."""
    target = EventStore(tmp_path / "events")

    assert [] == column(target, "event_id")
    assert {} == event_kinds(Engine(target), "c")
    assert not target.root.exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 101])
def test_a_campaigns_name_must_do_as_a_folders(tmp_path: Path, name: str) -> None:
    """A name that could leave the store's folder is refused."""
    with pytest.raises(ConfigError, match="can't be the name of a campaign"):
        EventStore(tmp_path).add(name, events(PAGE), source="test", received_at=RECEIVED)

    assert [] == files(tmp_path)


def test_rejects_are_for_their_owners_eyes(tmp_path: Path) -> None:
    """What nobody can read is kept with its reason, readable by the owner only, once."""
    target = EventStore(tmp_path)
    path = target.keep_rejects("c", [('{"eventType": 7}', "eventType is no text")])

    assert path == target.keep_rejects("c", [('{"eventType": 7}', "eventType is no text")])
    assert path is not None
    assert 0o600 == path.stat().st_mode & 0o777
    assert '{"reason": "eventType is no text", "row": "{\\"eventType\\": 7}"}\n' == path.read_text()
    assert target.keep_rejects("c", []) is None


# --- parts of earlier versions ---

#: `tests/feeds/sendgrid/webhook.json`, as cxtools 0.1.0 stored it
OLD_EVENTS = Path(__file__).parent / "events_of_0_1_0"
SAMPLE = Path(__file__).parents[1] / "feeds" / "sendgrid" / "webhook.json"


def old_store(tmp_path: Path) -> EventStore:
    shutil.copytree(OLD_EVENTS, tmp_path / "events")
    return EventStore(tmp_path / "events")


def machine_opens(target: EventStore) -> list[tuple[object, ...]]:
    with target.connection() as connection:
        return connection.sql(
            "select message_id, by_machine from events where kind = 'open' order by all"
        ).fetchall()


def test_a_part_of_0_1_0_is_read(tmp_path: Path) -> None:
    """It has no column by_machine; a machine's open had a word of ours in place of the vendor's."""
    target = old_store(tmp_path)

    assert [("sgm1", True), ("sgm1", None), ("sgm15", True)] == machine_opens(target)
    assert [""] == column(target, "distinct bounce_class")


KEYS = [EVENT_HASH, MESSAGE_KEY]
TEXTS = ["", "e1", "mail-müller@例え.example", "\N{PILE OF POO}", "two words", "x" * 5000, "a\0b"]


@pytest.mark.parametrize("version", ["part-", "part-2-", "part-3-"])
def test_parts_of_every_version_have_the_same_keys(tmp_path: Path, version: str) -> None:
    """A part that doesn't hold the keys is read as if it did, whatever its texts."""
    page = [
        Event(f"{who} {text}", "open", "open", message_id=text, recipient_id=who, email=f"{text}@b")
        for text in TEXTS
        for who in ("", "r1")
    ]
    table = parts.rows_of_part(parts.table_of(page), "test", RECEIVED)
    older = {"part-": [*KEYS, "by_machine", "bounce_class"], "part-2-": KEYS}
    stored = table.drop_columns(older.get(version, []))
    folder = tmp_path / "campaign=c"
    folder.mkdir()
    pq.write_table(stored, folder / f"{version}0.parquet")

    expected = [
        (key(event.event_id), message_key(event.message_id, event.recipient_id, event.email))
        for event in page
    ]
    with EventStore(tmp_path).connection() as connection:
        query = "select event_hash, message_key from events order by all"
        assert sorted(expected) == connection.sql(query).fetchall()
        columns = connection.sql("select * exclude (campaign) from events").to_arrow_table()
    assert set(table.column_names) == set(columns.column_names)


@pytest.mark.parametrize("text", [*TEXTS, "half a pair \ud800"])
def test_a_key_is_63_bits_of_a_text(text: str) -> None:
    """Never negative, so that every engine has a type for it."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    assert int(digest[:16], 16) // 2 == key(text)
    assert 0 <= key(text) < 1 << 63


def test_what_0_1_0_stored_is_not_stored_again(tmp_path: Path) -> None:
    """Events have the ids that they had, so the same file adds nothing."""
    done = import_file(SAMPLE, "c", old_store(tmp_path), now=RECEIVED)

    assert (0, 15) == (done.added, done.duplicates)


def test_old_and_new_parts_are_read_together(tmp_path: Path) -> None:
    """Whichever was written first: each row has what its own part says."""
    target = old_store(tmp_path)
    seen = Event("e1", "open", "open", message_id="new", by_machine=False, bounce_class="x")
    added = target.add("c", [seen], source="test", received_at=RECEIVED)

    assert Added(1, 0) == added
    assert [("new", False), ("sgm1", True), ("sgm1", None), ("sgm15", True)] == machine_opens(
        target
    )
    assert ["", "x"] == column(target, "distinct bounce_class")
