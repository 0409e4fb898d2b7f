"""
The words of the domain: what the API says, translated once, the raw word kept. Wire names stand in
`from_api` and `to_api` only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cxtools.errors import ContractError
from cxtools.identity import event_identity, recipient_key
from cxtools.text import parse_moment

#: Our kinds of event. CXone documents the first four; the rest come from imported feeds.
KINDS: dict[str, str] = {
    "delivery": "the receiving server took the message",
    "bounce": "the receiving server refused the message, or sent it back",
    "open": "the message's tracking image was fetched, by a person or a machine",
    "click": "a tracked link was followed, by a person or a machine",
    "complaint": "the recipient pressed the spam button",
    "unsubscribe": "the recipient asked for no more mail",
    "deferral": "the receiving server said try later; a delivery or a bounce follows",
    "suppressed": "the sending platform left the recipient out by its own list",
    "sent": "the sending platform took the message; says nothing of its arrival",
    "unknown": "a kind we don't know; the vendor's word stands in raw_kind",
}

#: Final job states, compared without case. SUCCEEDED and EXPIRED are what other NICE APIs call
#: theirs.
JOB_STATES = {
    "completed": "completed",
    "succeeded": "completed",
    "failed": "failed",
    "expired": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}


@dataclass(frozen=True)
class Recipient:
    """
    One person to mail: a normalised address, merge fields (template placeholder -> text) and tags.
    """

    email: str = field(repr=False)
    merge_fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        return recipient_key(self.email)

    def to_api(self) -> dict[str, Any]:
        return {
            "toAddress": self.email,
            "mergeFields": dict(self.merge_fields),
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class Suppression:
    """
    An address that the account must not mail, and why. `added_at` is None when the API gives none.
    """

    email: str = field(repr=False)
    reason: str = ""
    added_at: datetime | None = None

    @classmethod
    def from_api(cls, row: Mapping[str, Any], where: str = "$") -> Suppression:
        return cls(
            _text(row, "emailAddress", where),
            str(row.get("reason") or ""),
            parse_moment(row.get("addedDate")),
        )


@dataclass(frozen=True)
class Job:
    """
    One send job. `status` is ours for final states, the API's own word (lower case) otherwise.

    Counts and moments are None when the API gives none; `spam_score` too.
    """

    job_id: str
    status: str
    created_at: datetime | None = None
    completed_at: datetime | None = None
    total_recipients: int | None = None
    delivered: int | None = None
    bounced: int | None = None
    spam_score: float | None = None

    @property
    def final(self) -> bool:
        return self.status in JOB_STATES.values()

    @classmethod
    def from_api(cls, row: Mapping[str, Any]) -> Job:
        word = _text(row, "status", "$").lower()
        return cls(
            _text(row, "jobId", "$"),
            JOB_STATES.get(word, word),
            parse_moment(row.get("createdAt")),
            parse_moment(row.get("completedAt")),
            row.get("totalRecipients"),
            row.get("delivered"),
            row.get("bounced"),
            row.get("spamScore"),
        )


@dataclass(frozen=True)
class Event:
    """
    One thing that happened to one message.

    `event_id` is the API's, or a digest of the fields that identify an event, so the same event
    always has the same id. `ts` is aware UTC and None when the feed gave none or nonsense. Text
    fields that the feed doesn't have are "". `raw` is the row as it came, as JSON.
    """

    event_id: str
    kind: str
    raw_kind: str
    job_id: str = ""
    message_id: str = ""
    recipient_id: str = ""
    email: str = field(default="", repr=False)
    ts: datetime | None = None
    bounce_code: str = ""
    bounce_text: str = field(default="", repr=False)
    link_url: str = ""
    user_agent: str = ""
    ip: str = ""
    raw: str = field(default="", repr=False)

    @classmethod
    def from_api(cls, row: Mapping[str, Any], where: str = "$") -> Event:
        word = _text(row, "eventType", where)
        known = {ours: str(row.get(theirs) or "") for ours, theirs in EVENT_TEXTS.items()}
        kind, said_at = word.lower(), str(row.get("timestamp") or "")
        return cls.told(
            kind if kind in KINDS else "unknown",
            word,
            parse_moment(row.get("timestamp")),
            said_at,
            known,
            row,
            where,
        )

    @classmethod
    def told(
        cls,
        kind: str,
        word: str,
        ts: datetime | None,
        said_at: str,
        known: Mapping[str, str],
        row: Mapping[str, Any],
        where: str = "$",
    ) -> Event:
        """
        An event of texts; without an id it gets one from what makes it that event, the address for
        the missing recipient.
        """
        email = known.get("email", "").strip().lower()
        who = known.get("recipient_id") or email
        job, message, link, code = (
            known.get(name, "") for name in ("job_id", "message_id", "link_url", "bounce_code")
        )
        if not (message or who):
            raise ContractError("the row names neither message nor recipient", where=where)
        event_id = known.get("event_id") or event_identity(
            job, message, who, word.lower(), said_at, link, code
        )
        raw = json.dumps(row, ensure_ascii=False, default=str, separators=(",", ":"))
        return cls(
            **{**known, "event_id": event_id, "email": email},
            kind=kind,
            raw_kind=word,
            ts=ts,
            raw=raw,
        )


#: Our text fields of an event -> the API's names.
EVENT_TEXTS = {
    "event_id": "eventId",
    "job_id": "jobId",
    "message_id": "messageId",
    "recipient_id": "recipientId",
    "email": "emailAddress",
    "bounce_code": "bounceCode",
    "bounce_text": "bounceDescription",
    "link_url": "linkUrl",
    "user_agent": "userAgent",
    "ip": "ipAddress",
}


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ContractError(
            f"{name} is missing or no text",
            where=f"{where}.{name}",
            do="check the field names of the profile against the API",
        )
    return value
