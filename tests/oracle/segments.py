"""
The segments of messages as a person would look them up, one event after the other: a kept column,
and what earlier campaigns tell of a recipient.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
#: Campaign, message id, who.
Message = tuple[str, str, str]
LATE = datetime.max.replace(tzinfo=UTC)
SPANS = {"0-14 days": 14, "15-90 days": 90, "91-365 days": 365}
#: What nobody does, and no server says, of a message that didn't go out.
REACTIONS = {"delivery", "bounce", "open", "complaint"}
#: What says that a message went out.
OUTWARD = ("sent", "delivery", "bounce")


def segment_values(
    events: Sequence[Row], starts: Mapping[str, datetime | None], kept: Iterable[str]
) -> Iterator[dict[str, str]]:
    """
    One row per message and segment that it has a value of.

    Each event has campaign, message_id, who, email (of its message), kind, ts, is_content and raw.
    """
    by_message: dict[Message, list[Row]] = defaultdict(list)
    for event in events:
        by_message[event["campaign"], event["message_id"], event["who"]].append(event)
    by_email: dict[str, list[Message]] = defaultdict(list)
    for message, own in by_message.items():
        by_email[max(event["email"] for event in own).lower()].append(message)
    for (campaign, message_id, who), own in by_message.items():
        values = {column: _first_value(own, column) for column in kept}
        email = max(event["email"] for event in own).lower()
        began = starts[campaign]
        if email and began:
            others = {message: by_message[message] for message in by_email[email]}
            before = _earlier_messages(others, starts, began)
            values["history"] = "repeat" if before else "first"
            values["recency"] = _recency(before, began)
        for name, value in values.items():
            if value:
                names = {"campaign": campaign, "message_id": message_id, "who": who}
                yield {**names, "name": name, "value": value}


def _first_value(own: Sequence[Row], column: str) -> str:
    """What the first event says that says anything."""
    cells = [(event["ts"] or LATE, json.loads(event["raw"] or "{}").get(column)) for event in own]
    return min((cell for cell in cells if cell[1]), default=("", ""))[1]


def _earlier_messages(
    messages: Mapping[Message, Sequence[Row]],
    starts: Mapping[str, datetime | None],
    began: datetime,
) -> list[Sequence[Row]]:
    """Of the messages to one address those that went out before, by campaigns that began before."""
    found = []
    for (campaign, _, _), own in messages.items():
        start = starts[campaign]
        moments = [event["ts"] for event in own if event["ts"]]
        outward = [event["ts"] for event in own if event["ts"] and event["kind"] in OUTWARD]
        first = min(outward or moments, default=LATE)
        if _was_mailed(own) and start and start < began and first < began:
            found.append(own)
    return found


def _was_mailed(own: Sequence[Row]) -> bool:
    """Whom the platform held back, and who only left the list, was not mailed."""
    kinds = {event["kind"] for event in own}
    if kinds & REACTIONS or any(event["is_content"] for event in own):
        return True
    return "sent" in kinds and "suppressed" not in kinds


def _recency(before: Iterable[Sequence[Row]], began: datetime) -> str:
    clicks = []
    for own in before:
        clicks += [e["ts"] for e in own if e["is_content"] and e["ts"] and e["ts"] < began]
    if not clicks:
        return "never"
    age = began.replace(microsecond=0) - max(clicks).replace(microsecond=0)
    for name, days in SPANS.items():
        if age <= timedelta(days=days):
            return name
    return "over 365 days"
