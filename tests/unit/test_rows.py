"""Rows are found in whatever form a file has, and a fault costs its row, not the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from cxtools.events.importing import import_file
from cxtools.events.store import EventStore
from tests.imports import NOW, TABLE, counts, import_content, query, sendgrid_row

GOOD_ROWS = [
    sendgrid_row(number, word) for number, word in enumerate(("processed", "delivered", "deferred"))
]


@pytest.mark.parametrize(
    "packed",
    [
        TABLE.replace(",", ";").replace('"Mon; ', '"Mon, ').encode(),
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.encode("utf-16"),
        gzip.compress(TABLE.encode(), mtime=0),
        TABLE.replace("\n", "\r\n").encode(),
    ],
    ids=["semicolons", "BOM", "UTF-16", "gzip", "CRLF"],
)
def test_tables_as_programs_write_them(target: EventStore, packed: bytes) -> None:
    """Excel's separators and encodings, and packed files, are read like any other."""
    assert (5, 5, 0, 0) == counts(import_content(target, packed))
    assert 5 == len(query(target, "event_id", "email like '%@%.example'"))


def test_parquet_with_real_moments(target: EventStore, tmp_path: Path) -> None:
    """
    Types of a Parquet file are taken as they are; a code kept as a number is the code, a missing
    one an empty text.
    """
    import pandas as pd

    path = tmp_path / "feed.parquet"
    pd.DataFrame(
        {
            "event": ["delivery", "bounce"],
            "email": ["ann@one.example", "bob@two.example"],
            "message_id": [1, 2],
            "bounce_code": [float("nan"), 550.0],
            "timestamp": pd.to_datetime(["2026-09-14T09:00:00Z", "2026-09-14T09:05:00Z"]),
        }
    ).to_parquet(path)
    import_file(path, "c", target, now=NOW)

    assert [("bounce", "2", "550", 5), ("delivery", "1", "", 0)] == query(
        target, "kind, message_id, bounce_code, minute(ts)"
    )


def test_after_a_broken_line_reading_goes_on(target: EventStore) -> None:
    """A line cut off by a crash costs that line, not the file."""
    good = [json.dumps(row) for row in GOOD_ROWS]
    done = import_content(
        target,
        "\n".join(
            [good[0], good[1][:40], "not json", "17", '{"event": }', good[1], good[2], good[0][:-9]]
        ),
    )
    assert done.rejected_path is not None
    reasons = [json.loads(line) for line in done.rejected_path.read_text().splitlines()]

    assert (8, 3, 5) == (done.rows, done.added, done.rejected)
    assert [2, 3, 4, 5, 8] == [row["line"] for row in reasons]
    assert good[1][:40] == reasons[0]["row"]


#: A fault in the tenth of forty rows of a document that is one line: what is right, and wrong.
FAULTS = [
    ('"event": "bounce"', '"event": ""bounce"'),
    ('"event": "bounce"', '"event": "bounce'),
    ('"event": "bounce"', '"event" "bounce"'),
    ('"event": "bounce"', '"event": [{"a": 1}, {"b": 2, "c"}], "more": "bounce"'),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS)
@pytest.mark.parametrize("form", ["%s", '{"results": %s}'])
def test_after_a_fault_in_one_long_line_reading_goes_on(
    target: EventStore, right: str, wrong: str, form: str
) -> None:
    """A row costs itself, also where the whole document is one line."""
    rows = [{**GOOD_ROWS[0], "event": "bounce", "sg_event_id": f"e{n}"} for n in range(40)]
    texts = [json.dumps(row) for row in rows]
    texts[9] = texts[9].replace(right, wrong)
    done = import_content(target, form % f"[{', '.join(texts)}]")

    assert 39 == done.added
    assert done.rejected >= 1


def test_a_row_larger_than_a_block_is_read(target: EventStore) -> None:
    """Rows are found whatever their size and wherever the file's blocks end."""
    rows = [
        sendgrid_row(number, "delivered", padding="x" * size)
        for number, size in enumerate((10, 1_000_000, 10, 262_100, 262_144, 10))
    ]

    assert (6, 6, 0, 0) == counts(import_content(target, json.dumps(rows)))
