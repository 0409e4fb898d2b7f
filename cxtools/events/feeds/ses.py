"""
Amazon SES: event publishing and plain notifications, also inside SNS, Lambda or EventBridge.

Notifications have the same objects under `notificationType` instead of `eventType`; their page is
docs.aws.amazon.com/ses/latest/dg/notification-contents.html.
"""

from __future__ import annotations

import json
from typing import Any

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text
from cxtools.model import Event

NAME = "ses"
TITLE = "Amazon SES"
SOURCE = "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html"
EXPORT = (
    "A configuration set's event destination (SNS, Firehose, EventBridge) or the identity's "
    "notifications: keep the messages as they come."
)
NEVER_TELLS = "which of several recipients of one mail opened or clicked"

WORDS = {
    "Send": "sent",
    "Delivery": "delivery",
    "DeliveryDelay": "deferral",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Open": "open",
    "Click": "click",
    "Subscription": "unsubscribe",
    "Reject": "suppressed",
    "Rendering Failure": "suppressed",
}
#: Word -> the object of the record that holds the details.
SECTIONS = {
    "Send": "send",
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Open": "open",
    "Click": "click",
    "Subscription": "subscription",
    "Reject": "reject",
    "Rendering Failure": "failure",
}
#: Word -> the list in that object that names the recipients; otherwise they are the mail's own.
RECIPIENTS = {
    "Delivery": "recipients",
    "DeliveryDelay": "delayedRecipients",
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
}
#: Our field -> what the details call it.
FIELDS = {
    "link_url": "link",
    "user_agent": "userAgent",
    "ip": "ipAddress",
}

#: What one person did: SES doesn't say which, where a mail went to several.
ONE_PERSONS = {"Open", "Click"}

#: Subtypes of a bounce or complaint: SES didn't even try, the address is on a list of its own.
NOT_TRIED = {"Suppressed", "OnAccountSuppressionList"}


def recognises(row: Row) -> bool:
    """
    Whether a row is a record of SES, or the envelope of one.

    >>> recognises({"eventType": "Open", "mail": {}}), recognises({"event": "open", "mail": "a@b"})
    (True, False)
    """
    in_sns = "Type" in row and bool(row.get("Message"))
    in_event_bridge = "detail-type" in row and isinstance(row.get("detail"), dict)
    return in_sns or in_event_bridge or isinstance(row.get("mail"), dict)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per recipient; an open or click of a mail to several people names none of them, since
    SES doesn't say whose it was.
    """
    record = _unwrap(row)
    word = str(record.get("eventType") or record.get("notificationType") or "")
    mail = record.get("mail")
    if not word or not isinstance(mail, dict):
        raise ValueError("not an SES record: eventType or notificationType, or mail, is missing")
    details = record.get(SECTIONS.get(word, "")) or {}
    people = _people(word, mail, details)
    return [_event(word, mail, details, person, dialect) for person in people or [{}]]


def _unwrap(row: Row) -> Row:
    """The record inside what carried it: an SNS notification, an EventBridge event, or nothing."""
    if isinstance(row.get("Message"), str) and "mail" not in row:
        record = json.loads(row["Message"])
        return record if isinstance(record, dict) else {}
    detail = row.get("detail")
    return detail if isinstance(detail, dict) else row


def _people(word: str, mail: Row, details: Row) -> list[dict[str, Any]]:
    """The recipients that a record names, each as an object; none where it can't be said whose."""
    if word in RECIPIENTS:
        recipients = details.get(RECIPIENTS[word])
    else:
        recipients = mail.get("destination")
    people = [_person(recipient) for recipient in recipients or ()]
    if word in ONE_PERSONS and len(people) > 1:
        return []
    return people


def _person(recipient: object) -> dict[str, Any]:
    """A recipient as an object: some lists hold bare addresses."""
    if isinstance(recipient, dict):
        return recipient
    return {"emailAddress": recipient}


def _event(word: str, mail: Row, details: Row, person: Row, dialect: Dialect) -> Event:
    time = str(details.get("timestamp") or mail.get("timestamp") or "")
    if not time and not person:
        raise ValueError("an SES record without a recipient and without a time")
    message_id = cell_text(mail.get("messageId"))
    bounce_class = _bounce_class(details)
    texts = {field: cell_text(details.get(name)) for field, name in FIELDS.items()}
    texts |= {
        "message_id": message_id,
        "email": cell_text(person.get("emailAddress")),
        "bounce_code": cell_text(person.get("status")),
        "bounce_text": cell_text(person.get("diagnosticCode")) or bounce_class,
        "bounce_class": bounce_class,
    }
    # The mail's headers are left out: they would be repeated for every recipient.
    kept_row = {
        "eventType": word,
        "messageId": message_id,
        "details": details,
        "recipient": person,
    }
    kind = _kind(word, details, dialect)
    return build_event(kept_row, dialect, kind=kind, word=word, time=time, texts=texts)


def _kind(word: str, details: Row, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word)
    subtypes = {details.get("bounceSubType"), details.get("complaintSubType")}
    if subtypes & NOT_TRIED:
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


def _bounce_class(details: Row) -> str:
    """SES's own type and subtype of a bounce, as in "Permanent General"."""
    types = (details.get("bounceType"), details.get("bounceSubType"))
    return " ".join(filter(None, types))
