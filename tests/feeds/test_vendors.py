"""What the webhooks and logs of sending platforms say beside their words, and what they don't."""

from __future__ import annotations

from typing import Any

import pytest

from cxtools.events import feeds
from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.model import Event

PERSON = "ann@one.example"
#: Records of which each feed takes one event; the cases below change them.
RECORDS: dict[str, dict[str, Any]] = {
    "mailgun": {
        "event": "failed",
        "recipient": PERSON,
        "timestamp": 1789376400.5,
        "message": {"headers": {"message-id": "m1"}},
    },
    "postmark": {"RecordType": "Delivery", "MessageID": "m1", "Recipient": PERSON},
    "sparkpost": {"msys": {"message_event": {"type": "delivery", "rcpt_to": PERSON}}},
    "mailjet": {"event": "sent", "MessageID": 19421777835146490, "mj_campaign_id": 7},
    "brevo": {"event": "opened", "email": PERSON, "message-id": "<m1>", "ts_epoch": 1789376400000},
    "mandrill": {"event": "send", "_id": "m1", "ts": 1789376400, "msg": {"email": PERSON}},
    "resend": {"type": "email.sent", "data": {"email_id": "m1", "to": [PERSON]}},
    "kumomta": {"type": "Delivery", "id": "m1", "recipient": PERSON, "num_attempts": 0},
}


def read(name: str, dialect: Dialect = STANDARD, **changed: Any) -> list[Event]:
    row = RECORDS[name] | changed
    assert name == feeds.recognise(row)
    return feeds.read(row, name, dialect)


# --- what is no event of a message that was sent ---


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("mailgun", {"event": "stored"}, "about a message that came in"),
        ("mailgun", {"event": "list_uploaded"}, "about a mailing list"),
        ("mailgun", {"event": ""}, "event is missing"),
        ("postmark", {"RecordType": "Inbound"}, "about a message that came in"),
        ("postmark", {"RecordType": "Bounce", "Type": "InboundError"}, "came in"),
        ("sparkpost", {"msys": {}}, "test of the webhook"),
        ("sparkpost", {"msys": {"relay_event": {"type": "relay_delivery"}}}, "mail that came in"),
        ("sparkpost", {"msys": {"ab_test_event": {"type": "ab_test_completed"}}}, "about a test"),
        ("sparkpost", {"msys": {"message_event": {"rcpt_to": PERSON}}}, "type is missing"),
        ("mailjet", {"event": None}, "event is missing"),
        ("brevo", {"event": "list_addition"}, "about a contact"),
        ("mandrill", {"event": "inbound"}, "about a message that came in"),
        ("mandrill", {"type": "denylist", "action": "add", "event": ""}, "about a list"),
        ("mandrill", {"mandrill_events": "[]"}, "holds no event"),
        ("mandrill", {"mandrill_events": '{"event": "send"}'}, "not an array of events"),
        ("resend", {"type": "email.received"}, "about a message that came in"),
        ("resend", {"type": "contact.created"}, "about a contact"),
        ("resend", {"type": "suppression.added"}, "about a list of addresses"),
        ("kumomta", {"type": "Rejection"}, "did not take in"),
        ("kumomta", {"type": "Feedback", "recipient": None}, "neither message nor recipient"),
    ],
)
def test_what_is_no_event_of_a_message_is_set_aside_with_its_reason(
    name: str, changed: dict[str, Any], reason: str
) -> None:
    """Tests of a webhook, incoming mail, contacts: nothing that happened to a message."""
    with pytest.raises(ValueError, match=reason):
        read(name, **changed)


# --- kinds that take more than a word ---


@pytest.mark.parametrize(
    ("name", "changed", "kind"),
    [
        ("mailgun", {"severity": "temporary", "reason": "generic"}, "deferral"),
        ("mailgun", {"severity": "temporary", "reason": "old"}, "bounce"),
        ("mailgun", {"severity": "permanent", "delivery-status": {"code": 607}}, "suppressed"),
        ("mailgun", {"severity": "teleported"}, "unknown"),
        (
            "sparkpost",
            {"msys": {"e": {"type": "bounce", "bounce_class": 60, "rcpt_to": "a"}}},
            "none",
        ),
        ("mailjet", {"event": "bounce", "error": "greylisted"}, "deferral"),
        ("resend", {"type": "email.bounced"}, "bounce"),
        ("kumomta", {"type": "Bounce", "bounce_classification": "AutoReply"}, "none"),
    ],
)
def test_a_kind_that_takes_more_than_a_word(name: str, changed: dict[str, Any], kind: str) -> None:
    """Severity, reason, class: what the platform says beside its word."""
    assert [kind] == [event.kind for event in read(name, **changed)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("The address is on the account-level suppression list", "suppressed"),
        ("The server refused it for good", "bounce"),
    ],
)
def test_a_bounce_of_resend_without_types_is_known_by_its_words(message: str, kind: str) -> None:
    """Older webhooks have a message only; it describes the type, so it is not kept as a text."""
    data = RECORDS["resend"]["data"] | {"bounce": {"message": message}}
    [event] = read("resend", type="email.bounced", data=data)

    assert (kind, "", "") == (event.kind, event.bounce_text, event.bounce_class)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("abuse", "complaint"),
        ("Abuse", "complaint"),
        ("fraud", "complaint"),
        ("", "complaint"),
        ("not-spam", "none"),
        ("auth-failure", "none"),
        ("opt-out", "unsubscribe"),
    ],
)
def test_feedback_is_a_complaint_unless_it_says_otherwise(word: str, kind: str) -> None:
    """A report that a mail is not spam is the opposite of a complaint."""
    report = {"feedback_type": word, "original_rcpto_to": [f"<{PERSON}>"]}
    [event] = read("kumomta", type="Feedback", feedback_report=report)

    assert (kind, PERSON, "") == (event.kind, event.email, event.message_id)


@pytest.mark.parametrize("name", RECORDS)
def test_the_users_words_go_before_the_feeds(name: str) -> None:
    """`--event-map` says what a word means, whatever the platform's page says."""
    [event] = read(name)
    [mapped] = read(name, Dialect(event_map={event.raw_kind: "complaint"}))

    assert "complaint" == mapped.kind


# --- machines ---


@pytest.mark.parametrize(
    ("bot", "by_machine"), [("apple", True), ("generic", True), ("", False), (None, None)]
)
def test_mailgun_says_which_bot_opened(bot: str | None, by_machine: bool | None) -> None:
    """A name is a bot's, "" says that there was none, nothing says nothing."""
    client: dict[str, Any] = {"client-info": {"bot": bot}}
    [event] = read("mailgun", event="opened", **client)

    assert by_machine is event.by_machine


@pytest.mark.parametrize(
    ("word", "by_machine"), [("proxy_open", True), ("unique_proxy_open", True), ("opened", None)]
)
def test_brevo_has_words_for_opens_of_a_proxy(word: str, by_machine: bool | None) -> None:
    """A proxy's open is a machine's; the others are not said to be a person's."""
    [event] = read("brevo", event=word)

    assert ("open", by_machine) == (event.kind, event.by_machine)


# --- who, when, and nothing made up ---


def test_a_mail_of_resend_to_several_names_nobody_who_opened() -> None:
    """It was delivered to both; who opened isn't said."""
    data = {"email_id": "m1", "to": [PERSON, "Bob <bob@one.example>"]}
    people = {
        word: [event.email for event in read("resend", type=word, data=data)]
        for word in ("email.delivered", "email.opened")
    }

    assert {"email.delivered": [PERSON, "bob@one.example"], "email.opened": [""]} == people


@pytest.mark.parametrize(
    ("changed", "hour"),
    [
        ({"ts_epoch": 1789376400000}, 9),
        ({"ts_epoch": None, "ts_event": 1789376400}, 9),
        ({"ts_epoch": None, "ts_event": None, "date": "2026-09-14T11:00:00+02:00"}, 9),
    ],
)
def test_a_moment_of_brevo_is_the_one_in_utc(changed: dict[str, Any], hour: int) -> None:
    """`ts_epoch` before `ts_event` before `date`, which is in the account's zone."""
    [event] = read("brevo", **changed)

    assert event.ts
    assert hour == event.ts.hour


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("mailgun", {"recipient": {"address": PERSON}}),
        ("postmark", {"Recipient": [PERSON, "bob@one.example"]}),
        ("mailjet", {"email": True}),
        ("brevo", {"message-id": {"id": "m1"}}),
        ("kumomta", {"id": ["m1", "m2"]}),
    ],
)
def test_no_list_or_object_becomes_a_text(name: str, changed: dict[str, Any]) -> None:
    """Where a text is expected, a list of one is what it holds, and anything else costs the row."""
    with pytest.raises(ValueError, match=r"list of several|neither a text nor a number"):
        read(name, **changed)
