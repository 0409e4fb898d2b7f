"""
Mailchimp: the lists of a campaign's report as CSV, one row a person, and the same of its API.

A list says in one of its columns, or in none, what its people did: that of those who were sent to
has none, and needs `--event-map =sent`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text, spelling
from cxtools.events.feeds.wide import THINGS, Thing, Wide, marks
from cxtools.model import Event

NAME = "mailchimp"
TITLE = "Mailchimp"
SOURCE = "https://mailchimp.com/developer/marketing/api/reports/"
EXPORT = (
    "Reports → a campaign → Recipients, Opened, Clicked, Bounced, Unsubscribed → Export, all into "
    "one campaign: the list of recipients with `--event-map =sent`, a list that has no column for "
    "what happened with `--event-map =bounce`. Or the pages `sent-to` and `email-activity` of the "
    "API, which have moments, too. The export of all campaigns holds counts only."
)
NEVER_TELLS = (
    "deliveries (delivered is sent and not bounced), codes and texts of bounces; in the CSV lists: "
    "when it happened"
)

#: The words of the API's activities and states -> our kind.
WORDS = {
    "sent": "sent",
    "open": "open",
    "click": "click",
    "bounce": "bounce",
    "hard": "bounce",
    "soft": "bounce",
    "unsub": "unsubscribe",
    "unsubscribe": "unsubscribe",
    "abuse": "complaint",
}
#: Columns that only Mailchimp has, as `spelling` leaves them.
MARKS = {"memberrating", "euid", "leid", "unsubcampaignid", "cleancampaignid", "optintime"}
#: What columns of its lists tell: a cleaned address is one that bounced.
PERSON_THINGS = {
    **THINGS,
    "clean": Thing("bounce", "cleaned"),
    "cleaned": Thing("bounce", "cleaned"),
}
PERSON_FIELDS = {
    "email": ("Email Address", "Email", "EMAIL"),
    "bounce_class": ("Bounce Type", "Bounce type"),
    "link_url": ("URL", "Url", "Link URL"),
}
#: Lists of an API's record that hold a person's events, and the word of those that have none.
ACTIVITIES = {
    "activity": "",
    "opens": "open",
}
#: States of a recipient that are a bounce, and what the platform calls it.
BOUNCES = {"hard": "hard", "soft": "soft"}


def recognises(row: Row) -> bool:
    """
    Whether a row is a person of one of Mailchimp's lists or of its API's pages.

    >>> recognises({"Email Address": "ann@one.example", "Opens": "3", "MEMBER_RATING": "2"})
    True
    >>> recognises({"email_id": "a1", "campaign_id": "c1", "email_address": "ann@one.example"})
    True
    """
    in_api = "email_id" in row and "email_address" in row
    return in_api or not MARKS.isdisjoint(map(spelling, row))


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event for each thing that a person did."""
    if "email_address" not in row:
        return _of_header(tuple(row)).events(row, dialect)
    for name, word in ACTIVITIES.items():
        if isinstance(row.get(name), list):
            return [_event(row, each, word, dialect) for each in row[name]]
    return [_event(row, each, "", dialect) for each in _told_by_page(row)]


@cache
def _of_header(header: tuple[str, ...]) -> Wide:
    return Wide(
        marks(header, PERSON_THINGS),
        PERSON_FIELDS,
        things=PERSON_THINGS,
        vendor=NAME,
    )


def _told_by_page(row: Row) -> list[dict[str, Any]]:
    """What a record without a list of events tells, by the page that it is of."""
    if "status" in row:
        return _of_recipient(row)
    if "clicks" in row:
        return [{"action": "click"}] if row["clicks"] else []
    if "date" in row:
        return [{"action": "abuse", "timestamp": row["date"]}]
    return [{"action": "unsubscribe", "timestamp": row.get("timestamp")}]


def _of_recipient(row: Row) -> list[dict[str, Any]]:
    """What the list of recipients tells of one: sent, and bounced or opened."""
    status = cell_text(row["status"])
    found: list[dict[str, Any]] = [{"action": "sent"}]
    if status in BOUNCES:
        found.append({"action": status, "type": status})
    if row.get("open_count"):
        found.append({"action": "open", "timestamp": row.get("last_open")})
    return found


def _event(row: Row, told: Row, word: str, dialect: Dialect) -> Event:
    """An event of a person: *told* is what its list or its page says of it."""
    word = cell_text(told.get("action")) or word
    if not word:
        raise ValueError("an activity without an action")
    kind = dialect.kind(WORDS, word)
    texts = {
        "email": cell_text(row["email_address"]),
        "job_id": cell_text(row.get("campaign_id")),
        "message_id": cell_text(row.get("campaign_id")),
        "link_url": cell_text(told.get("url")),
        "ip": cell_text(told.get("ip")),
    }
    bounce_type = cell_text(told.get("type"))
    if kind == "bounce" and bounce_type:
        texts["bounce_class"] = f"mailchimp: {bounce_type}"
    kept = {name: cell for name, cell in row.items() if name not in ACTIVITIES}
    by_machine = told.get("is_proxy_open")
    return build_event(
        {**kept, "told": told},
        dialect,
        kind=kind,
        word=word,
        time=told.get("timestamp"),
        texts=texts,
        by_machine=by_machine if isinstance(by_machine, bool) else None,
    )
