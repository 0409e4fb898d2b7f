"""Amazon SES: its envelopes, its words, and whose an event is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from cxtools.events.feeds import ses
from cxtools.events.store import EventStore
from tests.imports import counts, import_content, query
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
    Status and diagnostic of each bounced recipient; SES's own words have a field of their own.
    """
    assert (1, 2, 0, 0) == counts(import_content(target, [wrapped]))
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
        ("bob@two.example", "bounce", "Bounce", "0100-a", "", "", 5),
    ] == query(target, "email, kind, raw_kind, message_id, bounce_code, bounce_text, second(ts)")
    assert [("ses: Permanent General",)] == query(target, "distinct bounce_class")


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
    assert (10, 10, 0, 0) == counts(import_content(target, SES_FEED))
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

    assert [("none", "Subscription")] == query(target, "kind, raw_kind")


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


def bounce(kind: str, subtype: str, **recipient: str) -> dict[str, Any]:
    """A bounce of Ann's, whose details are *recipient*."""
    return {
        "notificationType": "Bounce",
        "mail": mail("ann@one.example"),
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "timestamp": "2026-09-14T09:05:00Z",
            "bouncedRecipients": [{"emailAddress": "ann@one.example", **recipient}],
        },
    }


@pytest.mark.parametrize(
    ("row", "kind", "word"),
    [
        (bounce("Transient", "General"), "none", "Bounce automatic answer"),
        (bounce("Undetermined", "Undetermined"), "none", "Bounce automatic answer"),
        (bounce("Transient", "General", status="5.4.4"), "bounce", "Bounce"),
        (bounce("Transient", "General", action="failed"), "bounce", "Bounce"),
        (bounce("Transient", "General", diagnosticCode="smtp; 451 later"), "bounce", "Bounce"),
        (bounce("Transient", "General", action="", status=""), "none", "Bounce automatic answer"),
        (bounce("Transient", "MailboxFull"), "bounce", "Bounce"),
        (bounce("Transient", "ContentRejected"), "bounce", "Bounce"),
        (bounce("Permanent", "General"), "bounce", "Bounce"),
        (bounce("Permanent", "Undetermined"), "bounce", "Bounce"),
        (bounce("Permanent", "UnsubscribedRecipient"), "suppressed", "Bounce"),
    ],
)
def test_an_automatic_answer_is_not_a_bounce(row: dict[str, Any], kind: str, word: str) -> None:
    """
    SES hands on what people's mailboxes answer: it proves that the mail arrived. What has a status
    was a server's word, and what SES understood as a full mailbox is one.
    """
    [event] = ses.events(row)

    assert (kind, word) == (event.kind, event.raw_kind)


def complaint(*people: str, to: tuple[str, ...], **details: Any) -> dict[str, Any]:
    """A complaint about a mail *to* these, which names *people*."""
    return {
        "notificationType": "Complaint",
        "mail": mail(*to),
        "complaint": {
            "timestamp": "2026-09-14T09:05:00Z",
            "complainedRecipients": [{"emailAddress": person} for person in people],
            **details,
        },
    }


ANN = "ann@one.example"
BOB = "bob@two.example"


@pytest.mark.parametrize(
    ("row", "kind", "email"),
    [
        (complaint(ANN, to=(ANN,)), "complaint", ANN),
        (complaint(to=(ANN,)), "complaint", ANN),
        (complaint(to=(ANN, BOB)), "complaint", ""),
        (complaint(ANN, to=(ANN,), complaintFeedbackType="abuse"), "complaint", ANN),
        (complaint(ANN, to=(ANN,), complaintFeedbackType="not-spam"), "none", ANN),
        (complaint(ANN, to=(ANN,), complaintFeedbackType="auth-failure"), "none", ANN),
        (complaint(ANN, to=(ANN,), complaintSubType="OnAccountSuppressionList"), "suppressed", ANN),
    ],
)
def test_whose_a_complaint_is_and_what_is_none(row: dict[str, Any], kind: str, email: str) -> None:
    """Without a recipient it is the only one's that the mail went to; not-spam is the contrary."""
    [event] = ses.events(row)

    assert (kind, email) == (event.kind, event.email)


def test_a_bounce_without_recipients_is_the_only_ones_that_was_mailed() -> None:
    """SES sometimes lists nobody; of a mail to several it can't be said whose it is."""
    row = bounce("Permanent", "General")
    row["bounce"]["bouncedRecipients"] = []
    to_two = {**row, "mail": mail(ANN, BOB)}

    assert [ANN] == [event.email for event in ses.events(row)]
    assert [""] == [event.email for event in ses.events(to_two)]


@pytest.mark.parametrize(
    "wrapped",
    [
        {"Type": "Notification", "Message": SES_BOUNCE},
        {"MessageId": "q1", "Body": json.dumps(in_sns(SES_BOUNCE))},
        {"messageId": "q1", "body": json.dumps(SES_BOUNCE)},
        {"recordId": "f1", "data": base64.b64encode(json.dumps(SES_BOUNCE).encode()).decode()},
        {"kinesis": {"data": base64.b64encode(json.dumps(SES_BOUNCE).encode()).decode()}},
        {"body": json.dumps({"detail-type": "Email Bounced", "detail": SES_BOUNCE})},
    ],
    ids=["SNS object", "SQS of SNS", "SQS", "Firehose", "Kinesis", "SQS of EventBridge"],
)
def test_a_record_in_any_envelope_is_the_same(wrapped: dict[str, Any]) -> None:
    """What carried a record changes nothing about it."""
    assert ses.recognises(wrapped)
    assert ses.events(SES_BOUNCE) == ses.events(wrapped)


@pytest.mark.parametrize(
    "row",
    [{"mail": ANN, "event": "open"}, {"body": "hello"}, {"data": "QUFB"}, {"data": [1]}, {}],
)
def test_what_only_looks_like_a_record_is_not_ses(row: dict[str, Any]) -> None:
    """A column `mail` holds addresses in many tables, and `body` and `data` anything."""
    assert not ses.recognises(row)


def test_a_record_laid_flat_is_the_same() -> None:
    """Athena writes names in lower case, lists and objects as Presto does, commas and all."""
    row = {
        "eventtype": "Bounce",
        "mail_timestamp": "2026-09-14T09:00:00Z",
        "mail_messageid": "0100-a",
        "mail_destination": "[ann@one.example, bob@two.example]",
        "bounce_bouncetype": "Permanent",
        "bounce_bouncesubtype": "General",
        "bounce_timestamp": "2026-09-14T09:00:05.669Z",
        "bounce_bouncedrecipients": "[{emailaddress=Ann@one.example, action=failed, status=5.1.1, "
        "diagnosticcode=smtp; 550 5.1.1 nobody of that name}, "
        "{emailaddress=bob@two.example, action=null, status=null, diagnosticcode=null}]",
    }
    dotted = {name.replace("_", ".", 1): cell for name, cell in row.items()}
    lower = {"eventtype": "Open", "mail": {"messageid": "m", "destination": [ANN]}}

    def told(events: list[Any]) -> list[tuple[str, ...]]:
        return [
            (event.email, event.message_id, event.bounce_code, event.bounce_text, str(event.ts))
            for event in events
        ]

    assert ses.recognises(row)
    assert told(ses.events(SES_BOUNCE)) == told(ses.events(row)) == told(ses.events(dotted))
    assert [("m", ANN)] == [(event.message_id, event.email) for event in ses.events(lower)]


def test_the_suppression_list_of_the_account_is_read() -> None:
    """Each address that it holds, page by page or entry by entry, with the reason in the word."""
    entry = {"EmailAddress": ANN, "Reason": "BOUNCE", "LastUpdateTime": "2026-09-14T09:00:00Z"}
    page = {"SuppressedDestinationSummaries": [entry], "NextToken": "t"}

    assert ses.recognises(entry)
    assert ses.recognises(page)
    [event] = ses.events(page)
    assert [event] == ses.events(entry)
    assert ("suppressed", "listed BOUNCE", ANN) == (event.kind, event.raw_kind, event.email)
