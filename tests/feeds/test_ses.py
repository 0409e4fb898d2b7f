"""Amazon SES: its envelopes, its words, and whose an event is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cxtools.events.feeds import ses
from cxtools.events.importing import Imported
from cxtools.events.store import EventStore
from tests.imports import import_content, query
from tests.tables import ask


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
    assert Imported(1, 2, 0, 0, None) == import_content(target, [wrapped])
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
    ] == query(target, "email, kind, raw_kind, message_id, bounce_code, bounce_text, second(ts)")


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
    assert Imported(10, 10, 0, 0, None) == import_content(target, SES_FEED)
    assert set(ses.WORDS) - {"Bounce"} | {"Teleported"} == {
        word for (word,) in query(target, "raw_kind")
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
    } == dict(query(target, "raw_kind, kind"))
    assert [("https://shop.example/", "Mozilla/5.0", "192.0.2.1")] == query(
        target, "link_url, user_agent, ip", "kind = 'click'"
    )


def test_what_ses_did_not_try_is_suppressed_not_bounced(target: EventStore) -> None:
    """
    An address on the account's own list was never mailed, so it says nothing about the mailbox.
    """
    listed = json.loads(json.dumps(SES_BOUNCE).replace("General", "OnAccountSuppressionList"))
    import_content(target, [listed])

    assert [("suppressed",), ("suppressed",)] == query(target, "kind")


def test_an_open_of_a_mail_to_several_people_is_nobodys(target: EventStore) -> None:
    """SES doesn't say which of them opened, so none is credited."""
    import_content(
        target,
        [
            {
                "eventType": "Open",
                "mail": mail("ann@one.example", "bob@two.example"),
                "open": {"timestamp": "2026-09-14T09:10:00Z"},
            }
        ],
    )

    assert [("", "0100-a")] == query(target, "email, message_id")


def test_a_resubscription_is_no_unsubscribe(target: EventStore) -> None:
    """SES calls both a Subscription; only an opt-out is one."""
    import_content(
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

    assert [("unknown", "Subscription")] == query(target, "kind, raw_kind")


def test_an_ses_record_without_recipient_and_time_is_rejected(target: EventStore) -> None:
    """A delivery of nobody at no time would count as a delivered message."""
    done = import_content(
        target, [{"eventType": "Delivery", "mail": {"messageId": "q"}}, SES_FEED[1]]
    )
    assert done.rejected_path is not None

    assert (2, 1, 1) == (done.rows, done.added, done.rejected)
    assert "an SES record without a recipient and without a time" in done.rejected_path.read_text()


def test_what_ses_did_not_send_is_named(target: EventStore) -> None:
    """A Reject and a Rendering Failure stand in data quality with SES's own words."""
    import_content(
        target,
        [
            ses_event("Reject", "reject", reason="Bad content")
            | {"mail": mail("ann@one.example") | {"messageId": "1"}},
            ses_event("Rendering Failure", "failure")
            | {"mail": mail("bob@one.example") | {"messageId": "2"}},
        ],
    )
    [meaning] = [
        row["meaning"]
        for row in ask("data_quality", target).records()
        if row["check"] == "not_sent"
    ]

    assert (
        "messages not sent by the platform; not attempted: Reject 1, Rendering Failure 1" == meaning
    )
