"""
What the person who imports files says about them, checked before anything is read; and the presets
of such words that people keep in their home.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cxtools.erasures import is_personal
from cxtools.errors import ConfigError
from cxtools.events.feeds import AUTO, FORMATS
from cxtools.events.feeds.dialect import Dialect
from cxtools.events.feeds.moments import ORDERS, zone_of
from cxtools.events.feeds.table import COLUMNS, FIELDS
from cxtools.events.feeds.values import spelling
from cxtools.events.segments import can_be_named
from cxtools.model import KINDS
from cxtools.wording import did_you_mean

#: A moment in which day, month and year are different numbers.
ANY_MOMENT = datetime(2026, 9, 14, 13, 5, 7, tzinfo=UTC)
#: What a preset may say.
PRESET_KEYS = ("format", "map", "event_map", "date_format", "timezone", "keep", "campaign_from")


@dataclass(frozen=True)
class Instructions:
    """
    What was said about files.

        format         a feed's name, AUTO, or the name of a preset in the home
        column_map     column -> field, where a column's name doesn't tell; of objects inside of
                       objects the names parted by dots
        event_map      word -> kind
        date_format    a form of `strptime`, or one of `moments.ORDERS`
        timezone       the zone of moments that name none
        keep           columns that are kept as segments
        campaign_from  the column that names each row's campaign; "" for one campaign
    """

    format: str = AUTO
    column_map: Mapping[str, str] = field(default_factory=dict)
    event_map: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""
    timezone: str = ""
    keep: Sequence[str] = ()
    campaign_from: str = ""

    @property
    def dialect(self) -> Dialect:
        return Dialect(
            event_map=self.event_map,
            date_format=self.date_format,
            timezone=self.timezone,
            keep=tuple(self.keep),
        )

    @property
    def changes_events(self) -> bool:
        """Whether rows may be read otherwise than where nothing is said."""
        return bool(self.column_map or self.event_map or self.date_format or self.timezone)

    @property
    def columns(self) -> set[str]:
        """The columns that must be there."""
        named = {*self.column_map, *self.keep, self.campaign_from}
        return named - {""}

    def checked(self, presets: Path) -> Instructions:
        """
        The same with what a preset in the folder *presets* says.

        Raises:
            ConfigError: something names what doesn't exist.
        """
        told = _with_preset(self, presets)
        _check_column_map(told.column_map)
        _check_event_map(told.event_map)
        _check_date_format(told.date_format)
        _check_timezone(told.timezone)
        _check_keep(told.keep)
        return told


def _check_keep(columns: Iterable[str]) -> None:
    personal = [name for name in columns if is_personal(name)]
    if personal:
        raise ConfigError(
            f"{', '.join(personal)} tells of one person, not of a group: it can't be a segment",
            do="leave it out of --keep; it stays in the raw rows all the same",
        )
    unspeakable = [name for name in columns if not can_be_named(name)]
    if unspeakable:
        raise ConfigError(
            f"a segment can't have the name {unspeakable[0]!r}",
            do="rename the column: without quotes, backslashes and control characters",
        )


def _with_preset(told: Instructions, presets: Path) -> Instructions:
    if told.format in FORMATS:
        return told
    file = presets / f"{told.format}.toml"
    if not told.format.isidentifier() or not file.exists():
        own = sorted(each.stem for each in presets.glob("*.toml"))
        raise ConfigError(
            f"there is no format {told.format!r}",
            do=f"{did_you_mean(told.format, [*FORMATS, *own])}"
            f"choose from: {', '.join([*FORMATS, *own])}; or write {file}",
        )
    preset = _preset(file)
    return replace(
        told,
        format=preset.format,
        column_map={**preset.column_map, **told.column_map},
        event_map={**preset.event_map, **told.event_map},
        date_format=told.date_format or preset.date_format,
        timezone=told.timezone or preset.timezone,
        keep=[*preset.keep, *told.keep],
        campaign_from=told.campaign_from or preset.campaign_from,
    )


def _preset(file: Path) -> Instructions:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        preset = Instructions(
            format=str(document.get("format", AUTO)),
            column_map=dict(document.get("map", {})),
            event_map=dict(document.get("event_map", {})),
            date_format=str(document.get("date_format", "")),
            timezone=str(document.get("timezone", "")),
            keep=list(document.get("keep", ())),
            campaign_from=str(document.get("campaign_from", "")),
        )
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"the preset can't be read: {error}",
            where=str(file),
            do=f"a preset is TOML with the keys {', '.join(PRESET_KEYS)}",
        ) from error
    unknown = set(document) - set(PRESET_KEYS)
    if unknown or preset.format not in FORMATS:
        fault = ", ".join(sorted(unknown)) or f"format = {preset.format!r}"
        raise ConfigError(
            f"the preset says what isn't understood: {fault}",
            where=str(file),
            do=f"its keys are {', '.join(PRESET_KEYS)}; format is one of {', '.join(FORMATS)}",
        )
    return preset


def _check_column_map(column_map: Mapping[str, str]) -> None:
    known = FIELDS.keys() | KINDS.keys()
    fields = {field for field in column_map.values() if spelling(field) not in known}
    if fields:
        raise ConfigError(
            f"there is no field {', '.join(sorted(fields))}",
            where="--map",
            do=f"{did_you_mean(fields, known)}choose from: {', '.join(COLUMNS)}; in a table of "
            f"people, with a column for each thing that can happen, from: {', '.join(KINDS)}",
        )


def _check_event_map(event_map: Mapping[str, str]) -> None:
    kinds = set(event_map.values()) - set(KINDS)
    if kinds:
        raise ConfigError(
            f"there is no kind {', '.join(sorted(kinds))}",
            where="--event-map",
            do=f"{did_you_mean(kinds, KINDS)}choose from: {', '.join(KINDS)}",
        )


def _check_date_format(form: str) -> None:
    if not form or form in ORDERS:
        return
    fixed = form.removesuffix("%Z")
    try:
        written = ANY_MOMENT.strftime(fixed)
        read = datetime.strptime(written, fixed)
        is_whole = read.date() == ANY_MOMENT.date()
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ConfigError(
            f"{form!r} doesn't say day, month and year",
            where="--date-format",
            do=f"use {' or '.join(ORDERS)}, or a form as Python's strptime has it, such as "
            "'%d.%m.%Y %H:%M'",
        )


def _check_timezone(name: str) -> None:
    try:
        zone_of(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {name!r}",
            where="--timezone",
            do="use a name of the IANA database, such as Europe/Berlin or America/New_York",
        ) from error
