"""
A campaign as the user hands it over: its spec, and its recipients from a CSV file, a DataFrame or a
list.

The rows are read anew each time they are asked for, one by one, so a file of a million rows needs
no memory to speak of. A file that is broken as a whole (encoding, header, NUL bytes) is refused
with its line; a single odd row is handed on with its fault, for `plan.planned` to judge.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError, without_locals
from cxtools.model import Recipient
from cxtools.sending.plan import LeftOut, Row, Spec, checked_spec, content_digest, planned
from cxtools.text import safe_line
from cxtools.wording import counted

if TYPE_CHECKING:
    import pandas

NO_CSV = "save it as CSV UTF-8 (separated by commas, not semicolons; first line the column names, one of them email)"


@dataclass(frozen=True)
class Campaign:
    """
    What to send and to whom. `rows()` reads the recipients, each time from the start.

    >>> campaign = Campaign.from_list(["ann@example.com", {"email": "bob@example.com", "tags": "vip"}], name="q3", subject="Hi",
    ...                               template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890", sender="me@example.com")
    >>> [person.tags for person in campaign.planned()]
    [(), ('vip',)]
    """

    spec: Spec
    rows: Callable[[], Iterator[Row]] = field(repr=False)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def digest(self) -> str:
        """The identity of spec and rows; reads all rows."""
        return content_digest(self.spec, self.rows())

    @without_locals
    def planned(self, *, skip_invalid: bool = False) -> Iterator[Recipient | LeftOut]:
        """One item per row; see `plan.planned`."""
        yield from planned(self.rows(), self.spec, skip_invalid=skip_invalid)

    @classmethod
    @without_locals
    def from_toml(
        cls, spec: str | Path, recipients: str | Path, *, any_template_id: bool = False
    ) -> Campaign:
        """
        A campaign from SPEC.toml (keys: name, subject, template_id, sender, fields, tracking,
        limits) and a CSV file.

        Raises:
            ConfigError: a file can't be read, or the spec is wrong; all of its faults at once.
        """
        return cls(
            checked_spec(_toml(Path(spec)), any_template_id=any_template_id, where=str(spec)),
            _csv_source(recipients),
        )

    @classmethod
    @without_locals
    def from_csv(cls, path: str | Path, *, any_template_id: bool = False, **spec: Any) -> Campaign:
        """
        A campaign from a CSV file: column `email`, optional `tags` separated by `;`, every other
        column a merge field.

        *spec* are the keys of SPEC.toml: name, subject, template_id, sender, and optionally fields,
        tracking, limits.

        Raises:
            ConfigError: the file can't be read as such a CSV, or the spec is wrong; all of its
            faults at once.
        """
        return cls(checked_spec(spec, any_template_id=any_template_id), _csv_source(path))

    @classmethod
    @without_locals
    def from_frame(
        cls, frame: pandas.DataFrame, *, any_template_id: bool = False, **spec: Any
    ) -> Campaign:
        """
        A campaign from a DataFrame with the columns of `from_csv`; tags may be lists, missing
        values are empty, a whole 3.0 is "3".
        """
        columns = _checked_columns([str(name) for name in frame.columns], "the DataFrame")
        texts = frame.convert_dtypes().astype("string").fillna("")
        for column in (texts.columns[at] for at, name in enumerate(columns) if name == "tags"):
            texts[column] = [
                text if isinstance(tags, str) or not isinstance(tags, Iterable) else list(tags)
                for tags, text in zip(frame[column], texts[column], strict=True)
            ]
        checked = checked_spec(spec, any_template_id=any_template_id)
        return cls(
            checked,
            lambda: (
                Row(line, dict(zip(columns, cells, strict=True)))
                for line, cells in enumerate(texts.values, 1)
            ),
        )

    @classmethod
    @without_locals
    def from_list(
        cls,
        people: Iterable[str | Mapping[str, Any]],
        *,
        any_template_id: bool = False,
        **spec: Any,
    ) -> Campaign:
        """
        A campaign from addresses, or from mappings with `email`, optional `tags` (text or list) and
        merge fields.
        """
        rows = [
            Row(line, {"email": person} if isinstance(person, str) else dict(person))
            for line, person in enumerate(people, 1)
        ]
        return cls(checked_spec(spec, any_template_id=any_template_id), lambda: iter(rows))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else str(broken)
    raise ConfigError(
        f"the campaign's spec can't be read: {reason}",
        where=str(path),
        do="correct the file; nothing was sent",
    )


def _csv_source(path: str | Path) -> Callable[[], Iterator[Row]]:
    file = Path(path)
    next(
        _read_csv(file), None
    )  # a missing file or a broken header is said now, not after the first request
    return lambda: _read_csv(file)


def _read_csv(path: Path) -> Iterator[Row]:
    reader = csv.reader(_lines(path), strict=True)
    columns = _checked_columns(_next_row(reader, path) or [], str(path))
    while True:
        line = reader.line_num + 1  # where the row begins; a quoted cell may go over several lines
        cells = _next_row(reader, path)
        if cells is None:
            return
        if cells:
            yield _row(line, columns, cells)


def _next_row(reader: Any, path: Path) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as broken:
        raise ConfigError(
            f"the file is no proper CSV: {broken}",
            where=f"{path}, line {reader.line_num}",
            do=NO_CSV,
        ) from None


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    fault = f"{counted(len(cells), 'cell')} where the header has {len(columns)} (a comma inside a cell needs quotes)"
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    return Row(line, dict(zip(columns, padded, strict=False)), fault * (len(cells) != len(columns)))


def _checked_columns(names: Sequence[str], where: str) -> list[str]:
    columns = [name.strip() for name in names]
    faults = {
        "there is no header line: the file is empty": not columns,
        "the column `email` is missing": bool(columns) and "email" not in columns,
        "a column has no name": "" in columns,
        "two columns have the same name": len(set(columns)) < len(columns),
    }
    if any(faults.values()):
        raise ConfigError(
            "; ".join(fault for fault, found in faults.items() if found),
            where=where,
            do=f"columns found: {', '.join(repr(safe_line(name, 80)) for name in columns) or 'none'}; {NO_CSV}",
        )
    return columns


def _lines(path: Path) -> Iterator[str]:
    """
    The lines of a UTF-8 file, with or without byte order mark; decoded one by one so that a fault
    has its line number.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                yield _decoded(raw, number, path)
    except OSError as broken:
        raise ConfigError(
            f"the recipients can't be read: {broken.strerror}",
            where=str(path),
            do="give the path of a CSV file",
        ) from None


def _decoded(raw: bytes, number: int, path: Path) -> str:
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConfigError("the file is no UTF-8 text", where=f"{path}, line {number}", do=NO_CSV)
    return text
