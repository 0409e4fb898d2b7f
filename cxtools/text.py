"""
How texts from outside are cleaned, masked and read, and how ours are written for other programs.

Pure. How numbers are written for people stands in `wording`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

#: White space other than the blank, control characters, and those that hide or reverse text.
NOT_PRINTABLE = re.compile(
    r"[^\S ]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]",
)
#: What stands before the @ of an address. It may be quoted ("kim lee"@…), and name another address,
#: as those do that bounces come back to (kim=three.example@…, in a reason kim=<address>). The @ may
#: be encoded for a link, twice even, or for HTML, and be in full width; a reason has kim%<host> and
#: kim&#<n>;<host> of these. A parameter of a link keeps its name. Only what RE2 knows, too: SQL
#: masks by the same words, and takes no longer for a word of any length.
LOCAL_PART = re.compile(
    r"""((?:[?&][^\s"'<>(),;:=?&@%]*=)?)"""
    r"""(?:"(?:[^"\\]|\\.){0,200}"|(?:[^\s"'<>(),;:=?&]+=)*[^\s"'<>(),;:=]+)"""
    r"""(@|＠|%(?:25)*40|&#(?:64|x40);|&#(?:<n>|<id>);<host>|%<host>|=<address>)"""
)
#: No address has so many letters.
LONG = 1000
#: A word without blanks and quotes that is longer than any address: where each letter of it might
#: begin one, looking for it takes the square of its length. All before its last @ is masked.
LONG_WORD = re.compile(rf"""([^\s"'<>(),;:]{{{LONG},}})""")
MARKS = ("@", "＠", "%40", "%2540", "&#64", "&#x40")
#: What an address is known by; most words hold none of these, and are passed over.
ALL_MARKS = (*MARKS, "2540", "&#<", "%<host>", "=<address>")
#: A name that has fewer letters stands in too many words.
SHORTEST_NAME = 3
#: What is shown instead.
MASKED = r"\1***\2"

#: The beginning of a cell that a spreadsheet runs as a formula (OWASP: CSV injection): an operator,
#: also in full width, perhaps after blanks and invisible characters.
FORMULA = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]*[=+\-@|＝＋－＠｜]|[\t\r\n]"
)

#: A span of time: 90d, 12h.
SPAN = re.compile(r"(\d{1,5}) ?([dh])")


def printable(text: str) -> str:
    """
    Foreign text for a terminal: one line, and nothing in it that the terminal obeys.

    >>> printable("\\x1b[31mmailbox\\nfull")
    ' [31mmailbox full'
    """
    return NOT_PRINTABLE.sub(" ", text)


def safe_line(text: str, length: int) -> str:
    """
    Foreign text as errors and logs may show it: one line, no control characters, no addresses, cut
    to *length*.

    >>> safe_line("no such user: jane.doe@example.com\\x1b[31m", 80)
    'no such user: ***@example.com [31m'
    """
    return mask_addresses(printable(text)).strip()[:length]


def mask_addresses(text: str) -> str:
    """
    A text with its addresses masked, as those of servers that are shown word for word.

    >>> mask_addresses("550 <jane.doe@example.com> unknown")
    '550 <***@example.com> unknown'
    """
    if '"' in text or len(text) >= LONG:
        return _mask_all(text)
    pieces = text.split(" ")  # no address holds one, but between quotes
    for place, piece in enumerate(pieces):
        if any(mark in piece for mark in ALL_MARKS):
            pieces[place] = _mask_all(piece)
    return " ".join(pieces)


def mask_name(text: str, email: str) -> str:
    """
    A text without the name in somebody's own address, which `mask_addresses` doesn't know where it
    stands alone.

    >>> mask_name("user jane.roe unknown", "Jane.Roe@example.com")
    'user *** unknown'
    """
    name = email.rpartition("@")[0].lower()
    if len(name) < SHORTEST_NAME or name not in text.lower():
        return text
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "***", text, flags=re.IGNORECASE)


def _mask_all(text: str) -> str:
    pieces = LONG_WORD.split(text)
    for place, piece in enumerate(pieces):
        is_long_word = place % 2 == 1
        pieces[place] = _masked_word(piece) if is_long_word else LOCAL_PART.sub(MASKED, piece)
    return "".join(pieces)


def _masked_word(word: str) -> str:
    last = max(word.rfind(mark) for mark in MARKS)
    if last >= 0:
        return f"***{word[last:]}"
    return "***=" if word.endswith("=") else word


def safe_cell(cell: str) -> str:
    """
    A cell that no spreadsheet takes for a formula.

    >>> safe_cell("=1+2"), safe_cell(" @x"), safe_cell("plain")
    ("'=1+2", "' @x", 'plain')
    """
    return f"'{cell}" if FORMULA.match(cell) else cell


def mask_address(email: str) -> str:
    """
    An address as reports and logs show it.

    >>> mask_address("jane.doe@example.com")
    'j***@example.com'
    """
    local, at, domain = email.rpartition("@")
    if not at:
        return "***"
    shown = f"{local[:1]}***@{domain}"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def canonical_json(value: Any) -> str:
    """
    JSON that is written in one way only: keys sorted, no spaces.

    >>> canonical_json({"b": 1, "a": "ü"})
    '{"a":"ü","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse_moment(value: object, zone: tzinfo = UTC) -> datetime | None:
    """
    An ISO 8601 text or a Unix time in seconds as aware UTC; None for nothing or nonsense. A text
    that names no zone is in *zone*.

    >>> parse_moment("2026-09-14T10:00:00+02:00")
    datetime.datetime(2026, 9, 14, 8, 0, tzinfo=datetime.timezone.utc)
    >>> parse_moment("soon") is None
    True
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value).strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_last_moment(value: object, zone: tzinfo = UTC) -> datetime | None:
    """
    The last moment that a text names, in UTC: a date without a time is a whole day in *zone*, as
    people mean it who say "until the 14th"; None for nothing or nonsense.

    >>> parse_last_moment("2026-09-14").isoformat()
    '2026-09-14T23:59:59.999999+00:00'
    >>> parse_last_moment("2026-09-14T00:00").isoformat()
    '2026-09-14T00:00:00+00:00'
    """
    try:
        day = date.fromisoformat(str(value).strip())
    except ValueError:
        return parse_moment(value, zone)
    return datetime.combine(day, time.max, zone).astimezone(UTC)


def parse_span(text: str) -> timedelta | None:
    """
    A span of time as people write it: days or hours; None for anything else.

    >>> parse_span("90d"), parse_span("12 h"), parse_span("soon")
    (datetime.timedelta(days=90), datetime.timedelta(seconds=43200), None)
    """
    found = SPAN.fullmatch(text.strip())
    if found is None:
        return None
    number = int(found[1])
    return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)


def key_by_value(values: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """
    Each value -> the key that it stands under.

    >>> key_by_value({"com": ["cmo", "con"], "net": ["nte"]})
    {'cmo': 'com', 'con': 'com', 'nte': 'net'}
    """
    keys: dict[str, str] = {}
    for key, own in values.items():
        keys |= dict.fromkeys(own, key)
    return keys
