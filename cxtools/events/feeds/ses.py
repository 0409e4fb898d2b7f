"""
Amazon SES: event publishing and plain notifications, also inside SNS, Lambda or EventBridge.

Notifications have the same objects under `notificationType` instead of `eventType`; their page is
docs.aws.amazon.com/ses/latest/dg/notification-contents.html.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cxtools.events.feeds.values import Row, build_event, cell_text
from cxtools.model import Event

NAME = "ses"
TITLE = "Amazon SES"
SOURCE = "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html"


class Meaning(NamedTuple):
    """
    What a word of SES says: our kind, the object that holds the details, and the list in it that
    names the recipients ("": they are the mail's own).
    """

    kind: str
    section: str
    recipients: str = ""


WORDS = {
    "Send": Meaning("sent", "send"),
    "Delivery": Meaning("delivery", "delivery", "recipients"),
    "DeliveryDelay": Meaning("deferral", "deliveryDelay", "delayedRecipients"),
    "Bounce": Meaning("bounce", "bounce", "bouncedRecipients"),
    "Complaint": Meaning("complaint", "complaint", "complainedRecipients"),
    "Open": Meaning("open", "open"),
    "Click": Meaning("click", "click"),
    "Subscription": Meaning("unsubscribe", "subscription"),
    "Reject": Meaning("suppressed", "reject"),
    "Rendering Failure": Meaning("suppressed", "failure"),
}
UNKNOWN = Meaning("unknown", "")

#: Subtypes of a bounce or complaint: SES didn't even try, the address is on a list of its own.
NOT_TRIED = {"Suppressed", "OnAccountSuppressionList"}


def recognises(row: Row) -> bool:
    """
    Whether a row is a record of SES, or the envelope of one.

    >>> recognises({"eventType": "Open", "mail": {}}), recognises({"detail-type": "Email Opened"})
    (True, True)
    """
    in_sns = "Type" in row and "Message" in row
    return "mail" in row or in_sns or "detail-type" in row


def events(row: Row) -> list[Event]:
    """
    One event per recipient; an open or click of a mail to several people names none of them, since
    SES doesn't say whose it was.
    """
    record = _unwrap(row)
    word = str(record.get("eventType") or record.get("notificationType") or "")
    mail = record.get("mail")
    if not word or not isinstance(mail, dict):
        raise ValueError("not an SES record: eventType or notificationType, or mail, is missing")
    meaning = WORDS.get(word, UNKNOWN)
    details = record.get(meaning.section) or {}
    kind = _kind(meaning.kind, details)
    return [
        _event(kind, word, mail, details, person)
        for person in _people(meaning, mail, details) or [{}]
    ]


def _unwrap(row: Row) -> Row:
    """The record inside what carried it: an SNS notification, an EventBridge event, or nothing."""
    if isinstance(row.get("Message"), str) and "mail" not in row:
        record = json.loads(row["Message"])
        return record if isinstance(record, dict) else {}
    detail = row.get("detail")
    return detail if isinstance(detail, dict) else row


def _kind(kind: str, details: Row) -> str:
    if NOT_TRIED & {details.get("bounceSubType"), details.get("complaintSubType")}:
        return "suppressed"
    if kind == "unsubscribe" and not _opts_out(details):
        return "unknown"
    return kind


def _opts_out(subscription: Row) -> bool:
    """SES calls a new subscription and the end of one by the same word."""
    preferences = subscription.get("newTopicPreferences") or {}
    topics = preferences.get("topicSubscriptionStatus") or ()
    opted_out = any(topic.get("subscriptionStatus") == "OptOut" for topic in topics)
    return opted_out or bool(preferences.get("unsubscribeAll"))


def _people(meaning: Meaning, mail: Row, details: Row) -> list[dict[str, Any]]:
    """The recipients that a record names, each as an object; none where it can't be said whose."""
    source = details.get(meaning.recipients) if meaning.recipients else mail.get("destination")
    people = list(source or ())
    if meaning.kind in {"open", "click"} and len(people) > 1:
        return []
    return [person if isinstance(person, dict) else {"emailAddress": person} for person in people]


def _event(kind: str, word: str, mail: Row, details: Row, person: Row) -> Event:
    time = str(details.get("timestamp") or mail.get("timestamp") or "")
    if not time and not person:
        raise ValueError("an SES record without a recipient and without a time")
    message_id = cell_text(mail.get("messageId"))
    # The mail's headers are left out: they would be repeated for every recipient.
    kept_row = {
        "eventType": word,
        "messageId": message_id,
        "details": details,
        "recipient": person,
    }
    bounce_class = _bounce_class(details)
    texts = {
        "message_id": message_id,
        "email": _address(person),
        "bounce_code": cell_text(person.get("status")),
        "bounce_text": cell_text(person.get("diagnosticCode")) or bounce_class,
        "bounce_class": bounce_class,
        "link_url": cell_text(details.get("link")),
        "user_agent": cell_text(details.get("userAgent")),
        "ip": cell_text(details.get("ipAddress")),
    }
    return build_event(kept_row, kind=kind, word=word, time=time, texts=texts)


def _address(person: Row) -> str:
    from email.utils import parseaddr

    _, address = parseaddr(cell_text(person.get("emailAddress")))
    return address


def _bounce_class(details: Row) -> str:
    """SES's own type and subtype of a bounce, as in "Permanent General"."""
    types = (details.get("bounceType"), details.get("bounceSubType"))
    return " ".join(filter(None, types))
