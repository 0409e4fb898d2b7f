"""
Other systems' words for what happened to a message, translated once, in one table per vendor. Pure;
reads no file.

Each `…_events(row)` gives the events of one record (SES tells of several recipients at once) or
raises ValueError with the reason why it can't be one. A kind we don't know is kept as "unknown"
with the vendor's word in `raw_kind`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr, parsedate_to_datetime
from functools import cache, partial
from typing import Any

from cxtools.model import KINDS, Event
from cxtools.text import parse_moment

Row = Mapping[str, Any]

# ---- Amazon SES: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
# and …/notification-contents.html

#: eventType (notificationType in plain notifications) -> our kind, the object with the details, its
#: list of people ("": mail.destination).
SES = {
    "Send": ("sent", "send", ""),
    "Delivery": ("delivery", "delivery", "recipients"),
    "DeliveryDelay": ("deferral", "deliveryDelay", "delayedRecipients"),
    "Bounce": ("bounce", "bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complaint", "complainedRecipients"),
    "Open": ("open", "open", ""),
    "Click": ("click", "click", ""),
    "Subscription": ("unsubscribe", "subscription", ""),
    "Reject": ("suppressed", "reject", ""),
    "Rendering Failure": ("suppressed", "failure", ""),
}
#: Subtypes of a bounce or complaint that say SES didn't even try: the address is on its own list.
SES_NOT_TRIED = ("Suppressed", "OnAccountSuppressionList")


def ses_record(row: Row) -> Row:
    """The record inside what carried it: an SNS notification, an EventBridge event, or nothing."""
    if isinstance(row.get("Message"), str) and "mail" not in row:
        inner = json.loads(row["Message"])
        return inner if isinstance(inner, dict) else {}
    detail = row.get("detail")
    return detail if isinstance(detail, dict) else row


def ses_events(row: Row) -> list[Event]:
    """
    One event per recipient; an open or click of a mail to several people names none of them, since
    SES doesn't say whose it was.
    """
    record = ses_record(row)
    word = str(record.get("eventType") or record.get("notificationType") or "")
    mail = record.get("mail")
    if not word or not isinstance(mail, dict):
        raise ValueError("no SES record: eventType or notificationType, or mail, is missing")
    kind, section, listed = SES.get(word, ("unknown", "", ""))
    details = record.get(section) or {}
    people = details.get(listed) if listed else mail.get("destination")
    people = [one if isinstance(one, dict) else {"emailAddress": one} for one in people or ()]
    if kind in ("open", "click") and len(people) > 1:
        people = []
    if {details.get("bounceSubType"), details.get("complaintSubType")} & set(SES_NOT_TRIED):
        kind = "suppressed"
    if kind == "unsubscribe" and not _opts_out(details):
        kind = "unknown"
    return [_ses_event(kind, word, mail, details, one) for one in people or [{}]]


def _ses_event(kind: str, word: str, mail: Row, details: Row, person: Row) -> Event:
    ts = str(details.get("timestamp") or mail.get("timestamp") or "")
    if not (ts or person):
        raise ValueError("an SES record without a recipient and without a time")
    said = text(person.get("diagnosticCode")) or " ".join(
        filter(None, (details.get("bounceType"), details.get("bounceSubType")))
    )
    known = {
        "message_id": text(mail.get("messageId")),
        "email": parseaddr(text(person.get("emailAddress")))[1],
        "bounce_code": text(person.get("status")),
        "bounce_text": said,
        "link_url": text(details.get("link")),
        "user_agent": text(details.get("userAgent")),
        "ip": text(details.get("ipAddress")),
    }
    # The row without the mail's headers, which would be repeated for every recipient.
    return _event(
        kind,
        word,
        ts,
        known,
        {
            "eventType": word,
            "messageId": known["message_id"],
            "details": details,
            "recipient": person,
        },
    )


def _opts_out(subscription: Row) -> bool:
    preferences = subscription.get("newTopicPreferences") or {}
    topics = preferences.get("topicSubscriptionStatus") or ()
    return bool(preferences.get("unsubscribeAll")) or any(
        topic.get("subscriptionStatus") == "OptOut" for topic in topics
    )


# ---- SendGrid: twilio.com/docs/sendgrid/for-developers/tracking-events/event

#: event -> our kind. A "bounce" of type "blocked" is a bounce too; the verdict tells them apart.
#: "machine_open" is our word for an open
#: with sg_machine_open: Apple's mail privacy fetched the images, whoever read it.
SENDGRID = {
    "processed": "sent",
    "delivered": "delivery",
    "deferred": "deferral",
    "bounce": "bounce",
    "blocked": "bounce",
    "dropped": "suppressed",
    "open": "open",
    "machine_open": "open",
    "click": "click",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}
#: Our field -> SendGrid's, the first that is there.
SENDGRID_FIELDS = {
    "event_id": ("sg_event_id",),
    "message_id": ("sg_message_id", "smtp-id"),
    "email": ("email",),
    "bounce_code": ("status",),
    "bounce_text": ("reason", "response"),
    "link_url": ("url",),
    "user_agent": ("useragent",),
    "ip": ("ip",),
}
#: What SendGrid's own machines append to a message's id; it differs between events of one message.
SENDGRID_SUFFIX = re.compile(r"\.(filter|recvd).*$")


def sendgrid_events(row: Row) -> list[Event]:
    """
    One event per record; `message_id` is the sg_message_id without the name of the machine that
    handled it.
    """
    word = text(row.get("event"))
    if not word:
        raise ValueError("event is missing")
    if word == "open" and text(row.get("sg_machine_open")).lower() == "true":
        word = "machine_open"
    known = {
        name: next(filter(None, (text(row.get(wire)) for wire in wires)), "")
        for name, wires in SENDGRID_FIELDS.items()
    }
    known["message_id"] = SENDGRID_SUFFIX.sub("", known["message_id"])
    return [_event(SENDGRID.get(word, "unknown"), word, row.get("timestamp"), known, row)]


# ---- CXone, and any other table


def cxone_events(row: Row) -> list[Event]:
    """One event per record, as the API words it."""
    return [replace(Event.from_api(row), ts=_told(row.get("timestamp")))]


#: Words for what happened -> our kind, for tables without a map of their own; as `spelled` leaves
#: them.
WORDS = {
    **{kind: kind for kind in KINDS},
    "delivered": "delivery",
    "bounced": "bounce",
    "hardbounce": "bounce",
    "softbounce": "bounce",
    "opened": "open",
    "clicked": "click",
    "spam": "complaint",
    "spamreport": "complaint",
    "complained": "complaint",
    "unsub": "unsubscribe",
    "unsubscribed": "unsubscribe",
    "optout": "unsubscribe",
    "deferred": "deferral",
    "delayed": "deferral",
    "dropped": "suppressed",
    "send": "sent",
    "processed": "sent",
    "injected": "sent",
}
#: Our field -> what columns with it are called, as `spelled` leaves them; the first name wins over
#: the others.
COLUMNS = {
    "kind": ("kind", "event", "eventtype", "type", "action", "activity"),
    "ts": (
        "ts",
        "timestamp",
        "eventtime",
        "eventtimestamp",
        "eventat",
        "occurredat",
        "datetime",
        "time",
        "date",
        "createdat",
    ),
    "email": (
        "email",
        "emailaddress",
        "recipientemail",
        "toaddress",
        "recipient",
        "address",
        "to",
        "mail",
    ),
    "message_id": ("messageid", "msgid", "emailid", "mailid"),
    "recipient_id": (
        "recipientid",
        "contactid",
        "subscriberid",
        "customerid",
        "userid",
        "personid",
    ),
    "job_id": ("jobid", "batchid", "mailingid", "sendid"),
    "event_id": ("eventid", "eventuuid"),
    "bounce_code": ("bouncecode", "statuscode", "smtpcode", "enhancedstatus", "dsnstatus"),
    "bounce_text": (
        "bouncetext",
        "bouncedescription",
        "bouncereason",
        "diagnosticcode",
        "diagnostic",
        "reason",
        "response",
    ),
    "link_url": ("linkurl", "url", "link", "clickedurl", "href"),
    "user_agent": ("useragent", "ua"),
    "ip": ("ip", "ipaddress", "clientip"),
}
FIELDS = {name: field for field, names in COLUMNS.items() for name in names}


def table_events(
    column_map: Mapping[str, str], event_map: Mapping[str, str]
) -> Callable[[Row], list[Event]]:
    """
    A reader for tables of events: *column_map* column -> field, other columns by COLUMNS;
    *event_map* word -> kind, others by WORDS.

    An empty word in *event_map* is the kind of rows that have none: a table of opens needs no
    column that says so.

    >>> read = table_events({"who": "email"}, {"": "open"})
    >>> [event] = read({"who": "ann@example.com", "time": "2026-09-14 10:00"})
    >>> event.kind, event.ts.hour
    ('open', 10)
    """
    kinds = {spelled(word): kind for word, kind in event_map.items()}
    known_columns = cache(partial(columns_of, column_map=column_map))

    def read(row: Row) -> list[Event]:
        columns = known_columns(tuple(row))
        known = {field: text(row[column]) for field, column in columns.items() if field != "ts"}
        word = known.pop("kind", "")
        kind = kinds.get(spelled(word)) or WORDS.get(spelled(word), "unknown" if word else "")
        if not kind:
            raise ValueError(
                "no column says what happened; name it with --map COLUMN=kind, or say it for all rows with --event-map =open"
            )
        return [_event(kind, word or kind, row.get(columns.get("ts", "")), known, row)]

    return read


def columns_of(columns: tuple[str, ...], column_map: Mapping[str, str]) -> dict[str, str]:
    """
    Our field -> the column that has it; ValueError when two columns could be it.

    >>> columns_of(("E-Mail", "Event Type", "score"), {})
    {'email': 'E-Mail', 'kind': 'Event Type'}
    """
    given = {
        FIELDS[spelled(field)]: column for column, field in column_map.items() if column in columns
    }
    guesses: dict[str, list[str]] = {}
    for column in columns:
        field = FIELDS.get(spelled(column))
        if field and field not in given and column not in column_map:
            guesses.setdefault(field, []).append(column)
    for field, names in guesses.items():
        first = [name for name in names if spelled(name) in COLUMNS[field][:1]] or names
        if len(first) > 1:
            raise ValueError(
                f"columns {' and '.join(first)} could both be the {field}; choose one with --map {first[0]}={field}"
            )
        given[field] = first[0]
    return given


def feed_of(row: Row) -> str:
    """
    Which vendor's words these are: "ses", "sendgrid", "cxone", else "table".

    >>> feed_of({"event": "open", "sg_event_id": "x", "email": "ann@example.com"})
    'sendgrid'
    """
    if "mail" in row or {"Type", "Message"} <= set(row) or "detail-type" in row:
        return "ses"
    if "event" in row and {"sg_event_id", "sg_message_id"} & set(row):
        return "sendgrid"
    return (
        "cxone"
        if "eventType" in row and {"messageId", "recipientId", "emailAddress"} & set(row)
        else "table"
    )


def text(value: object) -> str:
    """
    A cell as text; "" for nothing. A whole number is written as one: a column with gaps makes
    floats of them.

    >>> text(" open "), text(550.0), text(float("nan"))
    ('open', '550', '')
    """
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return "" if value is None else str(value).strip()


def spelled(name: str) -> str:
    """
    A name without what people spell differently.

    >>> spelled("Event-Type"), spelled("eventType"), spelled('"event_type"')
    ('eventtype', 'eventtype', 'eventtype')
    """
    return re.sub(r"[\W_]+", "", name.lower())


def when(value: object) -> datetime | None:
    """
    A moment in whatever form tables have: ISO 8601, Unix seconds or milliseconds (also as text),
    RFC 5322; None for nonsense.

    >>> when("1513299569").isoformat(), when("1513299569000").minute, when("Thu, 14 Dec 2017 19:59:29 -0500").day, when("soon")
    ('2017-12-15T00:59:29+00:00', 59, 15, None)
    """
    said = value.isoformat() if isinstance(value, datetime) else text(value).removesuffix(" UTC")
    if re.fullmatch(r"\d{9,}(\.\d+)?", said):
        number = float(said)
        return parse_moment(number / 1000 if number > 1e11 else number)
    with suppress(ValueError):
        return parse_moment(said) or (
            parse_moment(parsedate_to_datetime(said).isoformat()) if "," in said else None
        )
    return None


def _event(kind: str, word: str, at: object, known: Mapping[str, str], row: Row) -> Event:
    return Event.told(kind, word, _told(at), text(at), known, row)


def _told(at: object) -> datetime | None:
    """
    The moment, None where none is told; ValueError where one is told that can't be read, without
    repeating what may be an address.
    """
    ts = when(at)
    if ts is None and (said := text(at)):
        raise ValueError(
            f"the time {repr(said[:40]) if '@' not in said else 'that is told'} can't be read; "
            "write it as 2026-09-14T10:00:00+02:00 or as Unix seconds"
        )
    return ts
