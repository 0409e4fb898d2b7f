"""
Any table of events: its columns by the names that everybody uses, or by a map of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.nested import value_at
from cxtools.events.feeds.plain import Plain
from cxtools.events.feeds.values import Row, spelling
from cxtools.events.feeds.words import COMMON_WORDS
from cxtools.model import Event

NAME = "table"
TITLE = "any table"
SOURCE = "docs/howto/import-events.md"
EXPORT = "Any CSV, Parquet or JSON file of events, one a row, with a column for each thing."
NEVER_TELLS = "whether a machine opened or clicked"

WORDS = COMMON_WORDS

#: Our field -> what columns with it are called, as `spelling` leaves them; the first name wins over
#: the others.
COLUMNS = {
    "kind": ("kind", "event", "eventtype", "type", "action", "activity"),
    "ts": (
        "ts",
        "timestamp",
        "eventtime",
        "eventtimestamp",
        "eventat",
        "occurredat",
        "datetime",
        "time",
        "date",
        "createdat",
        "created",
        "eventdate",
        "processed",
        "processedat",
        "timelogged",
        "timequeued",
        "bouncedat",
        "deliveredat",
        "receivedat",
        "openedat",
        "clickedat",
        "senttime",
        "sentat",
        "tsepoch",
        "tsevent",
        "unixtime",
        "epoch",
    ),
    "email": (
        "email",
        "emailaddress",
        "recipientemail",
        "toaddress",
        "recipient",
        "address",
        "to",
        "mail",
    ),
    "message_id": ("messageid", "msgid", "emailid", "mailid"),
    "recipient_id": (
        "recipientid",
        "contactid",
        "subscriberid",
        "customerid",
        "userid",
        "personid",
    ),
    "job_id": ("jobid", "batchid", "mailingid", "sendid"),
    "event_id": ("eventid", "eventuuid"),
    "bounce_code": ("bouncecode", "statuscode", "smtpcode", "enhancedstatus", "dsnstatus"),
    "bounce_text": (
        "bouncetext",
        "bouncedescription",
        "bouncereason",
        "diagnosticcode",
        "diagnostic",
        "reason",
        "response",
    ),
    "bounce_class": ("bounceclass",),
    "link_url": ("linkurl", "url", "link", "clickedurl", "href"),
    "user_agent": ("useragent", "ua"),
    "ip": ("ip", "ipaddress", "clientip"),
}
#: The same the other way round: a column's name -> our field.
FIELDS = {name: field for field, names in COLUMNS.items() for name in names}
NO_WORD = (
    "no column says what happened; name it with --map COLUMN=kind, "
    "or say it for all rows with --event-map =open"
)


def recognises(row: Row) -> bool:
    """A table is what no vendor recognises as its own."""
    return True


class TableReader:
    """
    How a table is to be read: *column_map* says column -> field, other columns go by COLUMNS.

    >>> table = TableReader({"who": "email"})
    >>> openers = Dialect(event_map={"": "open"})
    >>> [event] = table.events({"who": "ann@example.com", "time": "2026-09-14 10:00"}, openers)
    >>> event.kind, event.ts.hour
    ('open', 10)
    """

    def __init__(
        self, column_map: Mapping[str, str] | None = None, keep: Sequence[str] = ()
    ) -> None:
        self._column_map = dict(column_map or {})
        self._keep = set(keep)
        self._known_headers: dict[tuple[str, ...], Plain] = {}
        self._first_rows: dict[tuple[str, ...], Row] = {}
        self._dotted = [name for name in self._column_map if "." in name]

    def events(self, row: Row, dialect: Dialect = STANDARD) -> list[Event]:
        """One event per row, or one per address where the cell of addresses is a list."""
        found = self._with_dotted(row)
        plain = self.plain(found)
        rows = _one_per_address(found, plain.texts.get("email", ()))
        return [plain.event(each, dialect, kept=row) for each in rows]

    def plain(self, row: Row) -> Plain:
        """
        How the rows with the columns of this one are read.

        Raises:
            ValueError: two columns could hold the same field.
        """
        header = tuple(row)
        if header not in self._known_headers:
            columns = find_columns(header, self._column_map)
            self._known_headers[header] = self._plain(columns)
            self._first_rows[header] = row
        return self._known_headers[header]

    def unused(self) -> dict[str, object]:
        """The columns that no field was read from, each with a cell that it has."""
        used = {*self._keep, *self._column_map}
        for plain in self._known_headers.values():
            used.update(plain.names)
        of_paths = {name.split(".")[0] for name in used if "." in name}
        cells: dict[str, object] = {}
        for row in self._first_rows.values():
            for name, cell in row.items():
                if name not in used and name not in of_paths:
                    cells.setdefault(name, cell)
        return cells

    def _with_dotted(self, row: Row) -> Row:
        """The row with what its map names inside of objects."""
        found = {name: value_at(row, name) for name in self._dotted if name not in row}
        return {**row, **found} if found else row

    def plain_of(self, row: Row, *, varying: bool) -> Plain | None:
        """
        The same for many rows; None where it can't be said. *varying* says that rows may lack some
        of the columns: then each field must have one column, or which one is read would vary, too.
        """
        try:
            plain = self.plain(row)
        except ValueError:
            return None
        header = tuple(row)
        return None if varying and not self._has_one_column_a_field(header) else plain

    def _has_one_column_a_field(self, header: tuple[str, ...]) -> bool:
        known = [name for name in header if name in self._column_map or spelling(name) in FIELDS]
        return len(known) == len(find_columns(header, self._column_map))

    def _plain(self, columns: Mapping[str, str]) -> Plain:
        texts = {field: (column,) for field, column in columns.items()}
        return Plain(
            word=texts.pop("kind", ()),
            words=WORDS,
            no_word=NO_WORD,
            time=columns.get("ts", ""),
            texts={field: names for field, names in texts.items() if field != "ts"},
        )


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per row of a table that needs no map of its columns."""
    return PLAIN_TABLE.events(row, dialect)


PLAIN_TABLE = TableReader()


def _one_per_address(row: Row, names: Sequence[str]) -> list[Row]:
    """The row for each of several addresses in a list."""
    for name in names:
        cell = row.get(name)
        if isinstance(cell, list) and len(cell) > 1:
            return [{**row, name: address} for address in cell]
    return [row]


def find_columns(header: tuple[str, ...], column_map: Mapping[str, str]) -> dict[str, str]:
    """
    Our field -> the column that holds it.

    Raises:
        ValueError: two columns could hold the same field.

    >>> find_columns(("E-Mail", "Event Type", "score"), {})
    {'email': 'E-Mail', 'kind': 'Event Type'}
    """
    columns = {
        FIELDS[spelling(field)]: column for column, field in column_map.items() if column in header
    }
    candidates: dict[str, list[str]] = {}
    for column in header:
        field = FIELDS.get(spelling(column))
        if field and field not in columns and column not in column_map:
            candidates.setdefault(field, []).append(column)
    for field, names in candidates.items():
        columns[field] = _choose(field, names)
    return columns


def _choose(field: str, columns: list[str]) -> str:
    """The one column of a field: the only one, or the only one that has the field's first name."""
    first_names = [column for column in columns if spelling(column) == COLUMNS[field][0]]
    best = first_names or columns
    if len(best) > 1:
        raise ValueError(
            f"columns {' and '.join(best)} could both be the {field}; "
            f"choose one with --map {best[0]}={field}"
        )
    return best[0]
