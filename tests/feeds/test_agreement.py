"""Rows that are read together and rows that are read one by one come out the same."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxtools.api.event_pages import EventPage, event_page, read_together
from cxtools.errors import ConfigError
from cxtools.events import parts
from cxtools.events.instructions import Instructions
from cxtools.events.lines import Line
from cxtools.events.reading import Reading
from cxtools.events.rejects import Rejects
from cxtools.events.rows import open_blocks, open_rows
from cxtools.events.tables import events_of
from tests.feeds.test_samples import SAMPLES
from tests.imports import sendgrid_row

#: So many rows surely make a block.
MANY = 50
Opening = Callable[[Path], AbstractContextManager[Iterable[Any]]]


def read_both_ways(path: Path, **options: Any) -> tuple[Any, Any]:
    """What an import makes of a file in blocks, and what it makes of it row by row."""
    return read(path, open_blocks, **options), read(path, open_rows, **options)


def read(path: Path, opening: Opening, **options: Any) -> Any:
    """The events in their order, the counts, and the rejected rows with their reasons."""
    reading = Reading(path, Instructions(**options), "c")
    spool = io.BytesIO()
    rejects = Rejects(spool)
    events: list[Any] = []
    error = ""
    try:
        with opening(path) as pieces:
            for _, table in reading.tables(pieces, rejects):
                events += parts.event_columns(table).to_pylist()
    except ConfigError as refused:
        error = str(refused)
    return events, reading.rows, rejects.count, spool.getvalue().decode().splitlines(), error


def rows_in_blocks(path: Path) -> int:
    with open_blocks(path) as pieces:
        return sum(len(piece) for piece in pieces if not isinstance(piece, Line))


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feed") / "feed"


# --- samples ---


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_sample_comes_out_the_same(sample: Path) -> None:
    """All samples of all feeds, as they are."""
    together, one_by_one = read_both_ways(sample)

    assert one_by_one == together


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_many_rows_of_a_sample_come_out_the_same(sample: Path, feed: Path) -> None:
    """The rows of a sample over and over, so that they make blocks: as lines and as an array."""
    with open_rows(sample) as lines:
        rows = [line.row for line in lines] * MANY
    for text in ("\n".join(map(json.dumps, rows)), json.dumps(rows), json.dumps(rows, indent=1)):
        feed.write_text(text)
        together, one_by_one = read_both_ways(feed, format=sample.parent.name)

        assert one_by_one == together


@pytest.mark.parametrize(
    "sample",
    [file for file in SAMPLES if file.suffix == ".csv"],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_many_lines_of_a_table_come_out_the_same(sample: Path, feed: Path) -> None:
    """A CSV whose lines come over and over, with other line ends, packed, and as Parquet."""
    import pandas as pd

    header, *lines = sample.read_text("utf-8").splitlines()
    text = "\n".join([header, *(lines * MANY)]) + "\n"
    parquet = io.BytesIO()
    pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_parquet(parquet)
    for content in (
        text.encode(),
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-16"),
        gzip.compress(text.encode(), mtime=0),
        parquet.getvalue(),
    ):
        feed.write_bytes(content)
        together, one_by_one = read_both_ways(feed)

        assert one_by_one == together
        assert MANY * len(lines) == rows_in_blocks(feed)


# --- odd rows among plain ones ---

WORDS = st.sampled_from(
    ["delivered", "open", "click", "bounce", "Bounce", " open ", "teleported", ""]
)
MOMENTS = st.sampled_from(
    [
        "2026-09-14T09:00:00Z",
        "2026-09-14 09:00:00",
        "2026-09-14",
        "2026-09-14T09:00:00.123456+02:00",
        "2026-02-30T09:00:00Z",
        "Mon, 14 Sep 2026 11:00:00 +0200",
        "1789376400",
        "1789376400000",
        "soon",
        "ann@one.example",
        "",
    ]
)
CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", "a,b", 'say "x"', "ü", "İ", "\\", "a\nb", "\x1f", "\u2028", "x}, {y", "NaN"]
    ),
)
VALUES = st.one_of(
    CELLS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
NAMES = st.sampled_from(
    [
        "event",
        "email",
        "sg_event_id",
        "sg_message_id",
        "timestamp",
        "reason",
        "sg_machine_open",
        "type",
        "more",
    ]
)
API_NAMES = st.sampled_from(
    ["eventType", "eventId", "jobId", "messageId", "emailAddress", "timestamp", "linkUrl"]
)
ODD_TEXTS = st.sampled_from(
    [
        '{"event": "open", "email": "a@one.example", "event": "click"}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "m", "x": 1,}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "m", "x": nan}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "m", "x": NaN}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "m", "x": [1e3, -0, 1.50, 0.00001, 1e22]}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "m", "x": "\\ud800"}',
        '{"event": "open", "email": "a@one.example", "sg_message_id": "\\u001f\\/"}',
        '{"event": "open", "sg_message_id": "m"}{"event": "open", "sg_message_id": "n"}',
        '{"event": "open", "sg_message_id": "m", "list": [{"a": 1}, {"b": 2}]}',
        '{"event": "open", "sg_mess',
        '{"results": [{"event": "open", "sg_message_id": "m"}, 7]}',
        "not json",
        "",
        '{\n"event": "open",\n"sg_message_id": "m"}',
        '{"event": "open", "sg_message_id": "' + "m" * 3000 + '"}',
        '{"a":' * 1500 + "1" + "}" * 1500,
    ]
)
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def mixed(plain: list[str], odd: list[tuple[int, str]]) -> list[str]:
    """The plain lines with the odd ones at their places."""
    lines = list(plain)
    for place, text in odd:
        lines.insert(place % (len(lines) + 1), text)
    return lines


def odd_rows(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[int, str]]]:
    return st.lists(st.tuples(st.integers(0, 2 * MANY), texts), max_size=6)


@FEW
@given(
    odd=odd_rows(
        st.one_of(
            ODD_TEXTS,
            st.dictionaries(NAMES, VALUES, max_size=9).map(json.dumps),
            st.builds(
                lambda word, time: json.dumps(sendgrid_row(7, word, timestamp=time)), WORDS, MOMENTS
            ),
        )
    ),
    format=st.sampled_from(["auto", "auto", "sendgrid", "table", "cxone", "ses"]),
    joint=st.sampled_from(["\n", "\r\n", ",\n", "\n\n"]),
)
def test_odd_rows_of_json_come_out_the_same(
    feed: Path, odd: list[tuple[int, str]], format: str, joint: str
) -> None:
    """Events and their order, counts, rejected rows with line and reason."""
    plain = [
        json.dumps(sendgrid_row(number, "delivered", eventType="open"))
        for number in range(2 * MANY)
    ]
    feed.write_text(joint.join(mixed(plain, odd)), encoding="utf-8", newline="")
    together, one_by_one = read_both_ways(feed, format=format)

    assert one_by_one == together


@FEW
@given(
    odd=st.lists(
        st.tuples(st.integers(0, 2 * MANY), st.one_of(VALUES, st.dictionaries(API_NAMES, VALUES))),
        max_size=5,
    )
)
def test_odd_events_of_a_page_come_out_the_same(odd: list[tuple[int, Any]]) -> None:
    """A page of the API: its events, and what of it can't be read."""
    rows: list[Any] = [
        {"eventType": "open", "messageId": f"m{number}", "timestamp": "2026-09-14T09:00:00Z"}
        for number in range(2 * MANY)
    ]
    for place, row in odd:
        rows.insert(place, row)
    page = page_of(rows)
    expected, malformed = [], []
    for number, row in enumerate(rows):
        alone = page_of_row(json.dumps(row))
        expected += alone.events
        for raw, reason in alone.malformed:
            malformed.append((raw, reason.replace("results[0]", f"results[{number}]")))

    assert (expected, malformed) == (page.events, page.malformed)


@cache
def page_of_row(row: str) -> EventPage:
    """A page of one row, which is read once for all examples."""
    return page_of([json.loads(row)])


def page_of(rows: list[Any], job_id: str = "j1") -> EventPage:
    body = json.dumps({"results": rows}).encode()
    return event_page(rows, body, job_id, "")


def test_pages_that_are_read_together_come_out_as_each_alone() -> None:
    """
    Pages of two jobs, with rows that can't be read, of another job or with a name that stands
    twice: DuckDB would keep both, Python the last one.
    """
    rows = [
        {"eventType": "open", "messageId": "m1", "timestamp": "2026-09-14T09:00:00Z"},
        {"eventType": "open", "messageId": "m2", "jobId": "j2", "score": 1e-7},
        {"eventType": "click", "messageId": 3},
        ["open"],
        None,
    ]
    twice = b'{"results": [{"eventType": "open", "messageId": "m4", "x": 1, "x": 2}]}'
    pages = [
        page_of(rows, "j1"),
        page_of([], "j1"),
        page_of(rows, "j2"),
        event_page(json.loads(twice)["results"], twice, "j2", ""),
    ]
    together = read_together(pages)

    assert [event for page in pages for event in page.events] == events_of(together.table)
    assert [row for page in pages for row in page.malformed] == together.malformed
    assert 6 == len(together.table)
    assert '{"eventType":"open","messageId":"m4","x":2}' == together.table["raw"][-1].as_py()


def csv_line(cells: list[str], delimiter: str = ",") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="").writerow(cells)
    return buffer.getvalue()


ODD_LINES = st.sampled_from(
    [
        "",
        " ",
        "open",
        "open,a@one.example,m,,,,",
        'open,"a@one.example,m,,',
        'open,a"b@one.example,m,,',
        'open,"a"b@one.example,m,,',
        'open,"a\nb",m,,',
        'open,"a""b",m,,',
        "open,a\0b,m,,",
        "open,a\rb,m,,",
        'open,"' + "x" * 140_000 + '",m,,',
    ]
)


@FEW
@given(
    odd=odd_rows(
        st.one_of(ODD_LINES, st.tuples(WORDS, CELLS, CELLS, MOMENTS, CELLS).map(list).map(csv_line))
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    invalid=st.booleans(),
)
def test_odd_lines_of_a_table_come_out_the_same(
    feed: Path, odd: list[tuple[int, str]], end: str, invalid: bool
) -> None:
    """The same of a CSV; also with a byte that isn't UTF-8."""
    plain = [
        f"delivered,p{number}@one.example,m{number},2026-09-14T09:00:00Z,"
        for number in range(2 * MANY)
    ]
    text = end.join(["event,email,message_id,time,url", *mixed(plain, odd)])
    content = text.encode() + (b"\nopen,caf\xe9@one.example,m,," if invalid else b"")
    feed.write_bytes(content)
    together, one_by_one = read_both_ways(feed)

    assert one_by_one == together


@FEW
@given(
    rows=st.lists(
        st.dictionaries(st.text(max_size=5), VALUES, max_size=6), min_size=20, max_size=40
    )
)
def test_any_json_is_kept_as_python_writes_it(feed: Path, rows: list[dict[str, Any]]) -> None:
    """The raw text of a row doesn't tell who wrote it."""
    known = [
        {"eventType": "open", "messageId": f"m{number}", "more": row}
        for number, row in enumerate(rows)
    ]
    feed.write_text("\n".join(map(json.dumps, known)), encoding="utf-8")
    together, one_by_one = read_both_ways(feed, format="cxone")

    assert one_by_one == together


@pytest.mark.parametrize(
    "rows",
    [
        [
            {"event": "open", "to": "a@one.example"},
            {"event": "open", "email": "b@one.example", "to": "c@one.example"},
        ],
        [
            {"event": "open", "email": "a@one.example"},
            {"event": "open", "email": "b@one.example", "score": 5},
        ],
        [
            {"event": "open", "email": None, "to": "c@one.example"},
            {"event": "open", "to": "c@one.example"},
        ],
        [
            {"event": "open", "email": "a@one.example", "msgid": 5},
            {"event": "open", "email": "a@one.example", "msgid": 5.5},
        ],
        [
            {"event": "open", "email": "a@one.example", "msgid": True},
            {"event": "open", "email": "a@one.example", "msgid": 2**60},
        ],
    ],
    ids=["other columns", "one more column", "null and missing", "numbers", "booleans"],
)
def test_rows_of_other_names_and_types_come_out_the_same(
    feed: Path, rows: list[dict[str, Any]]
) -> None:
    """A table as JSON chooses its columns row by row."""
    feed.write_text("\n".join(map(json.dumps, rows * MANY)))
    together, one_by_one = read_both_ways(feed, format="table")

    assert one_by_one == together


def test_most_rows_of_a_file_with_one_odd_row_are_read_together(feed: Path) -> None:
    """One odd row costs itself, not the block around it."""
    rows = [sendgrid_row(number, "delivered") for number in range(1000)]
    rows[500]["timestamp"] = "soon"
    rows[700]["email"] = 7
    feed.write_text("\n".join(map(json.dumps, rows)))
    calls = 0

    class Counting(Reading):
        def _events(self, line: Line, rejects: Rejects) -> Any:
            nonlocal calls
            calls += 1
            return super()._events(line, rejects)

    reading = Counting(feed, Instructions(format="sendgrid"), "c")
    with open_blocks(feed) as pieces:
        list(reading.tables(pieces, Rejects(io.BytesIO())))

    assert 1000 == reading.rows
    assert calls < 100


@pytest.mark.parametrize("joint", ["\n", ",\n"], ids=repr)
def test_most_rows_around_one_that_is_not_json_are_read_together(feed: Path, joint: str) -> None:
    """One broken line of thousands sends the few rows around it one by one, not all of them."""
    rows = [json.dumps(sendgrid_row(number, "delivered")) for number in range(3000)]
    rows[1700] = '{"event": "delivered", "email": "p@one.example",, "sg_message_id": "m"}'
    feed.write_text(joint.join(rows))
    together, one_by_one = read_both_ways(feed, format="sendgrid")

    assert one_by_one == together
    assert 2700 < rows_in_blocks(feed)
