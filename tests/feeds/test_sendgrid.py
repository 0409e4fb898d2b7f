"""SendGrid: the forms its webhook is kept in, one message under many ids, and machines."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from cxtools.events.feeds import sendgrid
from cxtools.events.store import EventStore
from tests.imports import counts, import_content, query, sendgrid_row

SENDGRID_FEED = [
    *(sendgrid_row(number, word) for number, word in enumerate(sendgrid.WORDS)),
    sendgrid_row(
        20, "bounce", type="blocked", status="5.7.1", reason="550 5.7.1 not from this address"
    ),
    sendgrid_row(21, "click", url="https://shop.example/", useragent="Mozilla/5.0", ip="192.0.2.1"),
    sendgrid_row(22, "deferred", response="400 try again later", attempt="5"),
    sendgrid_row(23, "teleported"),
]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SENDGRID_FEED),
        json.dumps(SENDGRID_FEED, indent=2),
        "\n".join(map(json.dumps, SENDGRID_FEED)),
        "\n".join(json.dumps(part) for part in (SENDGRID_FEED[:5], SENDGRID_FEED[5:])),
        "".join(map(json.dumps, SENDGRID_FEED)),
    ],
    ids=["array", "indented", "lines", "lines of arrays", "run together"],
)
def test_a_sendgrid_webhook_in_every_form_it_is_kept_in(target: EventStore, content: str) -> None:
    """
    Array, lines or lines of arrays: the same events, with SendGrid's words translated and unknown
    ones kept.
    """
    total = len(SENDGRID_FEED)

    assert (total, total, 0, 0) == counts(import_content(target, content))
    assert [("teleported",)] == query(target, "raw_kind", "kind = 'unknown'")
    assert set(sendgrid.WORDS.values()) == {kind for (kind,) in query(target, "kind")} - {"unknown"}
    assert [("5.7.1", "550 5.7.1 not from this address", "e20")] == query(
        target, "bounce_code, bounce_text, event_id", "bounce_code <> ''"
    )
    assert [("https://shop.example/", "Mozilla/5.0", "192.0.2.1")] == query(
        target, "link_url, user_agent, ip", "link_url <> ''"
    )
    assert [("400 try again later",)] == query(
        target, "bounce_text", "raw_kind = 'deferred' and bounce_text <> ''"
    )
    assert [(datetime(2026, 9, 14, 9, 0, 20),)] == query(
        target, "ts at time zone 'UTC'", "event_id = 'e20'"
    )


def test_the_events_of_one_sendgrid_message_are_one_message(target: EventStore) -> None:
    """
    The tail of sg_message_id names a machine and differs between events; the message is the same.
    """
    old, new = "14c5d75ce93.dfd.64b469", "LRzXl_NHStOGhQ4kofSm_A"
    import_content(
        target,
        [
            sendgrid_row(1, "delivered"),
            sendgrid_row(2, "open"),
            sendgrid_row(
                3,
                "open",
                sg_message_id=f"{new}.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
            ),
            sendgrid_row(4, "open", sg_message_id=f"{new}.recvd-6d6b44dbc-7nxjl-1-5F5FC76C-1.2"),
        ],
    )

    assert [(old,), (new,)] == query(target, "distinct message_id")


@pytest.mark.parametrize(
    ("flag", "by_machine"),
    [(True, True), (False, False), ("true", True), (None, None)],
)
def test_sendgrid_tells_machines_from_readers(
    target: EventStore, flag: object, by_machine: bool | None
) -> None:
    """sg_machine_open says whether a machine opened: still an open, under SendGrid's own word."""
    import_content(target, [sendgrid_row(1, "open", sg_machine_open=flag)])

    assert [("open", "open", by_machine)] == query(target, "kind, raw_kind, by_machine")


def test_a_machine_and_a_person_at_the_same_second_are_two_events(target: EventStore) -> None:
    """Without ids of SendGrid's the flag is what tells them apart."""
    opens = [sendgrid_row(1, "open", sg_machine_open=flag) for flag in (True, False)]
    done = import_content(target, [row | {"sg_event_id": ""} for row in opens])

    assert 2 == done.added


def message(**changes: object) -> dict[str, object]:
    """A message of the API that was delivered."""
    return {
        "msg_id": "AbC1.recvd-1",
        "to_email": "ann@one.example",
        "status": "delivered",
        "opens_count": 0,
        "clicks_count": 0,
        "last_event_time": "2026-09-14T09:10:00Z",
    } | changes


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (message(), [("delivery", 10)]),
        (message(opens_count=2), [("delivery", None), ("open", 10)]),
        (
            message(opens_count=2, clicks_count=1),
            [("delivery", None), ("open", None), ("click", None)],
        ),
        (message(status="processed"), [("sent", 10)]),
        (message(status="not_delivered"), [("unknown", 10)]),
        (
            message(
                events=[
                    {
                        "event_name": "bounced",
                        "bounce_type": "hard",
                        "processed": "2026-09-14T09:01:00Z",
                    }
                ]
            ),
            [("bounce", 1)],
        ),
    ],
)
def test_a_message_of_the_api_tells_its_last_moment_only(
    row: dict[str, object], told: list[tuple[str, int | None]]
) -> None:
    """Which of several things the last moment belongs to is only known where order decides it."""
    events = sendgrid.events(row)

    assert told == [(event.kind, event.ts.minute if event.ts else None) for event in events]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"reason": "550 gone", "status": "5.1.1"}, "listed bounce"),
        ({"reason": "Known bad domain"}, "listed invalid address"),
        ({"ip": "192.0.2.1"}, "listed spam report"),
        ({}, "listed unsubscribe"),
    ],
)
def test_an_entry_of_a_list_is_suppressed(row: dict[str, object], word: str) -> None:
    """Which list it is of, only the entry's own names tell."""
    [event] = sendgrid.events({"created": 1789376400, "email": "ann@one.example", **row})

    assert ("suppressed", word) == (event.kind, event.raw_kind)


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ("AbC1.recvd-5f5-1-66A.1", ""),
        ("", "<AbC1@ismtpd0039p1.sendgrid.example>"),
        ("", "<AbC1@geopod-ismtpd-2-0>"),
        ("AbC1", "<other@sender.example>"),
    ],
)
def test_an_id_of_sendgrids_is_one_however_it_is_written(given: str, header: str) -> None:
    """Old events have the Message-ID alone, which is SendGrid's id at one of its servers."""
    row = {"event": "open", "email": "ann@one.example", "timestamp": 1789376400}
    [event] = sendgrid.events({**row, "sg_message_id": given, "smtp-id": header})

    assert "AbC1" == event.message_id


def test_many_rows_of_other_shapes_are_read_as_theirs(target: EventStore) -> None:
    """Said to be SendGrid's or recognised, rows without the webhook's marks are asked one by one."""
    rows: list[dict[str, object]] = [message(msg_id=f"m{number}") for number in range(100)]
    rows += [sendgrid_row(number, "open") for number in range(100)]
    content = "\n".join(map(json.dumps, rows))
    done = import_content(target, content, format="sendgrid")

    assert (200, 0) == (done.added, done.rejected)
    assert [(100,)] == query(target, "count(distinct message_id)", "kind = 'delivery'")


@pytest.mark.parametrize(
    ("event_map", "kind"),
    [
        ({}, "suppressed"),
        ({"": "open"}, "open"),
        ({"listed spam report": "complaint"}, "complaint"),
    ],
)
def test_what_is_said_of_a_list_goes_before_what_it_seems(
    target: EventStore, event_map: dict[str, str], kind: str
) -> None:
    """A table of addresses with a moment may be the user's own, who says what happened to them."""
    content = "email,created,ip\nann@one.example,2026-03-02T10:00:00Z,192.0.2.1\n"

    import_content(target, content, event_map=event_map)

    assert [(kind,)] == query(target, "kind")
