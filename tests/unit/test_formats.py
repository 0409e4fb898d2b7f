"""A time zone and a locale: for people, on pages and in tables; other programs read UTC and points."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cxtools import formats, wording
from cxtools.cli.program import app
from cxtools.connection import Connection, connect
from cxtools.errors import ConfigError
from cxtools.formats import Formats
from cxtools.measures.answers import answer
from tests import tables

#: Locale -> a count, a share, one that is nearly nothing, an interval, a limit, a duration.
WRITTEN = {
    "en": ("4,925", "95.9%", "<0.1%", "95.9% (94.9–96.4)", "0.1%", "1.5 h"),
    "de": ("4.925", "95,9\xa0%", "<0,1\xa0%", "95,9\xa0% (94,9–96,4)", "0,1\xa0%", "1,5 h"),
    "fr": ("4\u202f925", "95,9\xa0%", "<0,1\xa0%", "95,9\xa0% (94,9–96,4)", "0,1\xa0%", "1,5 h"),
    "de_CH": ("4'925", "95.9%", "<0.1%", "95.9% (94.9–96.4)", "0.1%", "1.5 h"),
}
#: Zone -> what a moment is there: one before and one after the clocks change.
MOMENTS = {
    "UTC": ("25 Oct 2026 00:30 UTC", "25 Oct 2026 01:30 UTC"),
    "Europe/Berlin": ("25 Oct 2026 02:30 CEST", "25 Oct 2026 02:30 CET"),
    "America/Sao_Paulo": ("24 Oct 2026 21:30 UTC-03", "24 Oct 2026 22:30 UTC-03"),
}
#: Setting -> a wrong value, and what is said.
WRONG = {
    "timezone": ("Mars/Base", "timezone: must be a time zone as IANA names it"),
    "locale": ("klingon", "locale: must be a locale, such as en, de or de_CH"),
    "dns_server": ("nine", "dns_server: must be an address and a port"),
}
#: Three people: the last two are mailed late on Monday in UTC, which is Tuesday in Berlin.
EVENTS = """
to | kind     | at
a  | delivery | 14 09:00
b  | delivery | 14 22:30
c  | delivery | 14 23:30
"""


def client(folder: Path, **settings: Any) -> Connection:
    """A connection to a home with one campaign."""
    connected = connect(home=str(folder / "home"), **settings)
    if "c" not in connected.store.campaigns():
        tables.store(EVENTS, "c", connected.store)
    return connected


def parts(connected: Connection, by: str, **options: Any) -> dict[Any, int]:
    rows = answer(connected.engine, "funnel", "c", by=by, **options).records()
    return {row[by]: row["delivered"] for row in rows}


@pytest.mark.parametrize(("locale", "texts"), WRITTEN.items())
def test_numbers_are_written_by_the_locale(locale: str, texts: tuple[str, ...]) -> None:
    """Counts, shares, intervals, limits and durations, each by its habits."""
    formats.use(Formats(locale))
    written = (
        wording.count(4925),
        wording.percent(0.959),
        wording.percent(0.00002),
        wording.interval(0.959, 0.949, 0.964),
        wording.limit(0.001),
        wording.duration(5400),
    )

    assert texts == written


@pytest.mark.parametrize(("zone", "texts"), MOMENTS.items())
def test_a_moment_is_written_in_its_zone(zone: str, texts: tuple[str, str]) -> None:
    """The zone is named, so that the hour which comes twice can be told apart."""
    formats.use(Formats("en", zone))
    moments = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]

    assert list(texts) == [formats.current().moment(moment) for moment in moments]


@pytest.mark.parametrize(("name", "wrong"), WRONG.items())
def test_a_wrong_setting_is_said(name: str, wrong: tuple[str, str]) -> None:
    """What it must be, before anything is done."""
    value, fault = wrong

    with pytest.raises(ConfigError, match=fault):
        connect(**{name: value})


def test_days_hours_and_weekdays_are_those_of_the_zone(tmp_path: Path) -> None:
    """The same process, the same store, another zone: nothing that was counted is answered again."""
    in_utc = client(tmp_path)
    before = [parts(in_utc, by) for by in ("day", "hour", "weekday")]
    there = client(tmp_path, timezone="Europe/Berlin")

    assert [{"2026-09-14": 3}, {9: 1, 22: 1, 23: 1}, {1: 3}] == before
    assert [{"2026-09-14": 1, "2026-09-15": 2}, {0: 1, 1: 1, 11: 1}, {1: 1, 2: 2}] == [
        parts(there, by) for by in ("day", "hour", "weekday")
    ]
    assert {11: 1} == parts(there, "hour", where={"hour": "11"})


def test_a_day_ends_with_its_zone(tmp_path: Path) -> None:
    """`--as-of 2026-09-14` is the 14th of whoever asks; a moment that names its zone is that one."""
    there = client(tmp_path, timezone="Europe/Berlin")

    moments = ("2026-09-14", "2026-09-15T01:00", "2026-09-14T23:00Z")
    assert [{"gmail": 1}, {"gmail": 2}, {"gmail": 2}] == [
        parts(there, "provider", as_of=moment) for moment in moments
    ]


def test_tables_name_the_zone_and_programs_read_plain_numbers(tmp_path: Path) -> None:
    """Above hours stands which; JSON and CSV have numbers, and moments in UTC."""
    home = client(tmp_path).settings.home
    environment = {"CXTOOLS_HOME": str(home), "CXTOOLS_TIMEZONE": "Europe/Berlin"}
    environment |= {"CXTOOLS_LOCALE": "de"}

    def say(*arguments: str) -> str:
        return CliRunner().invoke(app, ["funnel", "c", *arguments], env=environment).stdout

    text = say("--by", "hour")
    [row] = json.loads(say("--json"))

    assert text.split()[:2] == ["Hour", "(Europe/Berlin)"]
    assert "100,0\xa0%" in text
    assert (1.0, "2026-09-14T09:00:00.000Z") == (row["delivery_rate"], row["first_at"])
    assert ",1.0," in say("--csv")


def test_a_figure_has_the_zone_below_it_and_the_marks_of_its_numbers(tmp_path: Path) -> None:
    """plotly writes what stands at its axes by the same marks."""
    there = client(tmp_path, timezone="Europe/Berlin", locale="de")
    figure = answer(there.engine, "funnel", "c", by="hour").chart()

    assert figure.layout.meta["caption"].endswith(" Times are in Europe/Berlin.")
    assert ",." == figure.layout.separators
