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

from cxtools.addresses import clean_address
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
    "none": "says nothing about the message: an automatic answer, not-spam feedback",
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
class LeftOut:
    """
    A row of a list that nobody is mailed for.

        line      the line of the file, or the row counted from 1
        reason    "invalid" or "duplicate"
        detail    what is wrong with it
        masked    the address as reports may show it; "" when there is none
    """

    line: int
    reason: str
    detail: str
    masked: str = field(default="", repr=False)


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
            _required_text(row, "emailAddress", where),
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
        word = _required_text(row, "status", "$").lower()
        return cls(
            _required_text(row, "jobId", "$"),
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

        event_id      the feed's, or a digest of the fields that identify an event, so that the same
                      event always has the same id
        kind          one of KINDS
        raw_kind      the vendor's word for it
        ts            aware UTC; None when the feed gave none or nonsense
        bounce_class  the vendor's own word for the sort of bounce, where it has one
        by_machine    whether the feed says that a machine did it; None when it doesn't say
        raw           the row as it came, as JSON

    Text fields that the feed doesn't have are "".
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
    bounce_class: str = ""
    by_machine: bool | None = None

    @classmethod
    def from_api(cls, row: Mapping[str, Any], where: str = "$") -> Event:
        word = _required_text(row, "eventType", where)
        time = row.get("timestamp")
        return cls.build(
            row,
            kind=kind_in_api(word),
            word=word,
            ts=parse_moment(time),
            written_time=str(time or ""),
            texts={field: str(row.get(name) or "") for field, name in EVENT_TEXTS.items()},
            where=where,
        )

    @classmethod
    def build(
        cls,
        row: Mapping[str, Any],
        *,
        kind: str,
        word: str,
        ts: datetime | None,
        written_time: str,
        texts: Mapping[str, str],
        by_machine: bool | None = None,
        where: str = "$",
    ) -> Event:
        """
        The event of a *row*: *kind* is ours, *word* the vendor's, *texts* our text fields.

        Without an id it gets one from what makes it that event: the time as it is written, the
        address where no recipient id is known. What a machine did is another event than what a
        person did at the same time.

        Raises:
            ContractError: the row names neither message nor recipient.
        """
        email = clean_address(texts.get("email", "")).lower()
        recipient = texts.get("recipient_id") or email
        message = texts.get("message_id", "")
        if not message and not recipient:
            raise ContractError("the row names neither message nor recipient", where=where)
        event_id = texts.get("event_id") or event_identity(
            texts.get("job_id", ""),
            message,
            recipient,
            f"machine_{word}".lower() if by_machine else word.lower(),
            written_time,
            texts.get("link_url", ""),
            texts.get("bounce_code", ""),
        )
        return cls(
            **{**texts, "event_id": event_id, "email": email, "message_id": message.strip("<>")},
            kind=kind,
            raw_kind=word,
            ts=ts,
            by_machine=by_machine,
            raw=RAW_JSON.encode(row),
        )


#: How a row is kept as it came. An encoder that is made once is a quarter faster than `json.dumps`.
RAW_JSON = json.JSONEncoder(ensure_ascii=False, default=str, separators=(",", ":"))

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


def kind_in_api(word: str) -> str:
    """
    Our kind for a word of the API, however it is spelled.

    >>> kind_in_api("OPEN"), kind_in_api("teleported")
    ('open', 'unknown')
    """
    kind = "".join(filter(str.isalnum, word.lower()))
    return kind if kind in KINDS else "unknown"


def _required_text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ContractError(
            f"{name} is missing or not a text",
            where=f"{where}.{name}",
            do="check CXONE_ENV_URL and the profile's paths: the answer has another shape than the "
            "API promises",
        )
    return value
