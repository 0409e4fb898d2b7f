"""
Salesforce Marketing Cloud: the files of a tracking extract, and exports of its data views.

A send to one subscriber has no id of its own; SendID (or JobID), BatchID and the subscriber make
it. Dates have the month first and no zone. The platform's clock is UTC-6 all the year round, but an
extract may be made in another zone, and some stacks have another clock: so the zone isn't guessed.
"""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.moments import MONTH_FIRST
from cxtools.events.feeds.values import Row, cell_text, first_text
from cxtools.model import Event

NAME = "salesforce"
TITLE = "Salesforce Marketing Cloud"
SOURCE = "https://help.salesforce.com/s/articleView?id=mktg.mc_as_tracking_extract_output.htm"
EXPORT = (
    "Automation Studio → Data Extract of the type Tracking Extract, with Sent, Opens, Clicks, "
    "Bounces, Unsubs and Complaints; import all files into one campaign. Say "
    "`--timezone Etc/GMT+6` for the platform's clock, or the zone that the extract was made with."
)
NEVER_TELLS = "deliveries (delivered is sent and not bounced), and which opens are a machine's"

WORDS = {
    "Sent": "sent",
    "Open": "open",
    "Click": "click",
    "Bounce": "bounce",
    "HardBounce": "bounce",
    "SoftBounce": "bounce",
    "OtherBounce": "bounce",
    "Unsubscribe": "unsubscribe",
    "Complaint": "complaint",
    "NotSent": "suppressed",
    "DeliveredEvent": "delivery",
    "ForwardedEmail": "none",
    "ForwardedEmailOptIn": "none",
    "Survey": "none",
}
#: A column that only files of one kind have -> the word of their rows, where no column says it.
TELLING_COLUMNS = {
    "BounceCategory": "Bounce",
    "BounceCategoryID": "Bounce",
    "LinkName": "Click",
    "URL": "Click",
}
FIELDS = {
    "job_id": ("SendID", "JobID"),
    "recipient_id": ("SubscriberKey", "SubscriberID"),
    "email": ("EmailAddress",),
    "bounce_code": ("SMTPCode",),
    "bounce_text": ("BounceReason", "SMTPBounceReason", "SMTPReason", "SMTPMessage"),
    "link_url": ("URL", "LinkContent"),
    "ip": ("IPAddress",),
}
SENDS = FIELDS["job_id"]
BOUNCE_CLASSES = ("BounceCategory", "BounceSubcategory")

#: What is said after an import where no zone was. POSIX writes the sign the other way.
CLOCK = (
    "Salesforce's times name no zone and were taken for UTC; its clock is UTC-6, without summer "
    "time: say --timezone Etc/GMT+6"
)


def recognises(row: Row) -> bool:
    """
    Whether a row is of a tracking extract.

    >>> recognises({"SendID": "1234", "SubscriberKey": "SK1", "EventDate": "3/2/2026 9:00:05 PM"})
    True
    """
    has_send = any(name in row for name in SENDS)
    has_subscriber = "SubscriberKey" in row or "SubscriberID" in row
    return has_send and has_subscriber and "EventDate" in row


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per row."""
    word = _word(row)
    kind = dialect.kind(WORDS, word)
    if not word and kind == "unknown":
        raise ValueError(
            "no column says what happened: the extract has no EventType; say it for all rows with "
            "--event-map =open"
        )
    texts = {field: first_text(row, names) for field, names in FIELDS.items()}
    texts["message_id"] = _message_id(row)
    texts["bounce_class"] = _bounce_class(row, word) if kind == "bounce" else ""
    event = build_event(
        row,
        dialect,
        kind=kind,
        word=word or kind,
        time=dialect.moment(row["EventDate"], date_format=MONTH_FIRST),
        texts=texts,
    )
    return [event]


def _word(row: Row) -> str:
    word = cell_text(row.get("EventType"))
    if word:
        return word
    return next((word for column, word in TELLING_COLUMNS.items() if column in row), "")


def _message_id(row: Row) -> str:
    parts = (
        first_text(row, SENDS),
        cell_text(row.get("BatchID")),
        first_text(row, ("SubscriberID", "SubscriberKey")),
    )
    return "-".join(filter(None, parts))


def _bounce_class(row: Row, word: str) -> str:
    classes = [cell_text(row.get(name)) for name in BOUNCE_CLASSES]
    told = " ".join(filter(None, classes)) or word
    return f"salesforce: {told}"
