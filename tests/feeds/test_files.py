"""One table is the same table, whatever program wrote it, in whatever encoding and packing."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxtools.errors import ConfigError
from cxtools.events.database import unreadable
from cxtools.events.lines import Line, Unreadable
from cxtools.events.rows import open_blocks, open_rows
from cxtools.events.store import EventStore
from tests.imports import import_content
from tests.workbooks import workbook

HEADER = ["event", "email", "first, name", "reason"]
ROWS = [
    ["delivered", "ann@one.example", "Jürgen", ""],
    ["bounced", "bob@one.example", 'Zoë "Z"', "550, 5.1.1; no such user"],
    ["opened", "cat@one.example", "", "a|b\tc"],
]
TABLE = [HEADER, *ROWS]
EXPECTED = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def rows_of(path: Path) -> tuple[list[Any], list[str]]:
    """
    The rows of a file and what is said about its reading; in blocks and one by one they are the
    same.
    """
    with open_rows(path) as lines:
        one_by_one = [line.row for line in lines]
    together: list[Any] = []
    with open_blocks(path) as pieces:
        for piece in pieces:
            if isinstance(piece, Line):
                together.append(piece.row)
            else:
                together += [piece.row(place) for place in range(len(piece))]
        notes = pieces.notes
    assert one_by_one == together
    return one_by_one, notes


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is written anew for each example; its ending says nothing true."""
    return tmp_path_factory.mktemp("files") / "feed.xyz"


def written(table: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerows(table)
    return buffer.getvalue()


def zipped(content: bytes) -> bytes:
    """As macOS packs a file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/export.csv", content)
        archive.writestr("__MACOSX/folder/._export.csv", b"\0\5")
    return buffer.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "ZIP": zipped,
    "ZIP in gzip": lambda content: gzip.compress(zipped(content)),
}
TOPS = ["", "\n\n", "Report: March\n", "Report: March\nWritten,2026-03-02\n\n"]


@settings(max_examples=80, deadline=None)
@given(
    encoding=st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
    ),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    packing=st.sampled_from(sorted(PACKINGS)),
    top=st.sampled_from(TOPS),
    says_separator=st.booleans(),
    trailing=st.integers(0, 3),
    copies=st.sampled_from([1, 30]),
)
def test_a_table_is_the_same_in_every_form(
    file: Path,
    encoding: str,
    delimiter: str,
    end: str,
    packing: str,
    top: str,
    says_separator: bool,
    trailing: int,
    copies: int,
) -> None:
    """K6, K20: encoding × delimiter × line ends × packing × titles × empty cells at the end."""
    table = [HEADER, *(row + [""] * trailing for row in ROWS * copies)]
    title = top.replace(",", delimiter).replace("\n", end)
    separator = f"sep={delimiter}{end}" if says_separator and not top else ""
    text = separator + title + written(table, delimiter, end)
    file.write_bytes(PACKINGS[packing](text.encode(encoding)))
    rows, notes = rows_of(file)

    assert EXPECTED * copies == rows
    assert (encoding == "cp1252", "Report" in top) == (
        any("Windows-1252" in note for note in notes),
        any("what stands above" in note for note in notes),
    )


@pytest.mark.parametrize("place", range(0, 3 * 9000, 2500))
def test_the_only_odd_byte_may_stand_anywhere(file: Path, place: int) -> None:
    """118: what a file is written in is decided by all of it, also where reading ends for a while."""
    lines = [f"open,p{number}@one.example,Ann" for number in range(30_000)]
    lines[place] = "bounce,p@one.example,Jürgen"
    file.write_bytes("\n".join(["event,email,name", *lines]).encode("cp1252"))
    rows, notes = rows_of(file)

    assert (30_000, "Jürgen", 1) == (len(rows), rows[place]["name"], len(notes))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("Jürgen Zoë".encode() + b" \xfc", []),
        (b"Z\xfcrich J\xfcrgen " + "é".encode(), ["Zürich Jürgen Ã©"]),
        (b"J\xfcrgen \x81", []),
        ("Ж".encode() * 9, ["Ж" * 9]),
    ],
)
def test_windows_1252_is_a_file_or_not_at_all(file: Path, content: bytes, names: list[str]) -> None:
    """Where more letters are UTF-8, or bytes are neither, rows with such bytes are set aside."""
    file.write_bytes(b"event,name\nopen," + content)
    rows, _ = rows_of(file)

    assert names == [row["name"] for row in rows if row["name"].isprintable()]


@pytest.mark.parametrize(
    ("content", "header", "row"),
    [
        ("event;email\nopen;ann,bob,cat,dan\n", ["event", "email"], ["open", "ann,bob,cat,dan"]),
        (
            '"a";"b, as told, by, the server"\n1;2\n',
            ["a", "b, as told, by, the server"],
            ["1", "2"],
        ),
        ("a|b\n1|x;y,z;y,z\n", ["a", "b"], ["1", "x;y,z;y,z"]),
        ("email\nann@one.example\n", ["email"], ["ann@one.example"]),
        (
            "email\nann@one.example;bob@one.example\n",
            ["email"],
            ["ann@one.example;bob@one.example"],
        ),
        (",event,email\n0,open,ann\n", ["column 1", "event", "email"], ["0", "open", "ann"]),
        ("event,email,\nopen,ann,\n", ["event", "email"], ["open", "ann"]),
        ("event,email,\nopen,ann,x\n", ["event", "email", "column 3"], ["open", "ann", "x"]),
        ('"sep=;"\nevent;email\nopen;ann\n', ["event", "email"], ["open", "ann"]),
        ("SEP=|\r\nevent|email\r\nopen|a;b;c\r\n", ["event", "email"], ["open", "a;b;c"]),
        ("Pre\u0301nom,a\nx,y\n", ["Prénom", "a"], ["x", "y"]),
        (" event , email \n open ,ann\n", ["event", "email"], [" open ", "ann"]),
        ("m1,open,open\nm2,click,x\n", None, []),
        ("2024,2025\n1,2\n", ["2024", "2025"], ["1", "2"]),
        ("Report,March 2026,\n\na,b,c,d\n1,2,3,4\n", ["a", "b", "c", "d"], ["1", "2", "3", "4"]),
        ("event,email\n", ["event", "email"], None),
    ],
)
def test_a_header_is_found(
    file: Path, content: str, header: list[str] | None, row: list[str] | None
) -> None:
    """119-125: the first row that can be one; where none looks like it, the first."""
    file.write_text(content, newline="")
    if header is None:
        with pytest.raises(ConfigError, match="two columns are called 'open'"):
            rows_of(file)
        return
    rows, _ = rows_of(file)
    expected = [] if row is None else [dict(zip(header, row, strict=True))]

    assert expected == rows


MAIL = "From: ann@one.example\nDelivered,bob@one.example,2026-03-02\n"


def test_a_cell_may_be_a_whole_mail(file: Path) -> None:
    """However long it is, its lines are not rows; those that follow are."""
    mail = MAIL * 5_000
    file.write_text(f'event,email,mail\nopened,ann@one.example,"{mail}"\nopened,bob@one.example,\n')
    rows, notes = rows_of(file)

    assert [("ann@one.example", mail), ("bob@one.example", "")] == [
        (row["email"], row["mail"]) for row in rows
    ]
    assert [] == notes


def test_a_cell_without_an_end_is_refused(file: Path) -> None:
    """Nobody can say which of its lines are rows."""
    file.write_text('event,email,mail\nopened,ann@one.example,"' + MAIL * 80_000)

    with pytest.raises(ConfigError, match="line 2: a cell has more than 4,194,304 characters"):
        rows_of(file)


def test_a_row_that_swallowed_others_is_said(file: Path) -> None:
    """A quote left open takes what follows for one cell."""
    file.write_text('event,email,mail\nopened,"ann@one.example,\n' + MAIL * 100)

    assert ["a row of 201 lines was set aside: line 2"] == rows_of(file)[1]


def test_rows_of_another_length_are_set_aside(file: Path) -> None:
    """Cells beyond the header are left out where they are empty, and only there."""
    file.write_text("a,b\n1,2,,\n1,2,3\n1\n\n1,2\n")
    rows, _ = rows_of(file)

    assert [
        {"a": "1", "b": "2"},
        Unreadable("3 fields, the header has 2", "1,2,3"),
        Unreadable("1 fields, the header has 2", "1"),
        {"a": "1", "b": "2"},
    ] == rows


# --- workbooks ---


@pytest.mark.parametrize("packing", ["plain", "gzip"])
@pytest.mark.parametrize("top", [[], [["Report: March"], [], ["Written", "2026-03-02"]]])
def test_a_workbook_is_read_like_its_table(file: Path, packing: str, top: list[list[str]]) -> None:
    """Whatever its ending says; titles above the header are left out."""
    file.write_bytes(PACKINGS[packing](workbook({"Export": [*top, *TABLE]})))
    rows, notes = rows_of(file)

    assert EXPECTED == rows
    assert ([f"in line {len(top) + 1};" in note for note in notes]) == [True] * bool(top)


def test_cells_of_a_workbook_are_what_they_hold(file: Path) -> None:
    """Whole numbers have no decimals, moments are ISO 8601, a cell with a formula has its result."""
    from datetime import date, datetime, time

    cells = [550, 5.5, "01234", True, datetime(2026, 3, 2, 21, 0, 5), date(2026, 3, 2), time(9), ""]
    names = ["code", "score", "zip", "flag", "moment", "day", "clock", "nothing"]
    file.write_bytes(workbook({"Export": [[*names, "last"], [*cells, "x"]]}))
    rows, _ = rows_of(file)

    assert ["550", "5.5", "01234", "true", "2026-03-02T21:00:05", "2026-03-02", "09:00:00", ""] == [
        rows[0][name] for name in names
    ]


def test_the_first_sheet_with_something_is_read(file: Path) -> None:
    """Where there are several that is said."""
    file.write_bytes(workbook({"Cover": [], "Events": TABLE, "Totals": [["open", 3]]}))

    assert (EXPECTED, ["of the sheets Events, Totals only Events was read"]) == rows_of(file)


# --- what can't be read ---


def archive_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "event,email\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said", "advice"),
    [
        (
            archive_of("a.csv", "b.csv"),
            "is a ZIP of 2 files",
            "its files one by one (a.csv, b.csv)",
        ),
        (archive_of(), "is a ZIP of 0 files", "unpack it"),
        (b"PK\x03\x04\x14\0\6\0", "a ZIP or an Excel workbook, and damaged", "check"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "is a workbook that can't be read",
            "save",
        ),
        (workbook({"Cover": []}), "a workbook without any cells", ""),
        (b"\x28\xb5\x2f\xfd\x04", "is packed by Zstandard", "unpack it"),
        (
            archive_of("a.csv").replace(b"\x14\0\0\0", b"\x7f\0\0\0"),
            "a ZIP of a newer form",
            "check",
        ),
        (b"\x81event,email\nopen,a\n", "names of the columns are not UTF-8", "save it as UTF-8"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", "unpack it"),
        (b"%PDF-1.7", "is a PDF", "export it as CSV"),
        (b"SQLite format 3\0", "is an SQLite database", "export it as CSV"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><table>", "is a web page", "sign-in page"),
        (b"<?xml version='1.0'?><Workbook>", "is XML", "save it there as .xlsx"),
        (gzip.compress(b"x" * 9999, mtime=0)[:-9], "can't be read", "check the path and the file"),
        (bz2.compress(b"x" * 9999)[:-9], "can't be read", "check the path and the file"),
        (lzma.compress(b"x" * 9999)[:-9], "can't be read", "check the path and the file"),
        (b"event,email,email\nopen,a,b\n", "two columns are called 'email'", "another name"),
    ],
)
def test_what_cant_be_read_is_said(file: Path, content: bytes, said: str, advice: str) -> None:
    """K19, K20: what the file is, where it is, and what helps; no hint that misleads."""
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        rows_of(file)

    assert said in refused.value.what
    assert str(file) == refused.value.where
    assert advice in refused.value.do


@pytest.mark.parametrize(
    ("content", "reason", "advice"),
    [
        ("{'event': 'open'}", "Python shows objects like this", "correct the file"),
        ("", "it has none", "name a file with rows"),
        ("email\nann@one.example\n", "no column says what happened", "--map COLUMN=FIELD"),
    ],
)
def test_the_advice_fits_what_is_wrong(
    target: EventStore, content: str, reason: str, advice: str
) -> None:
    """129, 131: a map helps a table of another shape, and nothing else."""
    with pytest.raises(ConfigError) as refused:
        import_content(target, content)

    assert reason in refused.value.what
    assert advice in refused.value.do
    assert ("--map" in advice) == ("--map" in refused.value.do)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ('Cannot open file "part-3.parquet": Permission denied', "the right to read them"),
        ("No magic bytes found at end of file", "may be damaged: move it away"),
    ],
)
def test_files_of_somebody_else_are_not_called_damaged(said: str, advice: str) -> None:
    """K20: what may not be read is not to be moved away."""
    assert advice in unreadable(Path("events"), OSError(said)).do


def test_rows_of_a_workbook_keep_their_numbers(file: Path) -> None:
    """Among rows that are read together one with too many cells is set aside, empty ones are none."""
    rows = [["event", "email"], ["open", "a"], ["", ""], ["open", "b", "?"], ["click", "c"]]
    file.write_bytes(workbook({"Export": [*rows, *[["open", "d"]] * 5]}))
    with open_rows(file) as lines:
        numbers = [line.number for line in lines]
    together: list[int] = []
    with open_blocks(file) as pieces:
        for piece in pieces:
            together += [piece.number] if isinstance(piece, Line) else piece.numbers

    assert [2, 4, 5, 6, 7, 8, 9, 10] == numbers == together


WHOLE_FILES = [
    workbook({"Export": TABLE}),
    zipped(written(TABLE).encode()),
    gzip.compress(written(TABLE).encode(), mtime=0),
    written(TABLE, ";").encode("cp1252"),
    written(TABLE, "\t").encode("utf-16"),
    b"sep=;\n\nTitle\na;b;c\n1;2;3\n",
    b'{"Records":[{"Sns":{"TopicArn":"","Message":"{\\"event\\":\\"open\\"}"}}]}',
    b'2026-03-02 INFO {"a": 1}\n',
]


@settings(max_examples=150, deadline=None)
@given(
    content=st.sampled_from(WHOLE_FILES),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 6)), max_size=4),
)
def test_a_damaged_file_is_refused_or_read_alike(
    file: Path, content: bytes, cuts: list[tuple[float, bytes, int]]
) -> None:
    """Bytes are lost, changed and put in: no other error comes out, in blocks nor one by one."""
    for place, inserted, lost in cuts:
        begin = int(place * len(content))
        content = content[:begin] + inserted + content[begin + lost :]
    file.write_bytes(content)
    refusal = ""
    try:
        rows_of(file)
    except ConfigError as refused:
        refusal = refused.where

    assert refusal in ("", str(file))
