"""Imports: other systems' files become our events, whole or not at all, and no row disappears."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cxtools.errors import ConfigError
from cxtools.events.feeds import sendgrid as sendgrid_feed
from cxtools.events.feeds import ses as ses_feed
from cxtools.events.importing import Imported, import_file
from cxtools.events.store import EventStore
from cxtools.model import KINDS
from tests.tables import ask

NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def target(tmp_path: Path) -> EventStore:
    return EventStore(tmp_path / "home" / "events")


def brought(target: EventStore, content: str | bytes | Sequence[Any], **options: Any) -> Imported:
    """The content as a file, imported; a list becomes one JSON line per item."""
    path = target.root.parent.parent / "feed"
    lines = (
        content
        if isinstance(content, str | bytes)
        else "\n".join(json.dumps(item) for item in content)
    )
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return import_file(path, "c", target, now=NOW, **options)


def stored(target: EventStore, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    with target.connection() as connection:
        return connection.sql(f"select {columns} from events where {where} order by all").fetchall()  # noqa: S608


def kept(target: EventStore) -> list[Path]:
    home = target.root.parent
    return sorted(home.rglob("*")) if home.exists() else []


# ---- Amazon SES
# --------------------------------------------------------------------------------------------------


def mail(*people: str) -> dict[str, Any]:
    return {
        "timestamp": "2026-09-14T09:00:00.000Z",
        "messageId": "0100-a",
        "source": "news@shop.example",
        "destination": list(people),
    }


SES_BOUNCE = {
    "notificationType": "Bounce",
    "mail": mail("ann@one.example", "bob@two.example"),
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "timestamp": "2026-09-14T09:00:05.669Z",
        "feedbackId": "f",
        "bouncedRecipients": [
            {
                "emailAddress": "Ann@one.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 nobody of that name",
            },
            {"emailAddress": "bob@two.example"},
        ],
    },
}


def in_sns(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "n1",
        "TopicArn": "arn",
        "Message": json.dumps(record),
        "Timestamp": "2026-09-14T09:00:06.000Z",
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        SES_BOUNCE,
        in_sns(SES_BOUNCE),
        {"Records": [{"EventSource": "aws:sns", "Sns": in_sns(SES_BOUNCE)}]},
        {"detail-type": "Email Bounced", "detail": SES_BOUNCE},
    ],
    ids=["plain", "SNS", "Lambda", "EventBridge"],
)
def test_an_ses_bounce_is_one_event_per_recipient(
    target: EventStore, wrapped: dict[str, Any]
) -> None:
    """
    Status and diagnostic of each bounced recipient; without a diagnostic SES's own words stand in.
    """
    assert Imported(1, 2, 0, 0, None) == brought(target, [wrapped])
    assert [
        (
            "ann@one.example",
            "bounce",
            "Bounce",
            "0100-a",
            "5.1.1",
            "smtp; 550 5.1.1 nobody of that name",
            5,
        ),
        ("bob@two.example", "bounce", "Bounce", "0100-a", "", "Permanent General", 5),
    ] == stored(target, "email, kind, raw_kind, message_id, bounce_code, bounce_text, second(ts)")


def ses_event(word: str, section: str, **details: Any) -> dict[str, Any]:
    return {"eventType": word, "mail": mail("ann@one.example"), section: details}


SES_FEED = [
    ses_event("Send", "send"),
    ses_event(
        "Delivery",
        "delivery",
        timestamp="2026-09-14T09:00:02Z",
        recipients=["ann@one.example"],
        smtpResponse="250 ok",
    ),
    ses_event(
        "Open",
        "open",
        timestamp="2026-09-14T09:10:00Z",
        userAgent="Mozilla/5.0",
        ipAddress="192.0.2.1",
    ),
    ses_event(
        "Click",
        "click",
        timestamp="2026-09-14T09:11:00Z",
        link="https://shop.example/",
        linkTags=None,
        userAgent="Mozilla/5.0",
        ipAddress="192.0.2.1",
    ),
    ses_event(
        "Complaint",
        "complaint",
        timestamp="2026-09-14T09:12:00Z",
        complainedRecipients=[{"emailAddress": "ann@one.example"}],
    ),
    ses_event(
        "Subscription",
        "subscription",
        timestamp="2026-09-14T09:13:00Z",
        newTopicPreferences={"unsubscribeAll": True},
    ),
    ses_event(
        "DeliveryDelay",
        "deliveryDelay",
        timestamp="2026-09-14T09:01:00Z",
        delayType="MailboxFull",
        delayedRecipients=[
            {
                "emailAddress": "ann@one.example",
                "status": "4.2.2",
                "diagnosticCode": "smtp; 452 4.2.2 over quota",
            }
        ],
    ),
    ses_event("Reject", "reject", reason="Bad content"),
    ses_event("Rendering Failure", "failure", templateName="t", errorMessage="attribute missing"),
    ses_event("Teleported", "teleport"),
]


def test_every_kind_that_ses_documents_is_known(target: EventStore) -> None:
    """Each word of event publishing has its kind; a new word is kept as unknown."""
    assert Imported(10, 10, 0, 0, None) == brought(target, SES_FEED)
    assert set(ses_feed.WORDS) - {"Bounce"} | {"Teleported"} == {
        word for (word,) in stored(target, "raw_kind")
    }
    assert {
        "Send": "sent",
        "Delivery": "delivery",
        "Open": "open",
        "Click": "click",
        "Complaint": "complaint",
        "Subscription": "unsubscribe",
        "DeliveryDelay": "deferral",
        "Reject": "suppressed",
        "Rendering Failure": "suppressed",
        "Teleported": "unknown",
    } == dict(stored(target, "raw_kind, kind"))
    assert [("https://shop.example/", "Mozilla/5.0", "192.0.2.1")] == stored(
        target, "link_url, user_agent, ip", "kind = 'click'"
    )


def test_what_ses_did_not_try_is_suppressed_not_bounced(target: EventStore) -> None:
    """
    An address on the account's own list was never mailed, so it says nothing about the mailbox.
    """
    listed = json.loads(json.dumps(SES_BOUNCE).replace("General", "OnAccountSuppressionList"))
    brought(target, [listed])

    assert [("suppressed",), ("suppressed",)] == stored(target, "kind")


def test_an_open_of_a_mail_to_several_people_is_nobodys(target: EventStore) -> None:
    """SES doesn't say which of them opened, so none is credited."""
    brought(
        target,
        [
            {
                "eventType": "Open",
                "mail": mail("ann@one.example", "bob@two.example"),
                "open": {"timestamp": "2026-09-14T09:10:00Z"},
            }
        ],
    )

    assert [("", "0100-a")] == stored(target, "email, message_id")


def test_a_resubscription_is_no_unsubscribe(target: EventStore) -> None:
    """SES calls both a Subscription; only an opt-out is one."""
    brought(
        target,
        [
            ses_event(
                "Subscription",
                "subscription",
                newTopicPreferences={
                    "unsubscribeAll": False,
                    "topicSubscriptionStatus": [
                        {"topicName": "news", "subscriptionStatus": "OptIn"}
                    ],
                },
            )
        ],
    )

    assert [("unknown", "Subscription")] == stored(target, "kind, raw_kind")


# ---- SendGrid
# ----------------------------------------------------------------------------------------------------


def sendgrid(number: int, word: str, **more: Any) -> dict[str, Any]:
    return {
        "email": f"p{number}@one.example",
        "timestamp": 1789376400 + number,
        "event": word,
        "sg_event_id": f"e{number}",
        "sg_message_id": f"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.{number}",
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        **more,
    }


SENDGRID_FEED = [
    *(sendgrid(number, word) for number, word in enumerate(sendgrid_feed.WORDS)),
    sendgrid(
        20, "bounce", type="blocked", status="5.7.1", reason="550 5.7.1 not from this address"
    ),
    sendgrid(21, "click", url="https://shop.example/", useragent="Mozilla/5.0", ip="192.0.2.1"),
    sendgrid(22, "deferred", response="400 try again later", attempt="5"),
    sendgrid(23, "group_resubscribe"),
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

    assert Imported(total, total, 0, 0, None) == brought(target, content)
    assert [("group_resubscribe",)] == stored(target, "raw_kind", "kind = 'unknown'")
    assert set(sendgrid_feed.WORDS.values()) == {kind for (kind,) in stored(target, "kind")} - {
        "unknown"
    }
    assert [("5.7.1", "550 5.7.1 not from this address", "e20")] == stored(
        target, "bounce_code, bounce_text, event_id", "bounce_code <> ''"
    )
    assert [("https://shop.example/", "Mozilla/5.0", "192.0.2.1")] == stored(
        target, "link_url, user_agent, ip", "link_url <> ''"
    )
    assert [("400 try again later",)] == stored(
        target, "bounce_text", "raw_kind = 'deferred' and bounce_text <> ''"
    )
    assert [(datetime(2026, 9, 14, 9, 0, 20),)] == stored(
        target, "ts at time zone 'UTC'", "event_id = 'e20'"
    )


def test_the_events_of_one_sendgrid_message_are_one_message(target: EventStore) -> None:
    """
    The tail of sg_message_id names a machine and differs between events; the message is the same.
    """
    old, new = "14c5d75ce93.dfd.64b469", "LRzXl_NHStOGhQ4kofSm_A"
    brought(
        target,
        [
            sendgrid(1, "delivered"),
            sendgrid(2, "open"),
            sendgrid(
                3,
                "open",
                sg_message_id=f"{new}.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
            ),
            sendgrid(4, "open", sg_message_id=f"{new}.recvd-6d6b44dbc-7nxjl-1-5F5FC76C-1.2"),
        ],
    )

    assert [(old,), (new,)] == stored(target, "distinct message_id")


def test_an_ses_record_without_recipient_and_time_is_set_aside(target: EventStore) -> None:
    """A delivery of nobody at no time would count as a delivered message."""
    done = brought(target, [{"eventType": "Delivery", "mail": {"messageId": "q"}}, SES_FEED[1]])
    assert done.rejected_path is not None

    assert (2, 1, 1) == (done.rows, done.added, done.rejected)
    assert "an SES record without a recipient and without a time" in done.rejected_path.read_text()


@pytest.mark.parametrize(
    ("flag", "by_machine"),
    [(True, True), (False, False), ("true", True), (None, None)],
)
def test_sendgrid_tells_machines_from_readers(
    target: EventStore, flag: object, by_machine: bool | None
) -> None:
    """sg_machine_open says whether a machine opened: still an open, under SendGrid's own word."""
    brought(target, [sendgrid(1, "open", sg_machine_open=flag)])

    assert [("open", "open", by_machine)] == stored(target, "kind, raw_kind, by_machine")


def test_a_machine_and_a_person_at_the_same_second_are_two_events(target: EventStore) -> None:
    """Without ids of SendGrid's the flag is what tells them apart."""
    opens = [sendgrid(1, "open", sg_machine_open=flag) for flag in (True, False)]
    done = brought(target, [row | {"sg_event_id": ""} for row in opens])

    assert 2 == done.added


def test_what_ses_did_not_send_is_named(target: EventStore) -> None:
    """A Reject and a Rendering Failure stand in data quality with SES's own words."""
    brought(
        target,
        [
            ses_event("Reject", "reject", reason="Bad content")
            | {"mail": mail("ann@one.example") | {"messageId": "1"}},
            ses_event("Rendering Failure", "failure")
            | {"mail": mail("bob@one.example") | {"messageId": "2"}},
        ],
    )
    [said] = [
        row["meaning"]
        for row in ask("data_quality", target).records()
        if row["check"] == "not_sent"
    ]

    assert "messages not sent by the platform; not attempted: Reject 1, Rendering Failure 1" == said


@pytest.mark.parametrize(
    "kind",
    sorted(set(ses_feed.WORDS.values()) | set(sendgrid_feed.WORDS.values())),
)
def test_vendors_words_are_translated_into_ours(kind: str) -> None:
    """No table maps to a kind that doesn't exist."""
    assert kind in KINDS


# ---- CXone
# -------------------------------------------------------------------------------------------------------

CXONE_ROWS = [
    {
        "eventType": "delivery",
        "jobId": "j1",
        "messageId": "m1",
        "recipientId": "r1",
        "emailAddress": "Ann@one.example",
        "timestamp": "2026-09-14T11:00:00+02:00",
    },
    {
        "eventType": "click",
        "jobId": "j1",
        "messageId": "m1",
        "recipientId": "r1",
        "emailAddress": "ann@one.example",
        "timestamp": "2026-09-14T09:30:00Z",
        "linkUrl": "https://shop.example/",
    },
    {
        "eventType": "bounce",
        "jobId": "j1",
        "messageId": "m2",
        "recipientId": "r2",
        "emailAddress": "bob@two.example",
        "timestamp": "2026-09-14T09:00:00Z",
        "bounceCode": "5.1.1",
        "bounceDescription": "nobody",
    },
]


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return "\n".join(
        [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    )


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"results": CXONE_ROWS, "nextCursor": None}),
        json.dumps(CXONE_ROWS),
        "\n".join(map(json.dumps, CXONE_ROWS)),
        as_csv(CXONE_ROWS),
        "\n".join(json.dumps({"results": [row]}) for row in CXONE_ROWS),
    ],
    ids=["page", "array", "lines", "CSV", "pages"],
)
def test_cxone_events_are_the_same_from_a_file_as_from_the_api(
    target: EventStore, content: str
) -> None:
    """
    The export of a page, of lines or of a table has the ids that collecting would give, so both
    together are no duplicates.
    """
    from cxtools.model import Event

    target.add("c", map(Event.from_api, CXONE_ROWS), source="cxone", received_at=NOW)

    assert Imported(3, 0, 3, 0, None) == brought(target, content)


# ---- tables
# ------------------------------------------------------------------------------------------------------

TABLE = """Event Type,E-Mail,Message ID,Time,SMTP Code,URL
Delivered,Ann@one.example,m1,2026-09-14 09:00:00,,
opened,ann@one.example,m1,1789377000,,
click,ann@one.example,m1,1789377060000,,https://shop.example/
hard bounce,bob@two.example,m2,"Mon, 14 Sep 2026 11:00:00 +0200",5.1.1,
teleported,bob@two.example,m2,,,
"""


def test_a_table_with_common_column_names_needs_no_map(target: EventStore) -> None:
    """
    Columns and words that everybody uses are understood, moments in any form, unknown words kept.
    """
    assert Imported(5, 5, 0, 0, None) == brought(target, TABLE)
    assert [
        ("bounce", "hard bounce", "bob@two.example", "m2", "5.1.1", "09:00"),
        ("click", "click", "ann@one.example", "m1", "", "09:11"),
        ("delivery", "Delivered", "ann@one.example", "m1", "", "09:00"),
        ("open", "opened", "ann@one.example", "m1", "", "09:10"),
        ("unknown", "teleported", "bob@two.example", "m2", "", None),
    ] == stored(target, "kind, raw_kind, email, message_id, bounce_code, strftime(ts, '%H:%M')")


@pytest.mark.parametrize(
    "packed",
    [
        TABLE.replace(",", ";").replace('"Mon; ', '"Mon, ').encode(),
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.encode("utf-16"),
        gzip.compress(TABLE.encode()),
        TABLE.replace("\n", "\r\n").encode(),
    ],
    ids=["semicolons", "BOM", "UTF-16", "gzip", "CRLF"],
)
def test_tables_as_programs_write_them(target: EventStore, packed: bytes) -> None:
    """Excel's separators and encodings, and packed files, are read like any other."""
    assert Imported(5, 5, 0, 0, None) == brought(target, packed)
    assert 5 == len(stored(target, "event_id", "email like '%@%.example'"))


def test_a_map_says_what_the_names_dont(target: EventStore) -> None:
    """`--map` names the columns, `--event-map` the words; what is mapped isn't guessed any more."""
    content = "who,what,when,mail\nann@one.example,sent out,2026-09-14T09:00:00Z,7\nann@one.example,read,2026-09-14T09:10:00Z,7\n"
    brought(
        target,
        content,
        column_map={"who": "email", "what": "event", "when": "timestamp", "mail": "message_id"},
        event_map={"sent out": "delivery", "read": "open"},
    )

    assert [
        ("delivery", "7", "ann@one.example", 0),
        ("open", "7", "ann@one.example", 10),
    ] == stored(target, "kind, message_id, email, minute(ts)")


def test_a_list_of_openers_is_a_table_of_opens(target: EventStore) -> None:
    """
    The empty word is the kind of rows that have none; a header in quotes is read without them.
    """
    brought(
        target,
        '"""email_id"""\n101\n102\n',
        column_map={'"email_id"': "recipient_id"},
        event_map={"": "open"},
    )

    assert [("101", "open"), ("102", "open")] == stored(target, "recipient_id, kind")


def test_parquet_with_real_moments(target: EventStore, tmp_path: Path) -> None:
    """
    Types of a Parquet file are taken as they are; a code kept as a number is the code, a missing
    one an empty text.
    """
    import pandas as pd

    path = tmp_path / "feed.parquet"
    pd.DataFrame(
        {
            "event": ["delivery", "bounce"],
            "email": ["ann@one.example", "bob@two.example"],
            "message_id": [1, 2],
            "bounce_code": [float("nan"), 550.0],
            "timestamp": pd.to_datetime(["2026-09-14T09:00:00Z", "2026-09-14T09:05:00Z"]),
        }
    ).to_parquet(path)
    import_file(path, "c", target, now=NOW)

    assert [("bounce", "2", "550", 5), ("delivery", "1", "", 0)] == stored(
        target, "kind, message_id, bounce_code, minute(ts)"
    )


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            "sender,receiver\na,b\n",
            {},
            "no column says what happened; name it with --map COLUMN=kind",
        ),
        (
            "event,email,address\nopen,a@one.example,b@one.example\n",
            {"column_map": {"event": "kind"}},
            "",
        ),
        (
            "event,recipient,address\nopen,a@one.example,b@one.example\n",
            {},
            "columns recipient and address could both be the email; choose one with --map recipient=email",
        ),
        (
            "event,email\nopen,a@one.example\n",
            {"column_map": {"evnet": "kind"}},
            "there is no column evnet",
        ),
        ("a,b\n1,2\n", {"column_map": {"Nope": "ts"}}, "there is no column Nope"),
        (
            "event,email\nopen,a@one.example\n",
            {"column_map": {"event": "colour"}},
            "there is no field colour",
        ),
        (
            "event,email\nopen,a@one.example\n",
            {"event_map": {"open": "read"}},
            "there is no kind read",
        ),
        ("event,email\nopen,a@one.example\n", {"format": "xml"}, "there is no format 'xml'"),
        ("event,email\nopen,\n", {}, "fields: kind, ts, email, message_id"),
        ("event,email\nopen,\n", {}, "the row names neither message nor recipient"),
        ("", {}, "no row of feed could be read"),
        ("event,email\n", {}, "no row of feed could be read"),
        ('{"results": []}', {}, "no row of feed could be read"),
        ("<html>404</html>\n<p>nothing here</p>\n", {}, "no row of feed could be read"),
        (b"\x00\x01\x02\xff" * 99_999, {}, "feed"),
        (b"PAR1" + b"x" * 99, {}, "the Parquet file is damaged"),
        (gzip.compress(TABLE.encode() * 99)[:-20], {}, "feed can't be read"),
    ],
)
def test_a_file_without_a_readable_row_is_an_error_and_leaves_nothing(
    target: EventStore, content: str | bytes, options: dict[str, Any], message: str
) -> None:
    """One message that tells what is wrong; no event, no folder, no file of rejected rows."""
    if not message:
        assert 1 == brought(target, content, **options).added
        return
    with pytest.raises(ConfigError) as refused:
        brought(target, content, **options)

    assert message in str(refused.value)
    assert "@one.example" not in str(refused.value)
    assert [] == kept(target)


def test_a_missing_file_is_said(target: EventStore, tmp_path: Path) -> None:
    """A wrong path is one message."""
    with pytest.raises(ConfigError, match=r"nowhere.csv can't be read: No such file"):
        import_file(tmp_path / "nowhere.csv", "c", target, now=NOW)


# ---- rows that can't be read
# -------------------------------------------------------------------------------------


def test_bad_rows_are_counted_and_set_aside_with_line_and_reason(target: EventStore) -> None:
    """Good rows come in; each bad one stands in a file of its owner's, with the line and why."""
    content = b'event,email\nopen,ann@one.example\nopen\nopen,\nopen,"bob@two.example\nclick,caf\xe9@one.example\n'
    done = brought(target, content)
    assert done.rejected_path is not None
    rejected = [json.loads(line) for line in done.rejected_path.read_text().splitlines()]

    assert (4, 1, 3) == (done.rows, done.added, done.rejected)
    assert [
        (3, "1 fields, the header has 2"),
        (4, "the row names neither message nor recipient"),
    ] == [(row["line"], row["reason"]) for row in rejected[:2]]
    assert (5, "codec can't encode") == (rejected[2]["line"], rejected[2]["reason"][8:26])
    assert 0o600 == done.rejected_path.stat().st_mode & 0o777
    assert done.rejected_path.parent == target.root / "_rejected"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "event,email,when\nopen,a@one.example,2026-09-14T09:00:00Z\nopen,b@one.example,{}\nopen,c@one.example,\n",
            3,
        ),
        (
            '{{"eventType": "OPEN", "messageId": "m1"}}\n{{"eventType": "OPEN", "messageId": "m2", "timestamp": "{}"}}\n{{"eventType": "OPEN", "messageId": "m3"}}\n',
            2,
        ),
    ],
)
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("soon", "the time 'soon' can't be read"),
        ("14/09/2026 08:00", "the time '14/09/2026 08:00' can't be read"),
        ("ann@one.example", "the time of the row can't be read"),
    ],
)
def test_a_time_that_can_not_be_read_rejects_its_row(
    target: EventStore, content: str, line: int, told: str, reason: str
) -> None:
    """
    A row may have no time at all, but not one that is lost in silence; an address in its place is
    not repeated.
    """
    done = brought(
        target, content.format(told), column_map={"when": "ts"} if "when" in content else {}
    )
    assert done.rejected_path is not None
    [rejected] = [json.loads(row) for row in done.rejected_path.read_text().splitlines()]

    assert (3, 2, 1) == (done.rows, done.added, done.rejected)
    assert (line, reason) == (rejected["line"], rejected["reason"].partition(";")[0])


def test_after_a_broken_line_reading_goes_on(target: EventStore) -> None:
    """A line cut off by a crash costs that line, not the file."""
    good = [json.dumps(row) for row in SENDGRID_FEED[:3]]
    done = brought(
        target,
        "\n".join(
            [good[0], good[1][:40], "not json", "17", '{"event": }', good[1], good[2], good[0][:-9]]
        ),
    )
    assert done.rejected_path is not None
    reasons = [json.loads(line) for line in done.rejected_path.read_text().splitlines()]

    assert (8, 3, 5) == (done.rows, done.added, done.rejected)
    assert [2, 3, 4, 5, 8] == [row["line"] for row in reasons]
    assert good[1][:40] == reasons[0]["row"]


def test_a_row_larger_than_a_block_is_read(target: EventStore) -> None:
    """Rows are found whatever their size and wherever the file's blocks end."""
    rows = [
        sendgrid(number, "delivered", padding="x" * size)
        for number, size in enumerate((10, 1_000_000, 10, 262_100, 262_144, 10))
    ]

    assert Imported(6, 6, 0, 0, None) == brought(target, json.dumps(rows))


def test_the_same_file_again_adds_nothing(target: EventStore) -> None:
    """Importing is idempotent; the rejected rows are the same file, too."""
    first = brought(target, TABLE + "open\n")
    files = kept(target)
    again = brought(target, TABLE + "open\n")

    assert (5, 0, 1) == (first.added, first.duplicates, first.rejected)
    assert (0, 5, 1, first.rejected_path) == (
        again.added,
        again.duplicates,
        again.rejected,
        again.rejected_path,
    )
    assert files == kept(target)


def test_people_without_ids_stay_apart(target: EventStore) -> None:
    """Two people who open in the same second are two events, though the table has no ids."""
    content = "event,email,time\nopen,ann@one.example,2026-09-14\nopen,bob@one.example,2026-09-14\n"

    assert 2 == brought(target, content).added


def test_a_csv_of_100_000_rows_goes_through_to_the_measures(
    target: EventStore, tmp_path: Path
) -> None:
    """Real sizes: imported in seconds, measured in less."""
    path = tmp_path / "events.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "event", "email", "message_id", "url", "bounce_code"])
        for number in range(50_000):
            bounced = number % 20 == 0
            writer.writerow(
                [
                    "2026-09-14T09:00:00Z",
                    "bounced" if bounced else "delivered",
                    f"p{number}@gmail.example",
                    f"m{number}",
                    "",
                    "5.1.1" if bounced else "",
                ]
            )
            writer.writerow(
                [
                    "2026-09-14T10:00:00Z",
                    "open" if number % 5 else "click",
                    f"p{number}@gmail.example",
                    f"m{number}",
                    "https://shop.example/",
                    "",
                ]
            )
    done = import_file(path, "c", target, now=NOW)
    row = ask("funnel", target).iloc[0]

    assert Imported(100_000, 100_000, 0, 0, None) == done
    assert [50_000, 2_500, 47_500, 47_500, 7_500] == row[
        ["attempted", "bounced", "delivered", "opened", "clicked"]
    ].tolist()
