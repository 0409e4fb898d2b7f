"""Which message each event belongs to, as a person would look it up: one campaign's events, slowly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

#: Sendings of one message that two words tell of.
APART = timedelta(seconds=60)
SENDINGS = ("sent", "delivery")

Row = Mapping[str, Any]


class Owner(NamedTuple):
    """The message id, the recipient, and the address that the message went to."""

    message_id: str
    who: str
    email: str


def owners(events: Sequence[Row]) -> dict[str, Owner | None]:
    """Event id -> whose message it belongs to; None where that can't be told."""
    names = _Names(events)
    owned = {event["event_id"]: names.owner(event) for event in events}
    _split_by_sendings(events, owned)
    return owned


class _Names:
    """What the events of a campaign say of ids and addresses, taken together."""

    def __init__(self, events: Sequence[Row]) -> None:
        self._ids_beside = _sets((e["email"], e["recipient_id"]) for e in events)
        self._has_people = any(self._person(e) for e in events)
        sent = [e for e in events if e["kind"] in SENDINGS and e["message_id"]]
        self._sent_to = _sets((e["message_id"], self._person(e)) for e in sent)
        # Where every event names message and recipient, nothing is looked up: they are believed.
        are_whole = all(e["message_id"] and e["recipient_id"] for e in events)
        is_personal = all(len(people) == 1 for people in self._sent_to.values())
        self._is_personal = is_personal and not are_whole
        whole = [e for e in events if e["message_id"] and self._person(e)]
        messages = [(e["message_id"], self._recipient(e)) for e in whole]
        self._recipients = _sets(messages)
        self._messages = _sets((who, message_id) for message_id, who in messages)
        own = [e for e in whole if self._recipient(e) == self._person(e)]
        self._emails = _sets(((e["message_id"], self._person(e)), e["email"]) for e in own)

    def owner(self, event: Row) -> Owner | None:
        message_id = event["message_id"]
        who = self._recipient(event)
        if message_id and not who and self._has_people:
            recipients = self._recipients[message_id]
            if len(recipients) > 1:
                return None
            who = _only(recipients)
        if not message_id:
            if len(self._messages[who]) > 1:
                return None
            message_id = _only(self._messages[who])
        known = self._emails[message_id, who]
        is_own = (event["message_id"], event["recipient_id"] or event["email"]) == (message_id, who)
        email = event["email"] if is_own or not known else max(known)
        return Owner(message_id, who, email)

    def _person(self, event: Row) -> str:
        ids = self._ids_beside[event["email"]] if event["email"] else set()
        name: str = event["recipient_id"] or _only(ids) or event["email"]
        return name

    def _recipient(self, event: Row) -> str:
        """The person, or whom the message was sent to where that is somebody else."""
        person = self._person(event)
        if person and self._is_personal and event["message_id"]:
            return _only(self._sent_to[event["message_id"]]) or person
        return person


def _split_by_sendings(events: Sequence[Row], owned: dict[str, Owner | None]) -> None:
    """Without a message id, an event belongs to the last sending to that person before it."""
    events = [e for e in events if (owner := owned[e["event_id"]]) and not owner.message_id]
    word = "sent" if any(e["kind"] == "sent" and e["ts"] for e in events) else "delivery"
    moments: dict[str, list[datetime]] = defaultdict(list)
    for event in sorted((e for e in events if e["ts"]), key=lambda e: e["ts"]):
        if event["kind"] == word:
            owner = owned[event["event_id"]]
            moments[owner.who if owner else ""].append(event["ts"])
    for event in events:
        owner = owned[event["event_id"]]
        if owner:
            starts = _starts(moments[owner.who])
            owned[event["event_id"]] = _sending(owner, event["ts"], starts)


def _starts(moments: Iterable[datetime]) -> list[datetime]:
    starts: list[datetime] = []
    before = None
    for moment in moments:
        if before is None or moment.replace(microsecond=0) - before >= APART:
            starts.append(moment)
        before = moment.replace(microsecond=0)
    return starts


def _sending(owner: Owner, ts: datetime | None, starts: Sequence[datetime]) -> Owner | None:
    if len(starts) < 2:
        return owner
    if ts is None:
        return None
    nth = max(1, sum(start <= ts for start in starts))
    return owner._replace(message_id=f"sending {nth}")


def _only(values: set[str]) -> str:
    """The only one of some values; "" where there is none, or more than one."""
    return next(iter(values)) if len(values) == 1 else ""


def _sets(pairs: Iterable[tuple[Any, str]]) -> dict[Any, set[str]]:
    """Key -> its values, without missing ones."""
    found: dict[Any, set[str]] = defaultdict(set)
    for name, value in pairs:
        if value:
            found[name].add(value)
    return found
