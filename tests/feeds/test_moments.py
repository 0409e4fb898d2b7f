"""Moments: what has one meaning is read, everything else is refused with its line."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxtools.events.feeds.moments import UnclearDate, read_moment
from cxtools.events.store import EventStore
from tests.imports import counts, import_content, query

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)


def at(hour: int, minute: int = 0, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, micro, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-02T10:00:00Z", TEN),
        ("2026-03-02t10:00:00z".upper(), TEN),
        ("2026-03-02 10:00:00.25+02:00", at(8, micro=250_000)),
        ("2026-03-02T10:00:00.123456789+0000", at(10, micro=123_456)),
        ("2026-03-02 10:00:00+02", at(8)),
        ("2026-03-02 10:00", TEN),
        ("2026-03-02", at(0)),
        ("2026/3/2 10:00:00", TEN),
        ("20260302", at(0)),
        ("20260302T100000Z", TEN),
        ("2026-03-02 10:00:00 GMT", TEN),
        ("2026-03-02 10:00:00 UTC", TEN),
        ("2026-03-02 10:00:00 CET", at(9)),
        ("2026-03-02 10:00:00 CEST", at(8)),
        ("2026-03-02 10:00:00 EST", at(15)),
        ("Mon, 02 Mar 2026 10:00:00 +0530", at(4, 30)),
        ("Mon, 02 Mar 2026 10:00:00 PDT", at(17)),
        ("Mon, 2 Mar 2026 10:00:00 -0500 (EST)", at(15)),
        ("02-Mar-2026 10:00", TEN),
        ("02/Mar/2026:10:00:00 +0000", TEN),
        ("2 March 2026", at(0)),
        ("Mar 2, 2026, 10:00:00 PM", at(22)),
        ("Mar 02, 2026 10:00 pm", at(22)),
        ("Mar 2, 2026, 12:00:00\u202fAM", at(0)),
        ("March 2, 2026 at 12:30 p.m.", at(12, 30)),
        ("Mon Mar  2 10:00:00 2026", TEN),
        ("Mon Mar  2 10:00:00 UTC 2026", TEN),
        ("Mon Mar 02 2026 10:00:00 GMT+0100 (Central European Standard Time)", at(9)),
        (1772445600, TEN),
        ("1772445600.5", at(10, micro=500_000)),
        (1772445600000, TEN),
        (1772445600123456, at(10, micro=123_456)),
        (TEN, TEN),
        (datetime(2026, 3, 2, 10), TEN),  # as Parquet has it
        (date(2026, 3, 2), at(0)),
        ("", None),
        ("  ", None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_a_moment_of_one_meaning_is_read(cell: object, moment: datetime | None) -> None:
    """Whatever its form; without a zone it is UTC where nothing else is said."""
    assert moment == read_moment(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "202603021000",
        "20260302100000",
        "99999999999",
        946684799,
        4133980800,
        0,
        -1772445600,
        True,
        "soon",
        "10:00",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-02-30",
        "2026-03-02T24:00:00Z",
        "2026-03-02x10:00:00",
        "2026-W10-1",
        "2026-03-02 13:00 PM",
        "2026-03-02 0:30 AM",
        "Mon, 02 Mar 2026 10:00:00 IST",
        "Mon, 02 Mar 2026 10:00:00 CST",
        "Mon, 02 Mar 2026 10:00:00 XYZ",
        "Mon, 02 Mar 2026 10:00:00 EST+01:00",
        "2 Mars 2026",
        "2 Mar 26",
        "Mar 2, 2026, 10:00:00 PM, or later",
        "٢٠٢٦-٠٣-٠٢",
        ["2026-03-02", "2026-03-03"],
        {"seconds": 1772445600},
    ],
)
def test_what_is_no_moment_or_may_be_several_is_refused(cell: object) -> None:
    """No guess: neither a number that isn't of our century, nor a zone of several continents."""
    with pytest.raises(ValueError):  # noqa: PT011  # the reasons are tested with imports
        read_moment(cell)


@pytest.mark.parametrize(
    ("cell", "said", "moment"),
    [
        ("3/2/2026 9:00:05 PM", {"date_format": "month-first"}, at(21, 0, 5)),
        ("2.3.2026 10:00", {"date_format": "day-first"}, TEN),
        ("02-03-2026", {"date_order": "day-first"}, at(0)),
        ("3/2/26", {"date_format": "%m/%d/%y"}, at(0)),
        ("202603021000", {"date_format": "%Y%m%d%H%M"}, TEN),
        (202603021000, {"date_format": "%Y%m%d%H%M"}, TEN),
        ("02.03.2026 10:00 CET", {"date_format": "%d.%m.%Y %H:%M %Z"}, at(9)),
        ("02.03.2026 10:00 +0100", {"date_format": "%d.%m.%Y %H:%M %z"}, at(9)),
        ("2026-03-02T10:00:00Z", {"date_format": "%d.%m.%Y %H:%M"}, TEN),
        (datetime(2026, 3, 2, 10), {"date_format": "%d.%m.%Y %H:%M"}, TEN),
        ("2026-03-02 10:00", {"timezone": "America/New_York"}, at(15)),
        ("2026-03-02 10:00 UTC", {"timezone": "America/New_York"}, TEN),
        ("2026-03-02 10:00 CST", {"timezone": "America/Chicago"}, at(16)),
        ("2026-03-02 10:00 CST", {"timezone": "Asia/Shanghai"}, at(2)),
        ("2026-03-02 10:00 IST", {"timezone": "Asia/Kolkata"}, at(4, 30)),
        (1772445600, {"timezone": "America/New_York"}, TEN),
    ],
)
def test_what_was_said_about_the_file_decides(
    cell: object, said: dict[str, str], moment: datetime
) -> None:
    """A form, an order or a zone; what needs none of them is read as always."""
    assert moment == read_moment(cell, **said)


def test_a_clock_that_is_put_back_shows_an_hour_twice() -> None:
    """In the zone that was said it is the first of the two."""
    assert [0, 2] == [
        moment.hour
        for cell in ("2026-10-25 02:00", "2026-10-25 03:00")
        if (moment := read_moment(cell, timezone="Europe/Berlin"))
    ]


FORMS = [
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f%z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%b %d, %Y, %I:%M:%S %p %z",
    "%A, %B %d, %Y at %I:%M:%S %p %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %Y %H:%M:%S GMT%z",
]


@settings(deadline=None)
@given(
    moment=st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)),
    minutes=st.integers(-14 * 60, 14 * 60),
    form=st.sampled_from(FORMS),
)
def test_whatever_is_written_whole_is_read_as_it_was_meant(
    moment: datetime, minutes: int, form: str
) -> None:
    """All days and zones in the forms that browsers, mails, logs and exports use."""
    zone = timezone(timedelta(minutes=minutes))
    meant = moment.replace(microsecond=0, tzinfo=zone)

    assert meant == read_moment(meant.strftime(form))


@given(cell=st.one_of(st.text(max_size=20), st.from_regex(r"\A[0-9:/. ,APMT+-]{4,24}\Z")))
def test_nothing_else_is_a_moment_outside_of_our_century(cell: str) -> None:
    """Any text is a moment of 2000–2100, or nothing, or a reason."""
    moment = None
    with suppress(ValueError):
        moment = read_moment(cell)

    assert moment is None or 2000 <= moment.year <= 2100


def test_an_unclear_date_says_what_to_do() -> None:
    """Its row is refused with the two words that would help."""
    with pytest.raises(UnclearDate, match="--date-format day-first or month-first"):
        read_moment("3/2/2026 9:00:05 PM")


# --- files ---


def file_of(*dates: str) -> str:
    lines = [f"open,p{number}@one.example,{text}" for number, text in enumerate(dates)]
    return "\n".join(["event,email,time", *lines])


@pytest.mark.parametrize(
    ("dates", "expected", "note"),
    [
        (["3/2/2026", "14/2/2026"], ["2026-02-03", "2026-02-14"], "day-first"),
        (["3/2/2026", "3/14/2026"], ["2026-03-02", "2026-03-14"], "month-first"),
        (["14/2/2026", *["3/2/2026"] * 30], ["2026-02-14", *["2026-02-03"] * 30], "day-first"),
        (["2026-03-02", "14.2.2026"], ["2026-03-02", "2026-02-14"], "day-first"),
        (["2026-03-02", "3/2/2026"], ["2026-03-02"], ""),
        (["2026-03-02", "13/2/2026", "2/13/2026"], ["2026-03-02"], ""),
    ],
)
def test_the_order_of_dates_is_known_where_the_file_leaves_no_doubt(
    target: EventStore, dates: list[str], expected: list[str], note: str
) -> None:
    """One date that can't be otherwise decides for all, and that is said; two that differ, none."""
    done = import_content(target, file_of(*dates))
    found = [day for _, day in query(target, "email, strftime(ts, '%Y-%m-%d')")]

    assert sorted(expected) == sorted(found)
    assert len(dates) - len(expected) == done.rejected
    assert [f"dates are read {note}: that of some rows can't be otherwise"] * bool(note) == list(
        done.notes
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"date_format": "day-first"}, "2026-02-03 09:00"),
        ({"date_format": "%m/%d/%Y %H:%M"}, "2026-03-02 09:00"),
        ({"date_format": "day-first", "timezone": "Europe/Berlin"}, "2026-02-03 08:00"),
    ],
)
@pytest.mark.parametrize("rows", [1, 40])
def test_form_and_zone_hold_for_tables_and_webhooks(
    target: EventStore, said: dict[str, str], expected: str, rows: int
) -> None:
    """In blocks and row by row, in CSV and JSON."""
    import_content(target, file_of(*["3/2/2026 09:00"] * rows), **said)
    webhook: dict[str, Any] = {"event": "open", "timestamp": "3/2/2026 09:00", "sg_message_id": ""}
    lines = [{**webhook, "email": f"s{number}@one.example"} for number in range(rows)]
    import_content(target, "\n".join(map(json.dumps, lines)), **said)

    assert [(2 * rows, expected)] == query(
        target, "count(*) over (), strftime(ts, '%Y-%m-%d %H:%M')"
    )[:1]
    assert {expected} == {time for (time,) in query(target, "strftime(ts, '%Y-%m-%d %H:%M')")}


@pytest.mark.parametrize(
    ("text", "date_format"),
    [
        ("03/14/2026 09:00", "%d/%m/%Y %H:%M"),
        ("2026/03/14", "%Y/%d/%m"),
        ("2026-03-14", "%Y-%d-%m"),
        ("2026-03-14 09:00", "%Y-%d-%m %H:%M"),
        ("14 Mar 2026", "%d/%m/%Y"),
    ],
)
def test_a_date_without_the_form_that_was_said_is_refused(text: str, date_format: str) -> None:
    """A form leaves no second order of day and month, so what doesn't have it has no meaning."""
    with pytest.raises(ValueError, match="can't be read") as refusal:
        read_moment(text, date_format=date_format)

    assert not isinstance(refusal.value, UnclearDate)


def test_a_file_is_not_read_in_two_orders(target: EventStore) -> None:
    """Where a form was said, a date that doesn't have it costs its row and decides nothing."""
    rows = ["03/02/2026 09:00,ann@one.example", "03/14/2026 09:00,bob@one.example"]
    content = "\n".join(["event,time,email", *(f"open,{row}" for row in rows)])

    done = import_content(target, content, date_format="%d/%m/%Y %H:%M")

    assert (2, 1, 0, 1) == counts(done)
    assert [("2026-02-03 09:00",)] == query(
        target, "strftime(ts at time zone 'UTC', '%Y-%m-%d %H:%M')"
    )
