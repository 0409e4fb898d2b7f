"""
Any table: its columns by the names that everybody uses, or by a map of the user's. A row is an
event, or a person with a column for each thing that can happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.nested import value_at
from cxtools.events.feeds.plain import Plain, Value
from cxtools.events.feeds.values import Row, spelling
from cxtools.events.feeds.wide import THINGS, CountsOnly, Doubts, Mark, Thing, Wide, marks
from cxtools.events.feeds.words import COMMON_WORDS
from cxtools.model import KINDS, Event
from cxtools.text import key_by_value

NAME = "table"
TITLE = "any table"
SOURCE = "docs/howto/import-events.md"
EXPORT = (
    "Any CSV, Parquet or JSON file with one event a row; or with one person a row and columns like "
    "sent, opened and clicked, with flags, counts or moments in them."
)
NEVER_TELLS = "whether a machine opened or clicked"

WORDS = COMMON_WORDS
#: Words for a bounce that say which sort it is.
SORTS_OF_BOUNCE = {"hardbounce", "hardbounced", "softbounce", "softbounced", "blockbounce"}

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
    "bounce_class": ("bounceclass", "bouncetype", "bouncecategory"),
    "link_url": ("linkurl", "url", "link", "clickedurl", "href"),
    "user_agent": ("useragent", "ua"),
    "ip": ("ip", "ipaddress", "clientip"),
}
#: Columns with the moment of an event where there is one of them and no better one.
OTHER_TIMES = {
    "bouncedat",
    "clickedat",
    "created",
    "deliveredat",
    "epoch",
    "eventdate",
    "openedat",
    "processed",
    "processedat",
    "receivedat",
    "sentat",
    "timelogged",
    "tsepoch",
    "tsevent",
    "unixtime",
}
#: Columns that say which mailing a person's row is about.
MAILINGS = {
    "campaign",
    "campaignid",
    "campaignname",
    "emailcampaignid",
    "emailname",
    "mailing",
    "mailingname",
    "mailshot",
    "mailshotid",
    "newsletter",
    "newsletterid",
    "subject",
    "template",
    "templateid",
}
#: Columns that surely say what happened; "type" and "activity" may mean something else.
SURE_KINDS = ("kind", "event", "eventtype")
#: What columns tell by their names, or by the name of a kind that the user gave one.
NAMED_THINGS = {kind: Thing(kind) for kind in KINDS} | THINGS
#: What says whose row it is, ...
PEOPLE = ("email", "recipient_id", "message_id")
#: ... and columns that do where none of these is there, the first before the others.
OTHER_PEOPLE = (
    "subscriberkey",
    "subscriber",
    "memberid",
    "profileid",
    "leadid",
    "clientid",
    "customer",
    "user",
    "username",
    "person",
    "uid",
    "id",
)
#: In `--map =recipient_id` each row is a person: the column without a name is the row's number.
NO_NAME = ""
ROW_NUMBER = "number of the row"
#: The same the other way round: a column's name -> our field.
FIELDS = key_by_value(COLUMNS)
NO_WORD = (
    "no column says what happened; name it with --map COLUMN=kind, "
    "or say it for all rows with --event-map =open"
)


def recognises(row: Row) -> bool:
    """A table is what no vendor recognises as its own."""
    return True


class TableReader:
    """
    How a table is to be read: *column_map* says column -> field, other columns go by COLUMNS. In a
    table of people it may say column -> kind.

    >>> table = TableReader({"who": "email"})
    >>> openers = Dialect(event_map={"": "open"})
    >>> [event] = table.events({"who": "ann@example.com", "time": "2026-09-14 10:00"}, openers)
    >>> event.kind, event.ts.hour
    ('open', 10)
    """

    def __init__(
        self, column_map: Mapping[str, str] | None = None, keep: Sequence[str] = ()
    ) -> None:
        named = dict(column_map or {})
        self._column_map = {column or ROW_NUMBER: field for column, field in named.items()}
        self.doubts = Doubts()
        self._dotted = [name for name in named if "." in name]
        self._keep = set(keep)
        self._known_headers: dict[tuple[str, ...], Plain] = {}
        self._known_people: dict[tuple[str, ...], Wide | None] = {}
        self._first_rows: dict[tuple[str, ...], Row] = {}

    def events(self, row: Row, dialect: Dialect = STANDARD) -> list[Event]:
        """
        One event per row, or one per address where the cell of addresses is a list; in a table of
        people, one for each thing that happened.
        """
        found = self._with_dotted(row)
        wide = self.wide(tuple(found))
        if wide:
            self._first_rows.setdefault(tuple(found), found)
            return self.doubts.take(wide.events(found, dialect))
        plain = self.plain(found)
        rows = _rows_of_addresses(found, plain.texts.get("email", ()))
        return [plain.event(each, dialect, kept=row) for each in rows]

    def wide(self, header: tuple[str, ...]) -> Wide | None:
        """
        How the rows under a header are read where each is a person; None where each is an event.

        Raises:
            CountsOnly: the columns count what happened, but none says to whom.
        """
        if header not in self._known_people:
            self._known_people[header] = self._wide(header)
        return self._known_people[header]

    def _wide(self, header: tuple[str, ...]) -> Wide | None:
        found = self._marks(header)
        about_things = {mark.column for mark in found}
        others = tuple(column for column in header if column not in about_things)
        columns = find_columns(others, self._column_map)
        if not found or self._says_kind(columns.pop("kind", ""), found):
            return None
        if not any(field in columns for field in PEOPLE):
            columns |= _other_person(header)
        if not any(field in columns for field in PEOPLE):
            raise CountsOnly(
                f"{', '.join(mark.column for mark in found)}: counts of whole mailings, since no "
                "column says whose they are; opens and clicks can't be attributed to anybody. "
                "Where each row is one person, say --map =recipient_id"
            )
        time = columns.pop("ts", "")
        mailings = [name for name in header if spelling(name) in MAILINGS]
        return Wide(
            found,
            {field: (column,) for field, column in columns.items()},
            time=time,
            mailings=(*mailings, time) if time else tuple(mailings),
            things=NAMED_THINGS,
        )

    def _says_kind(self, column: str, found: Sequence[Mark]) -> bool:
        """
        Whether a column says of each row what happened. One of a name like "type" doesn't, beside
        columns for several things.
        """
        is_sure = column in self._column_map or spelling(column) in SURE_KINDS
        return bool(column) and (is_sure or len({mark.word for mark in found}) == 1)

    def _marks(self, header: tuple[str, ...]) -> list[Mark]:
        """The columns that tell of things, by the user's word or by their names."""
        found = [mark for mark in marks(header) if mark.column not in self._column_map]
        for column, kind in self._column_map.items():
            if column in header and kind in KINDS:
                found.append(Mark(column, kind, False))
        return found

    def plain(self, row: Row) -> Plain:
        """
        How the rows with the columns of this one are read.

        Raises:
            ValueError: two columns could hold the same field.
        """
        header = tuple(row)
        if header not in self._known_headers:
            columns = find_columns(header, self._column_map)
            unmapped = (name for name in header if name not in self._column_map)
            times = [name for name in unmapped if spelling(name) in OTHER_TIMES]
            if len(times) == 1:
                columns.setdefault("ts", times[0])
            self._known_headers[header] = self._plain(columns)
            self._first_rows[header] = row
        return self._known_headers[header]

    def unused(self) -> dict[str, object]:
        """The columns that no field was read from, each with a cell that it has."""
        used = {*self._keep, *self._column_map}
        for plain in self._known_headers.values():
            used.update(plain.names)
        for wide in self._known_people.values():
            used.update(wide.names if wide else ())
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
            if self.wide(tuple(row)) or ROW_NUMBER in self._column_map:
                return None
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
        texts.pop("bounce_class", ())
        sorts = (columns.get("kind", ""), columns.get("bounce_class", ""))
        return Plain(
            word=texts.pop("kind", ()),
            words=WORDS,
            no_word=NO_WORD,
            time=columns.get("ts", ""),
            texts={field: names for field, names in texts.items() if field != "ts"},
            values={"bounce_class": Value(sorts, _bounce_class)},
        )


def _bounce_class(word: str, told: str) -> str:
    """The sort of a bounce by its own column, or else by the word for what happened."""
    return told or (word if spelling(word) in SORTS_OF_BOUNCE else "")


def _rows_of_addresses(row: Row, names: Sequence[str]) -> list[Row]:
    """
    The row once for each address of a list.

    >>> _rows_of_addresses({"to": ["a@one.example", "b@one.example"]}, ["to"])
    [{'to': 'a@one.example'}, {'to': 'b@one.example'}]
    """
    for name in names:
        cell = row.get(name)
        if isinstance(cell, list | dict) and cell:
            addresses = cell if isinstance(cell, list) else [cell]
            return [{**row, name: _address(address)} for address in addresses]
    return [row]


def _address(cell: object) -> object:
    """The address of a person that is an object."""
    if isinstance(cell, dict):
        return cell.get("email") or cell.get("address") or cell
    return cell


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per row of a table that needs no map of its columns."""
    return PLAIN_TABLE.events(row, dialect)


PLAIN_TABLE = TableReader()


def find_columns(header: tuple[str, ...], column_map: Mapping[str, str]) -> dict[str, str]:
    """
    Our field -> the column that holds it.

    Raises:
        ValueError: two columns could hold the same field.

    >>> find_columns(("E-Mail", "Event Type", "score"), {})
    {'email': 'E-Mail', 'kind': 'Event Type'}
    """
    columns = {
        FIELDS[spelling(field)]: column
        for column, field in column_map.items()
        if column in header and spelling(field) in FIELDS
    }
    candidates: dict[str, list[str]] = {}
    for column in header:
        field = FIELDS.get(spelling(column))
        if field and field not in columns and column not in column_map:
            candidates.setdefault(field, []).append(column)
    for field, names in candidates.items():
        columns[field] = _choose(field, names)
    return columns


def _other_person(header: tuple[str, ...]) -> dict[str, str]:
    """The column of a table of people that stands for a person, as our field -> column."""
    names = {spelling(column): column for column in header}
    for name in OTHER_PEOPLE:
        if name in names:
            return {"recipient_id": names[name]}
    return {}


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
