"""
The one reader of moments: what has one meaning is read, everything else is refused. Pure.

Our own, since ready-made readers guess: dateutil takes 3/2/2026 for March 2, drops a zone that it
doesn't know, and reads 202603021000; ciso8601 knows ISO 8601 only.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from functools import cache
from zoneinfo import ZoneInfo

from cxtools.events.feeds.values import cell_text

#: Orders of day and month, which `--date-format` takes besides formats.
DAY_FIRST = "day-first"
MONTH_FIRST = "month-first"
ORDERS = (DAY_FIRST, MONTH_FIRST)

#: E-mail campaigns lie within these; what would be before or after is another thing than a moment.
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2101, 1, 1, tzinfo=UTC)

NOON = 12
#: What Python reads by itself, several times as fast.
ISO_WITH_OFFSET = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
#: How ISO 8601 begins, and the form that would be taken for it with day and month exchanged.
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?!\d)", re.ASCII)
YEAR_THEN_DAY = "%Y-%d"
UNIX_TIME = re.compile(r"\d{9,16}(\.\d+)?", re.ASCII)
#: Parts of a second that Unix times are counted in.
UNIX_PARTS = (1, 1_000, 1_000_000)

CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2})([.,](?P<fraction>\d{1,9}))?)?"
    r"( ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
OFFSET = r"[+-]\d{2}(:?\d{2})?"
ZONE = rf"( ?(?P<zone>{OFFSET}|[A-Za-z]{{1,5}}({OFFSET})?)( ?\([^()]*\))?)?"
WEEKDAY = r"((Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? )?"
MONTH = r"(?P<month_name>[A-Za-z]{3,9})\.?"
DAY = r"(?P<day>\d{1,2})(st|nd|rd|th)?"
YEAR = r"(?P<year>\d{4})"

#: Forms in which day, month and year can't be mistaken.
CLEAR_FORMS = [
    re.compile(form, re.ASCII)
    for form in (
        rf"{YEAR}(?P<dash>[-/.])(?P<month>\d{{1,2}})(?P=dash){DAY}([T ]{CLOCK}{ZONE})?",
        rf"{YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})",
        rf"{YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})T"
        rf"(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}}){ZONE}",
        rf"{WEEKDAY}{MONTH} {DAY},? {YEAR}((,| at)? {CLOCK}{ZONE})?",
        rf"{WEEKDAY}{DAY}(?P<dash>[ /-]){MONTH}(?P=dash){YEAR}([ :,]{{1,2}}{CLOCK}{ZONE})?",
        rf"{WEEKDAY}{MONTH} {DAY} {CLOCK}( (?P<zone>[A-Za-z]{{1,5}}))? {YEAR}",
    )
]
#: A form in which only an order tells day and month.
UNCLEAR_FORM = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<dash>[-/.])(?P<two>\d{{1,2}})(?P=dash){YEAR}(,? {CLOCK}{ZONE})?",
    re.ASCII,
)

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
SHORT_MONTHS = tuple(month[:3] for month in MONTHS)

#: Zones by names that mean one thing in e-mail and in exports -> hours before UTC's. IST, CST, AST,
#: GST and the like are used on several continents.
ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "UT": 0,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "MEZ": 1,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "SAST": 2,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "HKT": 8,
    "SGT": 8,
    "AWST": 8,
    "JST": 9,
    "KST": 9,
    "ACST": 9.5,
    "ACDT": 10.5,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
HOW_TO = (
    "write it as 2026-09-14T10:00:00+02:00 or as Unix seconds, or say --date-format, and "
    "--timezone where the name of its zone has several meanings"
)


class UnclearDate(ValueError):
    """
    A date whose day and month may be either way round: `numbers` as they stand in the cell.
    """

    def __init__(self, text: str, numbers: tuple[int, int]) -> None:
        self.numbers = numbers
        super().__init__(
            f"the time {text!r} doesn't say which is the day and which the month; "
            f"say --date-format {DAY_FIRST} or {MONTH_FIRST}"
        )


@dataclass
class DateOrders:
    """
    What the dates of a file say about their order; one that has a number over 12 leaves no doubt.

    >>> orders = DateOrders()
    >>> for text in ("3/2/2026", "14/9/2026"):
    ...     try:
    ...         read_moment(text)
    ...     except UnclearDate as error:
    ...         orders.take(error)
    >>> orders.only_one
    'day-first'
    """

    found: set[str] = field(default_factory=set)

    def take(self, date: UnclearDate) -> None:
        one, two = date.numbers
        if one > len(MONTHS):
            self.found.add(DAY_FIRST)
        if two > len(MONTHS):
            self.found.add(MONTH_FIRST)

    @property
    def only_one(self) -> str:
        """The order that all dates can have; "" where it isn't known."""
        return next(iter(self.found)) if len(self.found) == 1 else ""


def seems_moment(cell: object) -> bool:
    """
    Whether a cell can be read as a moment, if its order were known.

    >>> seems_moment("3/2/2026 9:00 PM"), seems_moment("autumn")
    (True, False)
    """
    try:
        return read_moment(cell) is not None
    except UnclearDate:
        return True
    except ValueError:
        return False


def read_moment(
    cell: object,
    *,
    date_format: str = "",
    timezone: str = "",
    date_order: str = "",
) -> datetime | None:
    """
    The moment of a cell, as aware UTC; None where it is empty.

    *date_format* is a form of `strptime`, or one of ORDERS; *timezone* the zone of moments that
    name none ("" for UTC), *date_order* one of ORDERS or "" where it isn't known. Where there is a
    form, only ISO 8601 is read besides, as the true dates of workbooks come.

    Raises:
        UnclearDate: only an order could tell its day and month. ValueError: it can't be read. What
        may be an address isn't repeated.

    >>> read_moment("Mar 2, 2026, 10:00:00 PM").isoformat()
    '2026-03-02T22:00:00+00:00'
    >>> read_moment("3/2/2026 09:00 CET", date_order="day-first").isoformat()
    '2026-02-03T08:00:00+00:00'
    >>> read_moment(1789376400).isoformat(), read_moment("")
    ('2026-09-14T09:00:00+00:00', None)
    """
    text = _text(cell)
    if not text:
        return None
    if isinstance(cell, bool):
        raise _refusal(text)
    if date_format in ORDERS:
        date_order = date_format
        date_format = ""
    moment = _in_form(text, date_format, timezone)
    if moment is None and _may_be_otherwise(text, date_format):
        moment = _in_known_form(text, timezone, date_order)
    if moment is None or not FIRST <= moment < END:
        raise _refusal(text)
    return moment


def _text(cell: object) -> str:
    if isinstance(cell, float) and math.isnan(cell):
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(cell_text(cell).split())


def _refusal(text: str) -> ValueError:
    quoted = "of the row" if "@" in text else repr(text[:40])
    return ValueError(f"the time {quoted} can't be read; {HOW_TO}")


# --- forms ---


def _may_be_otherwise(text: str, form: str) -> bool:
    """Whether a text without the form that was said is read all the same."""
    if not form:
        return True
    return bool(ISO_DATE.match(text)) and not form.startswith(YEAR_THEN_DAY)


def _in_form(text: str, form: str, timezone: str) -> datetime | None:
    """The moment of a text that has a form of `strptime`."""
    if not form:
        return None
    zone = ""
    if form.endswith("%Z"):  # strptime drops the zones that it knows, and refuses the others
        text, _, zone = text.rpartition(" ")
        form = form.removesuffix("%Z")
    try:
        local = datetime.strptime(text, form.strip())  # the zone follows
    except ValueError:
        return None
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    return _in_utc(local, zone, timezone)


def _in_known_form(text: str, timezone: str, order: str) -> datetime | None:
    if ISO_WITH_OFFSET.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text).astimezone(UTC)
    if UNIX_TIME.fullmatch(text):
        return _unix_moment(text)
    unclear = UNCLEAR_FORM.fullmatch(text)
    if unclear and not order:
        raise UnclearDate(text, (int(unclear["one"]), int(unclear["two"])))
    try:
        if unclear:
            names = ("one", "two") if order == MONTH_FIRST else ("two", "one")
            month, day = (int(unclear[name]) for name in names)
            return _moment(unclear.groupdict(), month, day, timezone)
        return _in_clear_form(text, timezone)
    except (ValueError, OverflowError):
        return None


def _in_clear_form(text: str, timezone: str) -> datetime | None:
    for form in CLEAR_FORMS:
        match = form.fullmatch(text)
        if match:
            found = match.groupdict()
            month = found.get("month") or _month(found["month_name"])
            return _moment(found, int(month), int(found["day"]), timezone)
    return None


def _unix_moment(text: str) -> datetime | None:
    """The moment of a Unix time in whichever part of a second it lies in our century."""
    number = float(text)
    for part in UNIX_PARTS:
        if FIRST.timestamp() <= number / part < END.timestamp():
            whole, fraction = divmod(number, part)
            microseconds = round(fraction / part * 1_000_000)
            return datetime.fromtimestamp(whole, UTC) + timedelta(microseconds=microseconds)
    return None


def _month(name: str) -> int:
    """
    The number of a month by its English name, in full or short.

    Raises:
        ValueError: there is none.
    """
    word = name.lower()
    names = SHORT_MONTHS if word in SHORT_MONTHS else MONTHS
    return names.index("september" if word == "sept" else word) + 1


def _moment(
    found: dict[str, str | None],
    month: int,
    day: int,
    timezone: str,
) -> datetime | None:
    fraction = (found.get("fraction") or "")[:6].ljust(6, "0")
    local = datetime(  # the zone follows
        int(found["year"] or 0),
        month,
        day,
        _hour(int(found.get("hour") or 0), found.get("half") or ""),
        int(found.get("minute") or 0),
        int(found.get("second") or 0),
        int(fraction),
    )
    return _in_utc(local, found.get("zone") or "", timezone)


def _hour(hour: int, half: str) -> int:
    """
    The hour of the day.

    Raises:
        ValueError: it isn't one of a half of the day.
    """
    if not half:
        return hour
    if not 1 <= hour <= NOON:
        raise ValueError("not an hour before or after noon")
    return hour % NOON + (NOON if half in "Pp" else 0)


# --- zones ---


def _in_utc(local: datetime, zone: str, timezone: str) -> datetime | None:
    """A local moment as UTC: in the zone that it names, or in the one that was said."""
    if not zone:
        return local.replace(tzinfo=zone_of(timezone)).astimezone(UTC)
    named = _zone_by_name(local, zone, timezone)
    return None if named is None else local.replace(tzinfo=named).astimezone(UTC)


def _zone_by_name(local: datetime, zone: str, timezone: str) -> tzinfo | None:
    """A zone by its offset or name; a name that is used where it was said means that."""
    name = zone.rstrip("+-:0123456789")
    offset = zone.removeprefix(name)
    if offset:
        return _zone_by_offset(offset) if name in ("", "UTC", "GMT") else None
    said = local.replace(tzinfo=zone_of(timezone))
    for fold in (0, 1):
        moment = said.replace(fold=fold)
        if moment.tzname() == name:
            return fixed_zone(moment.utcoffset() or timedelta())
    hours = ZONES.get(name.upper())
    return None if hours is None else fixed_zone(timedelta(hours=hours))


def _zone_by_offset(offset: str) -> tzinfo:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return fixed_zone(-distance if offset.startswith("-") else distance)


@cache
def zone_of(name: str) -> tzinfo:
    """
    A zone by its name in the IANA database; "" is UTC.

    Raises:
        KeyError, ValueError, OSError: there is none.
    """
    return ZoneInfo(name) if name else UTC
