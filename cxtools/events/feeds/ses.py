"""
Amazon SES: event publishing and plain notifications, also inside what carried them, tables that
were made of them, and its list of suppressed addresses.

Notifications have the same objects under `notificationType` instead of `eventType`; their page is
docs.aws.amazon.com/ses/latest/dg/notification-contents.html.
"""

from __future__ import annotations

from typing import Any

from cxtools.addresses import clean_address
from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.envelopes import carried_record, nested_record
from cxtools.events.feeds.values import Row, cell_text
from cxtools.model import Event

NAME = "ses"
TITLE = "Amazon SES"
SOURCE = "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html"
EXPORT = (
    "A configuration set's event destination (SNS, Firehose, EventBridge) or the identity's "
    "notifications: keep the messages as they come, also from SQS, a Lambda's log or Athena. "
    "`aws sesv2 list-suppressed-destinations` for the account's suppression list."
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
NOT_TRIED = {"Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"}
#: Bounces that may be automatic answers, by type and subtype.
#:
#: A refusal on the line has a status, since SES writes it down itself, and so has a proper notice
#: of a server. What comes without action, status and diagnostic is a mail in answer to one that had
#: arrived, and SES could not read a bounce in it: out of the office, as its guide says. So the row
#: is enough, whether or not the feed holds deliveries. Where SES read more in such an answer, a
#: full mailbox or a permanent failure, it remains a bounce.
ANSWERS = {("Transient", "General"), ("Undetermined", "Undetermined")}
PROOF = ("action", "status", "diagnosticCode")
#: Feedback that is none about this message: the contrary of a complaint, and a report on DMARC.
NOT_COMPLAINTS = {"not-spam", "auth-failure"}

#: What the list of suppressed destinations has.
LISTED = {"EmailAddress", "Reason", "LastUpdateTime"}
LIST = "SuppressedDestinationSummaries"
#: Columns of tables in which a record was laid flat.
FLAT_WORDS = ("eventtype", "notificationtype")
#: Names that tables have in lower case only.
NAMES = (
    "eventType",
    "notificationType",
    "messageId",
    "emailAddress",
    "diagnosticCode",
    "bounceType",
    "bounceSubType",
    "complaintSubType",
    "complaintFeedbackType",
    *RECIPIENTS.values(),
    *FIELDS.values(),
)


def recognises(row: Row) -> bool:
    """
    Whether a row is a record of SES, the envelope of one, or of its suppression list.

    >>> recognises({"eventType": "Open", "mail": {}}), recognises({"detail-type": "Email Opened"})
    (True, True)
    >>> recognises({"mail": "ann@one.example", "event": "open"})
    False
    """
    if isinstance(row.get("mail"), dict):
        return True
    in_sns = "Type" in row and bool(row.get("Message"))
    in_event_bridge = str(row.get("detail-type", "")).startswith("Email ")
    is_listed = LIST in row or row.keys() >= LISTED
    return in_sns or in_event_bridge or is_listed or _is_flat(row) or _is_carried(row)


def _is_carried(row: Row) -> bool:
    record = carried_record(row, "mail")
    return record is not None and isinstance(record["mail"], dict)


def _is_flat(row: Row) -> bool:
    """Whether a record's values stand in columns, as `mail_messageid` and `bounce_bouncetype`."""
    names = {name.lower().replace(".", "_") for name in row}
    return "mail_messageid" in names and not names.isdisjoint(FLAT_WORDS)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per recipient; an open or click of a mail to several people names none of them, since
    SES doesn't say whose it was.
    """
    if LIST in row:
        return [_listed_event(each, dialect) for each in row[LIST]]
    if row.keys() >= LISTED:
        return [_listed_event(row, dialect)]
    record = _record(row)
    word = str(record.get("eventType") or record.get("notificationType") or "")
    mail = record.get("mail")
    if not word or not isinstance(mail, dict):
        raise ValueError("not an SES record: eventType or notificationType, or mail, is missing")
    details = record.get(SECTIONS.get(word, "")) or {}
    people = _people(word, mail, details)
    return [_event(word, mail, details, person, dialect) for person in people or [{}]]


def _record(row: Row) -> Row:
    """The record of a row: itself, what it carries, or what was laid flat in it."""
    record = carried_record(row, "mail") or row
    is_lower = any(name in record for name in FLAT_WORDS)
    if _is_flat(record) or is_lower:
        return nested_record(record, ("mail", *SECTIONS.values()), NAMES)
    return record


def _people(word: str, mail: Row, details: Row) -> list[dict[str, Any]]:
    """The recipients that a record names, each as an object; none where it can't be said whose."""
    if word in RECIPIENTS:
        recipients = details.get(RECIPIENTS[word])
    else:
        recipients = mail.get("destination")
    destinations = mail.get("destination") or ()
    if not recipients and len(destinations) == 1:
        recipients = destinations
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
    texts = {field: cell_text(details.get(name)) for field, name in FIELDS.items()}
    texts |= {
        "message_id": message_id,
        "email": cell_text(person.get("emailAddress")),
        "bounce_code": cell_text(person.get("status")),
        "bounce_text": cell_text(person.get("diagnosticCode")),
        "bounce_class": _bounce_class(details),
    }
    # The mail's headers are left out: they would be repeated for every recipient.
    kept_row = {
        "eventType": word,
        "messageId": message_id,
        "timestamp": time,
        "details": details,
        "recipient": person,
    }
    kind, full_word = _meaning(word, details, person, dialect)
    return build_event(
        kept_row,
        dialect,
        kind=dialect.kind({full_word: kind}, full_word),
        word=full_word,
        time=time,
        texts=texts,
        was_mailed=_was_mailed(texts["email"], mail),
    )


def _was_mailed(address: str, mail: Row) -> bool:
    """Whether a mail went to an address, and not to somebody who forwards it there."""
    destinations = {clean_address(cell_text(each)) for each in mail.get("destination") or ()}
    return clean_address(address) in destinations


def _listed_event(row: Row, dialect: Dialect) -> Event:
    """An address of the account's suppression list: it isn't mailed, since the moment it has."""
    return build_event(
        row,
        dialect,
        kind="suppressed",
        word=f"listed {cell_text(row['Reason'])}".strip(),
        time=row["LastUpdateTime"],
        texts={"email": cell_text(row["EmailAddress"])},
    )


def _meaning(word: str, details: Row, person: Row, dialect: Dialect) -> tuple[str, str]:
    """Our kind, and SES's word with what makes it that kind."""
    kind = dialect.kind(WORDS, word)
    subtypes = {details.get("bounceSubType"), details.get("complaintSubType")}
    feedback = cell_text(details.get("complaintFeedbackType"))
    if subtypes & NOT_TRIED:
        return "suppressed", word
    if kind == "unsubscribe" and not _opts_out(details):
        return "none", word
    if kind == "complaint" and feedback in NOT_COMPLAINTS:
        return "none", f"{word} {feedback}"
    if kind == "bounce" and _is_answer(details, person):
        return "none", f"{word} automatic answer"
    return kind, word


def _is_answer(details: Row, person: Row) -> bool:
    types = (details.get("bounceType"), details.get("bounceSubType"))
    return types in ANSWERS and not any(person.get(name) for name in PROOF)


def _opts_out(subscription: Row) -> bool:
    """SES calls a new subscription and the end of one by the same word."""
    preferences = subscription.get("newTopicPreferences") or {}
    topics = preferences.get("topicSubscriptionStatus") or ()
    opted_out = any(topic.get("subscriptionStatus") == "OptOut" for topic in topics)
    return opted_out or bool(preferences.get("unsubscribeAll"))


def _bounce_class(details: Row) -> str:
    """SES's own type and subtype of a bounce, as in "ses: Permanent General"."""
    types = (details.get("bounceType"), details.get("bounceSubType"))
    words = " ".join(filter(None, types))
    return f"ses: {words}" if words else ""
