"""Salesforce Marketing Cloud: dates, messages without ids, views without words."""

from __future__ import annotations

import pytest

from cxtools.events.feeds import salesforce
from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.store import EventStore
from tests.imports import import_content, query

OPEN = {
    "SendID": "1234",
    "SubscriberKey": "SK1",
    "EmailAddress": "ann@one.example",
    "SubscriberID": "21",
    "EventDate": "3/2/2026 9:00:05 PM",
    "EventType": "Open",
    "BatchID": "1",
}


@pytest.mark.parametrize(
    ("written", "dialect", "expected"),
    [
        ("3/2/2026 9:00:05 PM", STANDARD, "2026-03-02T21:00:05"),
        ("3/13/2026 21:00:00", STANDARD, "2026-03-13T21:00:00"),
        ("2026-03-02 21:00:05.000", STANDARD, "2026-03-02T21:00:05"),
        ("3/2/2026 9:00:05 PM", Dialect(timezone="Etc/GMT+6"), "2026-03-03T03:00:05"),
        ("7/2/2026 9:00:05 AM", Dialect(timezone="Etc/GMT+6"), "2026-07-02T15:00:05"),
        ("3/2/2026 9:00:05 PM", Dialect(date_format="day-first"), "2026-02-03T21:00:05"),
    ],
)
def test_dates_have_the_month_first_and_the_zone_that_was_said(
    written: str, dialect: Dialect, expected: str
) -> None:
    """The platform's clock is one zone all the year round; another order is the user's word."""
    [event] = salesforce.events({**OPEN, "EventDate": written}, dialect)

    assert event.ts is not None
    assert expected == event.ts.isoformat()[:19]


@pytest.mark.parametrize(("timezone", "is_said"), [("", True), ("Etc/GMT+6", False)])
def test_that_no_zone_was_said_is_said(target: EventStore, timezone: str, is_said: bool) -> None:
    """Times taken for UTC that the platform doesn't write in UTC are worth a sentence."""
    done = import_content(target, [OPEN], format="salesforce", timezone=timezone)

    assert is_said == any("Etc/GMT+6" in warning for warning in done.warnings)


def test_the_files_of_an_extract_are_about_the_same_messages(target: EventStore) -> None:
    """A message is a send's batch to a subscriber: the same in each file, another in each send."""
    rows = [
        {**OPEN, "EventType": "Sent"},
        OPEN,
        {**OPEN, "EventType": "Sent", "SendID": "1235"},
        {**OPEN, "EventType": "Sent", "BatchID": "2"},
    ]
    import_content(target, rows, format="salesforce")

    assert [("1234-1-21", 2), ("1234-2-21", 1), ("1235-1-21", 1)] == query(
        target, "message_id, count(*)", "true group by all"
    )


def test_a_view_says_by_its_columns_what_it_is_about() -> None:
    """Data views have no EventType: one with a BounceCategory holds bounces, one with links clicks."""
    view = {name: cell for name, cell in OPEN.items() if name != "EventType"}
    [bounce] = salesforce.events({**view, "BounceCategory": "Hard bounce"})
    [click] = salesforce.events({**view, "LinkName": "cta", "URL": "https://shop.example/a"})

    assert ("bounce", "salesforce: Hard bounce") == (bounce.kind, bounce.bounce_class)
    assert ("click", "https://shop.example/a") == (click.kind, click.link_url)


def test_a_view_that_does_not_say_it_needs_a_word() -> None:
    """Opens and unsubscribes have the same columns: the user says which they are."""
    view = {name: cell for name, cell in OPEN.items() if name != "EventType"}
    [event] = salesforce.events(view, Dialect(event_map={"": "unsubscribe"}))

    assert "unsubscribe" == event.kind
    with pytest.raises(ValueError, match="--event-map =open"):
        salesforce.events(view)
