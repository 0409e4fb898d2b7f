"""
Where recipients are read from: a table in a file, a DataFrame, a list.

Rows are read anew each time they are asked for, one by one, so a CSV file of a million rows needs
no memory to speak of. A file that is broken as a whole (header, NUL bytes) is refused with its
line; a single odd row is handed on with its fault, for the plan to judge.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.errors import ConfigError
from cxtools.events.feeds.values import spelling
from cxtools.sending.row import Row
from cxtools.tables.containers import READING_ERRORS, Content, open_content, reason_of
from cxtools.tables.delimited import open_table
from cxtools.tables.encodings import open_text
from cxtools.tables.layout import fits
from cxtools.tables.workbook import open_workbook
from cxtools.text import safe_line
from cxtools.wording import quantity

if TYPE_CHECKING:
    from _csv import Reader

    import pandas

    from cxtools.tables.layout import Header

#: What columns with the address are called besides `email`, as `spelling` leaves it.
EMAIL_NAMES = {
    "email",
    "emailaddress",
    "emailaddresses",
    "emailadresse",
    "mailadresse",
    "mailaddress",
    "adresseemail",
    "correoelectronico",
    "correoelectrónico",
    "indirizzoemail",
    "emailid",
    "recipientemail",
}
SAVE_FILE = (
    "save it as CSV UTF-8 or as an Excel workbook; first line the column names, one of them email"
)
NAME_COLUMN = "one column must be called email"
#: What Python's reader says of a cell -> the same for people.
CSV_FAULTS = {
    "' expected after '": "something stands behind the quotes of a cell; a cell that has quotes in "
    'it is written in quotes, and each of its own twice: """Ann"" <…>"',
    "unexpected end of data": "a quote is opened and never closed",
}


class Source(Protocol):
    """A list of recipients that can be read more than once."""

    def rows(self) -> Iterator[Row]:
        """All rows, from the start."""

    def version(self) -> object:
        """Something that is different when the rows may be; compared, never looked into."""

    @property
    def notes(self) -> Sequence[str]:
        """How the list was read at the last time, as far as its user should know: sentences."""


class RowList:
    """Addresses, or mappings with `email`, optional `tags` (text or list) and merge fields."""

    notes = ()

    def __init__(self, people: Iterable[str | Mapping[str, Any]]) -> None:
        self._rows = [Row(line, _cells(person)) for line, person in enumerate(people, 1)]

    def rows(self) -> Iterator[Row]:
        return iter(self._rows)

    def version(self) -> object:
        return None


def _cells(person: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(person, str):
        return {"email": person}
    return dict(person)


class FrameRows:
    """
    The rows of a DataFrame as it is now; tags may be lists, missing values are empty, a whole 3.0
    is "3".
    """

    def __init__(self, frame: pandas.DataFrame) -> None:
        names = [str(name) for name in frame.columns]
        self.notes: list[str] = []
        self._columns = _check_columns(names, "the DataFrame", NAME_COLUMN, self.notes)
        self._texts = frame.convert_dtypes().astype("string").fillna("")
        for position, name in enumerate(self._columns):
            if name == "tags":
                self._keep_lists(frame, self._texts.columns[position])

    def _keep_lists(self, frame: pandas.DataFrame, column: str) -> None:
        """Tags that are a list stay one; as text they would read "['vip', 'x']"."""
        pairs = zip(frame[column], self._texts[column], strict=True)
        self._texts[column] = [list(tags) if _is_list(tags) else text for tags, text in pairs]

    def rows(self) -> Iterator[Row]:
        for line, cells in enumerate(self._texts.values, 1):
            pairs = zip(self._columns, cells, strict=True)
            yield Row(line, dict(pairs))

    def version(self) -> object:
        return None


def _is_list(tags: object) -> bool:
    return isinstance(tags, Iterable) and not isinstance(tags, str)


class TableFile:
    """
    A table in a file, as text or as a workbook: a column `email`, optional `tags` separated by `;`,
    every other a merge field.

    Raises:
        ConfigError: it can't be read, or its header is broken; said now, before any request.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.notes: list[str] = []
        next(self.rows(), None)

    def rows(self) -> Iterator[Row]:
        with self._refusals(), open_content(self._path) as content:
            self.notes = content.notes
            if content.kind == "workbook":
                yield from self._rows_of_workbook(content)
            elif content.kind == "text":
                yield from self._rows_of_text(content)
            else:
                raise ConfigError(
                    "recipients are not read from Parquet", where=str(self._path), do=SAVE_FILE
                )

    def version(self) -> object:
        """The file's identity, size and time of change."""
        try:
            facts = self._path.stat()
        except OSError:
            return None  # reading it says what is wrong
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def _rows_of_workbook(self, content: Content) -> Iterator[Row]:
        table = open_workbook(content.file, self._path, content.notes)
        columns = self._columns(table.header, content.notes)
        for line, cells in table.rows:
            if any(cells):
                yield _row(line, columns, cells)

    def _rows_of_text(self, content: Content) -> Iterator[Row]:
        table = open_table(open_text(content.file, content.notes))
        place = table.header.place
        for _ in self._checked(table.first[:place], 1):
            pass
        columns = self._columns(table.header, content.notes)
        lines = self._checked(table.lines(), place + 1)
        reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
        while True:
            # Where the row begins; a quoted cell may go over several lines.
            line = place + reader.line_num + 1
            cells = self._next_cells(reader, place)
            if cells is None:
                return
            if cells:
                yield _row(line, columns, cells)

    def _columns(self, header: Header, notes: list[str]) -> list[str]:
        columns = _check_columns(header.names, str(self._path), SAVE_FILE, notes)
        if header.titles:
            notes.append(header.note)
        return columns

    def _checked(self, lines: Iterable[str], first: int) -> Iterator[str]:
        """The lines; *first* is the number of the first."""
        for number, line in enumerate(lines, start=first):
            if "\0" in line or not _is_unicode(line):
                raise ConfigError(
                    "the file is not UTF-8 text",
                    where=f"{self._path}, line {number}",
                    do=SAVE_FILE,
                )
            yield line

    def _next_cells(self, reader: Reader, place: int) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as error:
            said = str(error)
            reasons = (reason for words, reason in CSV_FAULTS.items() if words in said)
            raise ConfigError(
                f"the file is not proper CSV: {next(reasons, said)}",
                where=f"{self._path}, line {place + reader.line_num}",
                do=SAVE_FILE,
            ) from None

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except READING_ERRORS as error:
            raise ConfigError(
                f"the recipients can't be read: {reason_of(error)}",
                where=str(self._path),
                do="give the path of a CSV file or an Excel workbook",
            ) from None


def _is_unicode(text: str) -> bool:
    """False where a byte was no letter of the encoding."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if fits(cells, len(columns)):
        return Row(line, dict(zip(columns, cells, strict=False)))
    missing = len(columns) - len(cells)
    padded = [*cells, *[""] * missing]
    fault = (
        f"{quantity(len(cells), 'cell')} where the header has {len(columns)} "
        "(what parts cells needs quotes inside of one)"
    )
    return Row(line, dict(zip(columns, padded, strict=False)), fault)


def _check_columns(names: Sequence[str], where: str, advice: str, notes: list[str]) -> list[str]:
    """The names with `email` for the column that holds the address; *notes* says which that is."""
    columns = [unicodedata.normalize("NFC", name.strip()) for name in names]
    alike = [name for name in columns if spelling(name) in EMAIL_NAMES]
    if "email" not in columns and len(alike) == 1:
        notes.append(f"the addresses are in the column {alike[0]!r}")
        columns = ["email" if name == alike[0] else name for name in columns]
    faults = _column_faults(columns, alike)
    if faults:
        shown = [repr(safe_line(name, 80)) for name in columns]
        header = ", ".join(shown)
        raise ConfigError(
            "; ".join(faults),
            where=where,
            do=f"columns found: {header or 'none'}; {advice}",
        )
    return columns


def _column_faults(columns: Sequence[str], alike: Sequence[str]) -> list[str]:
    if not columns:
        return ["there is no header line: the file is empty"]
    faults = []
    if "email" not in columns:
        faults.append("the column `email` is missing")
        if alike:
            faults.append(f"{' and '.join(alike)} could all be it")
    if "" in columns:
        faults.append("a column has no name")
    if len(set(columns)) < len(columns):
        faults.append("two columns have the same name")
    return faults
