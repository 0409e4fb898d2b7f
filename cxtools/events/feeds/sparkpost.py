"""SparkPost: its webhooks, whose events stand under `msys`, and the pages of its events API."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import (
    refuse_other_matters,
    required_text,
    text_at,
    texts_at,
    value_at,
)
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "sparkpost"
TITLE = "SparkPost"
SOURCE = "https://developers.sparkpost.com/api/webhooks/"
EXPORT = (
    "The pages of the events API (GET /api/v1/events/message), or the batches that a webhook "
    "receives."
)
NEVER_TELLS = ""

WORDS = {
    "injection": "sent",
    "delivery": "delivery",
    "bounce": "bounce",
    "out_of_band": "bounce",
    "delay": "deferral",
    "policy_rejection": "suppressed",
    "generation_failure": "suppressed",
    "generation_rejection": "suppressed",
    "open": "open",
    "initial_open": "open",
    "amp_open": "open",
    "amp_initial_open": "open",
    "click": "click",
    "amp_click": "click",
    "spam_complaint": "complaint",
    "list_unsubscribe": "unsubscribe",
    "link_unsubscribe": "unsubscribe",
}
#: Words that say nothing of a message that was sent, by how they begin.
OTHER_MATTERS = {
    "relay_": "mail that came in",
    "sms_": "a text message",
    "ab_test_": "a test",
    "success": "an upload",
    "error": "an upload",
}
#: Classes of bounces that are none -> what they are.
CLASSES = {
    "25": "suppressed",
    "26": "suppressed",
    "60": "none",
    "80": "none",
    "90": "unsubscribe",
    "100": "none",
}
#: Feedback that is not a complaint.
NOT_A_COMPLAINT = {"not-spam", "auth-failure", "virus"}

#: Our field -> SparkPost's, the first that is there.
FIELDS = {
    "event_id": ("event_id",),
    "job_id": ("transmission_id",),
    "message_id": ("message_id",),
    "email": ("rcpt_to", "raw_rcpt_to"),
    "link_url": ("target_link_url",),
    "user_agent": ("user_agent",),
}
#: The same of opens and clicks: other events have the address of a server there.
CLIENT = {"ip": ("ip_address",)}
EXPLANATION = {
    "bounce_code": ("error_code",),
    "bounce_text": ("raw_reason", "reason"),
}
#: Kinds of which it is kept why.
EXPLAINED = {"bounce", "deferral", "suppressed"}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of SparkPost's.

    >>> recognises({"msys": {"track_event": {"type": "open"}}})
    True
    >>> recognises({"type": "open", "rcpt_to": "ann@one.example", "event_id": "e1"})
    True
    """
    in_webhook = isinstance(row.get("msys"), dict)
    has_recipient = "rcpt_to" in row or "raw_rcpt_to" in row
    return in_webhook or ("type" in row and has_recipient)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record."""
    record = _record(row)
    word = required_text(record, "type")
    refuse_other_matters(word, OTHER_MATTERS)
    kind = _kind(word, record, dialect)
    texts = texts_at(record, FIELDS)
    if kind in EXPLAINED:
        texts |= texts_at(record, EXPLANATION) | {"bounce_class": _bounce_class(record)}
    if kind in {"open", "click"}:
        texts |= texts_at(record, CLIENT)
    return [
        build_event(
            row,
            dialect,
            kind=kind,
            word=word,
            time=record.get("timestamp"),
            texts=texts,
            by_machine=_by_machine(record),
        )
    ]


def _record(row: Row) -> Row:
    """The event inside what carried it: `msys` and the name of its sort."""
    carrier = row.get("msys")
    if not isinstance(carrier, dict):
        return row
    for record in carrier.values():
        if isinstance(record, dict):
            return record
    raise ValueError("SparkPost's test of the webhook: it holds no event")


def _kind(word: str, record: Row, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word)
    if kind == "bounce":
        return CLASSES.get(text_at(record, "bounce_class"), kind)
    if kind == "complaint" and text_at(record, "fbtype") in NOT_A_COMPLAINT:
        return "none"
    return kind


def _bounce_class(record: Row) -> str:
    number = text_at(record, "bounce_class")
    return number and f"{NAME}: {number}"


def _by_machine(record: Row) -> bool | None:
    """Whether the images were fetched ahead of a reader; a proxy that fetches for one is none."""
    flag = value_at(record, "user_agent_parsed.is_prefetched")
    return flag if isinstance(flag, bool) else None
