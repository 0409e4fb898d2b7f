"""Imports: other systems' files become our events, whole or not at all, and no row disappears."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cxtools.errors import ConfigError
from cxtools.events.importing import import_file
from cxtools.events.store import EventStore
from tests.imports import NOW, TABLE, counts, files_in_home, import_content
from tests.tables import ask


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            "sender,receiver\na,b\n",
            {},
            "no column says what happened; name it with --map COLUMN=kind",
        ),
        (
            "event,email,address\nopen,a@one.example,b@one.example\n",
            {"column_map": {"event": "kind"}},
            "",
        ),
        (
            "event,recipient,address\nopen,a@one.example,b@one.example\n",
            {},
            "columns recipient and address could both be the email; choose one with --map recipient=email",
        ),
        (
            "event,email\nopen,a@one.example\n",
            {"column_map": {"evnet": "kind"}},
            "there is no column evnet",
        ),
        ("a,b\n1,2\n", {"column_map": {"Nope": "ts"}}, "there is no column Nope"),
        (
            "event,email\nopen,a@one.example\n",
            {"column_map": {"event": "colour"}},
            "there is no field colour",
        ),
        (
            "event,email\nopen,a@one.example\n",
            {"event_map": {"open": "read"}},
            "there is no kind read",
        ),
        ("event,email\nopen,a@one.example\n", {"format": "xml"}, "there is no format 'xml'"),
        ("event,email\nopen,\n", {}, "fields: kind, ts, email, message_id"),
        ("event,email\nopen,\n", {}, "the row names neither message nor recipient"),
        ("", {}, "no row of feed could be read"),
        ("event,email\n", {}, "no row of feed could be read"),
        ('{"results": []}', {}, "no row of feed could be read"),
        ("<html>404</html>\n<p>nothing here</p>\n", {}, "feed is a web page"),
        (b"\x00\x01\x02\xff" * 99_999, {}, "feed"),
        (b"PAR1" + b"x" * 99, {}, "the Parquet file is damaged"),
        (gzip.compress(TABLE.encode() * 99, mtime=0)[:-20], {}, "feed can't be read"),
    ],
)
def test_a_file_without_a_readable_row_is_an_error_and_leaves_nothing(
    target: EventStore, content: str | bytes, options: dict[str, Any], message: str
) -> None:
    """One message that tells what is wrong; no event, no folder, no file of rejected rows."""
    if not message:
        assert 1 == import_content(target, content, **options).added
        return
    with pytest.raises(ConfigError) as refused:
        import_content(target, content, **options)

    assert message in str(refused.value)
    assert "@one.example" not in str(refused.value)
    assert [] == files_in_home(target)


def test_a_missing_file_is_said(target: EventStore, tmp_path: Path) -> None:
    """A wrong path is one message."""
    with pytest.raises(ConfigError, match=r"nowhere.csv can't be read: No such file"):
        import_file(tmp_path / "nowhere.csv", "c", target, now=NOW)


def test_a_pipe_is_said_to_be_one(target: EventStore) -> None:
    """What a file is comes out by looking at it several times; a pipe shows its rows once."""
    reader, writer = os.pipe()
    os.write(writer, TABLE.encode())
    os.close(writer)

    with pytest.raises(ConfigError, match=r"it is a pipe, .* write it to a file") as refused:
        import_file(f"/dev/fd/{reader}", "c", target, now=NOW)

    os.close(reader)
    assert "nothing was imported" in str(refused.value.do)
    assert [] == files_in_home(target)


def test_bad_rows_are_counted_and_kept_with_line_and_reason(target: EventStore) -> None:
    """Good rows come in; each bad one stands in a file of its owner's, with the line and why."""
    content = b'event,email\nopen,\xc3\xa4nn\xc3\xab@one.example\nopen\nopen,\nopen,"bob@two.example\nclick,caf\xe9@one.example\n'
    done = import_content(target, content)
    assert done.rejected_path is not None
    rejected = [json.loads(line) for line in done.rejected_path.read_text().splitlines()]

    assert (4, 1, 3) == (done.rows, done.added, done.rejected)
    assert [
        (3, "1 fields, the header has 2"),
        (4, "the row names neither message nor recipient"),
    ] == [(row["line"], row["reason"]) for row in rejected[:2]]
    assert (5, "a byte of it is not UTF-8") == (rejected[2]["line"], rejected[2]["reason"][:25])
    assert 0o600 == done.rejected_path.stat().st_mode & 0o777
    assert done.rejected_path.parent == target.root / "_rejected"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "event,email,when\nopen,a@one.example,2026-09-14T09:00:00Z\nopen,b@one.example,{}\nopen,c@one.example,\n",
            3,
        ),
        (
            '{{"eventType": "OPEN", "messageId": "m1"}}\n{{"eventType": "OPEN", "messageId": "m2", "timestamp": "{}"}}\n{{"eventType": "OPEN", "messageId": "m3"}}\n',
            2,
        ),
    ],
)
@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("soon", "the time 'soon' can't be read"),
        ("202609140800", "the time '202609140800' can't be read"),
        (
            "4/9/2026 08:00",
            "the time '4/9/2026 08:00' doesn't say which is the day and which the month",
        ),
        ("ann@one.example", "the time of the row can't be read"),
    ],
)
def test_a_time_that_can_not_be_read_rejects_its_row(
    target: EventStore, content: str, line: int, time: str, reason: str
) -> None:
    """
    A row may have no time at all, but not one that is lost in silence; an address in its place is
    not repeated.
    """
    done = import_content(
        target, content.format(time), column_map={"when": "ts"} if "when" in content else {}
    )
    assert done.rejected_path is not None
    [rejected] = [json.loads(row) for row in done.rejected_path.read_text().splitlines()]

    assert (3, 2, 1) == (done.rows, done.added, done.rejected)
    assert (line, reason) == (rejected["line"], rejected["reason"].partition(";")[0])


def test_the_same_file_again_adds_nothing(target: EventStore) -> None:
    """Importing is idempotent; the rejected rows are the same file, too."""
    first = import_content(target, TABLE + "open\n")
    files = files_in_home(target)
    again = import_content(target, TABLE + "open\n")

    assert (5, 0, 1) == (first.added, first.duplicates, first.rejected)
    assert (0, 5, 1, first.rejected_path) == (
        again.added,
        again.duplicates,
        again.rejected,
        again.rejected_path,
    )
    assert files == files_in_home(target)


def test_a_csv_of_100_000_rows_goes_through_to_the_measures(
    target: EventStore, tmp_path: Path
) -> None:
    """Real sizes: imported in seconds, measured in less."""
    path = tmp_path / "events.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "event", "email", "message_id", "url", "bounce_code"])
        for number in range(50_000):
            bounced = number % 20 == 0
            writer.writerow(
                [
                    "2026-09-14T09:00:00Z",
                    "bounced" if bounced else "delivered",
                    f"p{number}@gmail.example",
                    f"m{number}",
                    "",
                    "5.1.1" if bounced else "",
                ]
            )
            writer.writerow(
                [
                    "2026-09-14T10:00:00Z",
                    "open" if number % 5 else "click",
                    f"p{number}@gmail.example",
                    f"m{number}",
                    "https://shop.example/",
                    "",
                ]
            )
    done = import_file(path, "c", target, now=NOW)
    row = ask("funnel", target).iloc[0]

    assert (100_000, 100_000, 0, 0) == counts(done)
    assert [50_000, 2_500, 47_500, 47_500, 7_500] == row[
        ["attempted", "bounced", "delivered", "opened", "clicked"]
    ].tolist()


def test_progress_is_rows_a_second_and_shown_where_it_is_asked_for(
    target: EventStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written unless it is asked for: a log file holds sentences."""
    import_content(target, TABLE)
    quiet = capsys.readouterr().err
    import_content(target, TABLE, progress=True)

    assert "" == quiet
    assert "rows/s" in capsys.readouterr().err


CORRECTED = {"event_map": {"zugestellt": "delivery"}, "timezone": "Europe/Berlin"}
GERMAN = "event,time,email,message_id\nzugestellt,2026-03-02T10:00:00,ann@one.example,m1\n"


@pytest.mark.parametrize(
    ("first", "second", "words", "is_understood"),
    [
        ({}, CORRECTED, ["zugestellt"], False),
        ({"event_map": CORRECTED["event_map"]}, CORRECTED, ["zugestellt"], False),
        (CORRECTED, CORRECTED, [], True),
    ],
)
def test_a_correction_that_changes_nothing_is_said(
    target: EventStore,
    first: dict[str, Any],
    second: dict[str, Any],
    words: list[str],
    is_understood: bool,
) -> None:
    """What is known stays as it was read first: who imports it corrected hears that, and how to."""
    import_content(target, GERMAN, **first)

    done = import_content(target, GERMAN, **second)

    assert (1, 0, 1, 0) == counts(done)
    assert (words, is_understood) == (done.kept_otherwise, done.is_understood)
    assert bool(words) == ("another name after --campaign" in "\n".join(done.warnings))


def test_new_events_beside_known_ones_are_of_use(target: EventStore) -> None:
    """An import that brings something new is understood, and still says what stays as it was."""
    import_content(target, GERMAN)

    more = f"{GERMAN}zugestellt,2026-03-02T11:00:00,bob@one.example,m2\n"
    done = import_content(target, more, **CORRECTED)

    assert (2, 1, 1, 0) == counts(done)
    assert (["zugestellt"], True) == (done.kept_otherwise, done.is_understood)


def test_people_to_whom_nothing_happened_are_said(target: EventStore) -> None:
    """A table of people whose cells are all empty brings no event, and not in silence."""
    done = import_content(target, "email,sent,opened\nann@one.example,,\nbob@one.example,,\n")

    assert (2, 0, 0, 0) == counts(done)
    assert "no event: nothing in these rows" in "\n".join(done.warnings)


def test_a_column_may_be_called_as_a_form_of_files_begins(target: EventStore) -> None:
    """ORC files begin with capitals; a table of orchestras is a table."""
    content = "orchestra,event,email\nBerlin,open,ann@one.example\n"

    assert (1, 1, 0, 0) == counts(import_content(target, content))


def test_a_byte_that_is_no_letter_is_said_in_words(target: EventStore) -> None:
    """Where neither encoding knows a byte, its row says so, not Python's codec."""
    with pytest.raises(ConfigError) as refusal:
        import_content(target, b"event,email,note\nopen,ann@one.example,\xe9\x81\n")

    message = str(refusal.value)
    assert "a byte of it is not UTF-8" in message
    assert "codec" not in message
