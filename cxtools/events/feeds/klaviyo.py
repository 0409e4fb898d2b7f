"""Klaviyo: events by the names of its metrics, and lists of one row a person."""

from __future__ import annotations

from functools import cache

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, first_text, spelling
from cxtools.events.feeds.wide import Wide, marks
from cxtools.model import Event

NAME = "klaviyo"
TITLE = "Klaviyo"
SOURCE = "https://help.klaviyo.com/hc/en-us/articles/360036974872"
EXPORT = (
    "Campaigns → a campaign → Recipient activity → Export, one row a person; or the events of the "
    "metrics Received, Opened, Clicked, Bounced and Dropped Email, Marked Email as Spam and "
    "Unsubscribed as CSV or by the API."
)
NEVER_TELLS = "codes and texts of bounces; in lists of people: the links"

#: The names of metrics as `spelling` leaves them -> our kind.
WORDS = {
    "receivedemail": "delivery",
    "openedemail": "open",
    "clickedemail": "click",
    "bouncedemail": "bounce",
    "droppedemail": "suppressed",
    "skippedemail": "suppressed",
    "markedemailasspam": "complaint",
    "unsubscribed": "unsubscribe",
    "unsubscribedfromlist": "unsubscribe",
    "unsubscribedfromemailmarketing": "unsubscribe",
    "subscribedtolist": "none",
    "subscribedtoemailmarketing": "none",
    "updatedemailpreferences": "none",
}
METRIC = ("metricname", "metric", "eventname", "event")
#: Columns that only Klaviyo has, as `spelling` leaves them.
MARKS = {"klaviyoid", "metricid", "metricname", "klaviyoprofileid", "klaviyocampaignid"}
FIELDS = {
    "event_id": ("eventid", "uuid", "id"),
    "email": ("email", "emailaddress", "profileemail", "recipientemailaddress", "personemail"),
    "recipient_id": ("profileid", "klaviyoid", "personid"),
    "message_id": ("transmissionid",),
    "job_id": ("message", "messageid", "campaignid"),
    "link_url": ("url", "clickedurl"),
    "user_agent": ("useragent",),
    "ip": ("ip", "ipaddress"),
}
TIMES = ("datetime", "timestamp", "time", "date", "eventtime", "created")
BOUNCE_CLASSES = ("bouncetype", "bouncereason")
#: What an event of the API keeps its details in.
PARTS = ("attributes", "event_properties", "properties", "person", "profile")
#: What metrics are called as columns of a list of people.
PERSON_FIELDS = {
    "email": ("Email", "Email Address", "email"),
    "recipient_id": ("Klaviyo ID", "Klaviyo Profile ID"),
    "job_id": ("Campaign ID", "Message ID"),
    "bounce_class": ("Bounce Type",),
}
LEAST_METRICS = 2


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Klaviyo's, or a person of one of its lists.

    >>> recognises({"metric_name": "Opened Email", "email": "ann@one.example"})
    True
    >>> recognises({"Email": "ann@one.example", "Received Email": "1", "Opened Email": "2"})
    True
    """
    names = {spelling(name) for name in row}
    is_event = "eventname" in names and "eventproperties" in names
    has_metrics = len(names & WORDS.keys()) >= LEAST_METRICS
    return is_event or has_metrics or not MARKS.isdisjoint(names)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record; of a person in a list, one for each thing that happened."""
    cells = _cells(row)
    if any(name in cells for name in METRIC):
        return [_event(row, cells, dialect)]
    return _of_header(tuple(row)).events(row, dialect)


def _cells(row: Row) -> dict[str, object]:
    """The cells of a record and of its parts, by the spelling of their names."""
    cells: dict[str, object] = {}
    for name, cell in row.items():
        if name in PARTS and isinstance(cell, dict):
            cells = _cells(cell) | cells
        else:
            cells[spelling(name)] = cell
    return cells


@cache
def _of_header(header: tuple[str, ...]) -> Wide:
    return Wide(marks(header), PERSON_FIELDS, vendor=NAME)


def _event(row: Row, cells: Row, dialect: Dialect) -> Event:
    word = first_text(cells, METRIC)
    if not word:
        raise ValueError("the row names no metric")
    kind = dialect.kind(WORDS, word)
    texts = {field: first_text(cells, names) for field, names in FIELDS.items()}
    reason = first_text(cells, BOUNCE_CLASSES)
    if kind == "bounce" and reason:
        texts["bounce_class"] = f"klaviyo: {reason}"
    return build_event(
        row,
        dialect,
        kind=kind,
        word=word,
        time=first_text(cells, TIMES),
        texts=texts,
        by_machine=_by_machine(cells),
    )


def _by_machine(cells: Row) -> bool | None:
    """True for what Klaviyo marks as a machine's: Apple's mail privacy, bots' clicks."""
    flag = first_text(cells, ("machineopen", "botclick")).lower()
    return flag in ("true", "1", "yes") if flag else None
