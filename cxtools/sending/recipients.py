"""
Where recipients are read from: a CSV file, a DataFrame, a list.

Rows are read anew each time they are asked for, one by one, so a file of a million rows needs no
memory to speak of. A file that is broken as a whole (encoding, header, NUL bytes) is refused with
its line; a single odd row is handed on with its fault, for the plan to judge.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.errors import ConfigError
from cxtools.sending.row import Row
from cxtools.text import safe_line
from cxtools.wording import quantity

if TYPE_CHECKING:
    from _csv import Reader

    import pandas

NOT_CSV = (
    "save it as CSV UTF-8 (separated by commas, not semicolons; first line the column names, "
    "one of them email)"
)


class Source(Protocol):
    """A list of recipients that can be read more than once."""

    def rows(self) -> Iterator[Row]:
        """All rows, from the start."""

    def version(self) -> object:
        """Something that is different when the rows may be; compared, never looked into."""


class RowList:
    """Addresses, or mappings with `email`, optional `tags` (text or list) and merge fields."""

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
        self._columns = _check_columns(names, "the DataFrame")
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


class CsvFile:
    """
    A CSV file: a column `email`, optional `tags` separated by `;`, every other a merge field.

    Raises:
        ConfigError: it can't be read, or its header is broken; said now, before any request.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        next(self.rows(), None)

    def rows(self) -> Iterator[Row]:
        reader = csv.reader(_lines(self._path), strict=True)
        header = self._next_cells(reader) or []
        columns = _check_columns(header, str(self._path))
        while True:
            # Where the row begins; a quoted cell may go over several lines.
            line = reader.line_num + 1
            cells = self._next_cells(reader)
            if cells is None:
                return
            if cells:
                yield _csv_row(line, columns, cells)

    def version(self) -> object:
        """The file's identity, size and time of change."""
        try:
            facts = self._path.stat()
        except OSError:
            return None  # reading it says what is wrong
        return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns

    def _next_cells(self, reader: Reader) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as broken:
            raise ConfigError(
                f"the file is not proper CSV: {broken}",
                where=f"{self._path}, line {reader.line_num}",
                do=NOT_CSV,
            ) from None


def _csv_row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) == len(columns):
        return Row(line, dict(zip(columns, cells, strict=True)))
    missing = len(columns) - len(cells)
    padded = [*cells, *[""] * missing]
    fault = (
        f"{quantity(len(cells), 'cell')} where the header has {len(columns)} "
        "(a comma inside a cell needs quotes)"
    )
    return Row(line, dict(zip(columns, padded, strict=False)), fault)


def _check_columns(names: Sequence[str], where: str) -> list[str]:
    columns = [name.strip() for name in names]
    faults = _column_faults(columns)
    if faults:
        names = [repr(safe_line(name, 80)) for name in columns]
        header = ", ".join(names)
        raise ConfigError(
            "; ".join(faults),
            where=where,
            do=f"columns found: {header or 'none'}; {NOT_CSV}",
        )
    return columns


def _column_faults(columns: Sequence[str]) -> list[str]:
    if not columns:
        return ["there is no header line: the file is empty"]
    faults = []
    if "email" not in columns:
        faults.append("the column `email` is missing")
    if "" in columns:
        faults.append("a column has no name")
    if len(set(columns)) < len(columns):
        faults.append("two columns have the same name")
    return faults


def _lines(path: Path) -> Iterator[str]:
    """
    The lines of a UTF-8 file, with or without byte order mark; decoded one by one so that a fault
    has its line number.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                yield _decode(raw, number, path)
    except OSError as broken:
        raise ConfigError(
            f"the recipients can't be read: {broken.strerror}",
            where=str(path),
            do="give the path of a CSV file",
        ) from None


def _decode(raw: bytes, number: int, path: Path) -> str:
    encoding = "utf-8-sig" if number == 1 else "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConfigError(
            "the file is not UTF-8 text",
            where=f"{path}, line {number}",
            do=NOT_CSV,
        )
    return text
