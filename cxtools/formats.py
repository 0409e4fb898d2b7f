"""
How numbers and moments are written for people here: by a locale, in a time zone.

It is a property of the process, as the settings that it works with: whoever connects says which.
Texts are English in any case, and what other programs read (JSON, CSV, Parquet) knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

#: The locale whose numbers Python writes by itself, without babel's tables.
PLAIN = "en"
ZERO_ZONE = "UTC"


@dataclass(frozen=True)
class Formats:
    """
    A locale, as babel names it, and a time zone, as the IANA names it.

    >>> german = Formats("de", "Europe/Berlin")
    >>> german.number(4925), german.number(0.5, 2), german.percent(0.959, 1)
    ('4.925', '0,50', '95,9\\xa0%')
    >>> german.moment(datetime(2026, 9, 14, 10, 5, tzinfo=UTC))
    '14 Sep 2026 12:05 CEST'
    """

    locale: str = PLAIN
    timezone: str = ZERO_ZONE

    def number(self, number: float, digits: int = 0) -> str:
        """A number with so many digits behind the decimal mark."""
        if self.locale == PLAIN:
            return f"{number:,.{digits}f}"
        return _written(number, digits, self.locale, "decimal")

    def percent(self, share: float, digits: int) -> str:
        """A share 0..1 in percent."""
        if self.locale == PLAIN:
            return f"{share:.{digits}%}"
        return _written(share, digits, self.locale, "percent")

    @property
    def marks(self) -> str:
        """The decimal mark, and the one between thousands, as plotly wants them."""
        return self.number(0.5, 1)[1] + self.number(1_000_000)[1]

    @property
    def zone(self) -> tzinfo:
        return UTC if self.timezone == ZERO_ZONE else ZoneInfo(self.timezone)

    def moment(self, moment: datetime) -> str:
        """A moment in the zone, which is named; one without a zone of its own is in UTC."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        local = aware.astimezone(self.zone)
        return f"{local.day} {local:%b %Y %H:%M} {_zone_name(local)}"


def _zone_name(local: datetime) -> str:
    """
    CEST, or UTC-03 where a zone has no letters.

    >>> _zone_name(datetime(2026, 9, 14, tzinfo=ZoneInfo("America/Sao_Paulo")))
    'UTC-03'
    """
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def _written(number: float, digits: int, locale: str, kind: str) -> str:
    text: str = _pattern(locale, kind, digits).apply(number, locale)
    return text


@cache
def _pattern(locale: str, kind: str, digits: int) -> NumberPattern:
    from babel import Locale
    from babel.numbers import parse_pattern

    known = Locale.parse(locale)
    patterns = known.percent_formats if kind == "percent" else known.decimal_formats
    pattern: NumberPattern = parse_pattern(patterns[None].pattern)
    pattern.frac_prec = (digits, digits)
    return pattern


_formats = Formats()


def current() -> Formats:
    """The formats that this process uses."""
    return _formats


def use(formats: Formats) -> None:
    """Write numbers and moments so from now on."""
    global _formats  # noqa: PLW0603 - a property of the process
    _formats = formats
