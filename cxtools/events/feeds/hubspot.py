"""HubSpot: events of its email API, tables of them, and the recipients' export of one mailing."""

from __future__ import annotations

from functools import cache
from typing import Any

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text, first_text, spelling
from cxtools.events.feeds.wide import Wide, marks
from cxtools.model import Event

NAME = "hubspot"
TITLE = "HubSpot"
SOURCE = "https://developers.hubspot.com/docs/api-reference/legacy/email-analytics-v1/guide"
EXPORT = (
    "The pages of the email events API; or Marketing → Email → a mailing → Actions → Export "
    "recipients, one row a person. The export's times are in the zone of who exports: say "
    "`--timezone`."
)
NEVER_TELLS = "in the export of recipients: when anything happened but the sending, and the links"

WORDS = {
    "SENT": "sent",
    "PROCESSED": "sent",
    "DELIVERED": "delivery",
    "DEFERRED": "deferral",
    "BOUNCE": "bounce",
    "MTA_DROPPED": "suppressed",
    "DROPPED": "suppressed",
    "SUPPRESSED": "suppressed",
    "OPEN": "open",
    "CLICK": "click",
    "SPAMREPORT": "complaint",
    "STATUSCHANGE": "none",
    "UNBOUNCE": "none",
    "FORWARD": "none",
    "PRINT": "none",
}
#: A change of subscriptions that ends one.
UNSUBSCRIBED = "UNSUBSCRIBED"

#: Columns that only HubSpot has, as `spelling` leaves them.
MARKS = {"portalid", "hubid", "emailcampaignid", "appid", "appname", "hmid"}

FIELDS = {
    "event_id": ("id",),
    "job_id": ("emailcampaignid",),
    "email": ("recipient",),
    "bounce_code": ("status",),
    "bounce_text": ("response", "dropmessage", "bouncemessage"),
    "link_url": ("url", "linkurl"),
    "user_agent": ("useragent",),
    "ip": ("ipaddress",),
}
CLASSES = ("category", "dropreason")

#: The same in the export of recipients.
PERSON_FIELDS = {
    "email": ("Recipient",),
    "job_id": ("Email Campaign ID",),
    "bounce_class": ("Bounce Reason", "Not Sent Reason"),
    "bounce_text": ("Bounce Message", "Not Sent Message"),
}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of HubSpot's, or a recipient of its export.

    >>> recognises({"recipient": "ann@one.example", "portalId": 7, "type": "OPEN"})
    True
    """
    names = {spelling(name) for name in row}
    return "recipient" in names and not MARKS.isdisjoint(names)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record; of a person in an export, one for each thing that happened."""
    cells = {spelling(name): cell for name, cell in row.items()}
    if "type" in cells or "eventtype" in cells:
        return [_event(row, cells, dialect)]
    return _of_header(tuple(row)).events(row, dialect)


@cache
def _of_header(header: tuple[str, ...]) -> Wide:
    return Wide(marks(header), PERSON_FIELDS, vendor=NAME)


def _event(row: Row, cells: Row, dialect: Dialect) -> Event:
    word = first_text(cells, ("type", "eventtype"))
    if not word:
        raise ValueError("type is missing")
    kind = _kind(word, cells, dialect)
    texts: dict[str, Any] = {field: first_text(cells, names) for field, names in FIELDS.items()}
    texts["message_id"] = _message_id(word, cells)
    reason = first_text(cells, CLASSES)
    if reason and kind in ("bounce", "suppressed"):
        texts["bounce_class"] = f"hubspot: {reason}"
    return build_event(
        row,
        dialect,
        kind=kind,
        word=word,
        time=cells.get("created"),
        texts=texts,
        by_machine=_by_machine(cells),
    )


def _kind(word: str, cells: Row, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word.upper())
    if word.upper() == "STATUSCHANGE" and UNSUBSCRIBED in _subscriptions(cells):
        return "unsubscribe"
    return kind


def _subscriptions(cells: Row) -> str:
    """What a change of status says: of the person as a whole, or of single subscriptions."""
    told = (cells.get("portalsubscriptionstatus"), cells.get("subscriptions"))
    return " ".join(str(each) for each in told if each).upper()


def _message_id(word: str, cells: Row) -> str:
    """The id of the event that sent the mail."""
    sent_by = cells.get("sentby")
    if isinstance(sent_by, dict):
        return cell_text(sent_by.get("id"))
    if word.upper() == "SENT":
        return cell_text(cells.get("id"))
    return first_text(cells, ("sentbyid", "hmid"))


def _by_machine(cells: Row) -> bool | None:
    """True for what HubSpot's bot filter left out of its own counts."""
    flag = cell_text(cells.get("filteredevent")).lower()
    return flag == "true" if flag else None
