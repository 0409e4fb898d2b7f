"""Postmark: its webhooks, and the pages of its bounces, opens and clicks."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import refuse_other_matters, text_at, texts_at
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "postmark"
TITLE = "Postmark"
SOURCE = "https://postmarkapp.com/developer/webhooks/webhooks-overview"
EXPORT = (
    "What the webhooks of a message stream receive, one object a line, or the pages of the bounces "
    "and message opens API."
)
NEVER_TELLS = "that it took a message, and whether a machine opened"

#: Kinds of record, and the types of a bounce. Postmark calls much a bounce that isn't.
WORDS = {
    "Delivery": "delivery",
    "Open": "open",
    "Click": "click",
    "Bounce": "bounce",
    "SubscriptionChange": "unsubscribe",
    "HardBounce": "bounce",
    "SoftBounce": "bounce",
    "Transient": "deferral",
    "DnsError": "bounce",
    "BadEmailAddress": "bounce",
    "SpamNotification": "bounce",
    "VirusNotification": "bounce",
    "Blocked": "bounce",
    "DMARCPolicy": "bounce",
    "Undeliverable": "bounce",
    "Unknown": "bounce",
    "SpamComplaint": "complaint",
    "Unsubscribe": "unsubscribe",
    "AutoResponder": "none",
    "AddressChange": "none",
    "ChallengeVerification": "none",
    "OpenRelayTest": "none",
    "Subscribe": "none",
    "ManualSuppression": "none",
    "Reactivation": "none",
    "ManuallyDeactivated": "suppressed",
    "Unconfirmed": "suppressed",
    "SMTPApiError": "suppressed",
    "TemplateRenderingFailed": "suppressed",
}
#: Types that say nothing of a message that was sent.
OTHER_MATTERS = {
    "Inbound": "a message that came in",
    "InboundError": "a message that came in",
}
#: What tells the kind of a record that doesn't say it, as those of before 2018.
MARKS = {
    "BouncedAt": "Bounce",
    "DeliveredAt": "Delivery",
    "FirstOpen": "Open",
    "OriginalLink": "Click",
    "SuppressSending": "SubscriptionChange",
}
#: Our field -> Postmark's, the first that is there.
FIELDS = {
    "email": ("Recipient", "Email"),
    "message_id": ("MessageID",),
    "link_url": ("OriginalLink",),
    "user_agent": ("UserAgent",),
    "ip": ("Geo.IP",),
}
TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")
#: Kinds of which it is kept why. Postmark's `Description` is left out: it describes the type.
EXPLAINED = {"bounce", "deferral", "suppressed"}


def recognises(row: Row) -> bool:
    """
    Whether a row is a record of Postmark's.

    >>> recognises({"RecordType": "Open"}), recognises({"DeliveredAt": "", "MessageID": "m1"})
    (True, True)
    """
    has_mark = not MARKS.keys().isdisjoint(row)
    return "RecordType" in row or (has_mark and "MessageID" in row)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record; its word is the kind of record or, of a bounce, the type."""
    word = _word(row)
    refuse_other_matters(word, OTHER_MATTERS)
    kind = dialect.kind(WORDS, word)
    texts = texts_at(row, FIELDS)
    if kind in EXPLAINED:
        texts |= {"bounce_text": text_at(row, "Details"), "bounce_class": f"{NAME}: {word}"}
    time = text_at(row, *TIMES)
    return [build_event(row, dialect, kind=kind, word=word, time=time, texts=texts)]


def _word(row: Row) -> str:
    marks = (word for mark, word in MARKS.items() if mark in row)
    record_type = text_at(row, "RecordType") or next(marks, "")
    if not record_type:
        raise ValueError("RecordType is missing")
    if record_type == "Bounce":
        return text_at(row, "Type") or record_type
    if record_type == "SubscriptionChange":
        return _change(row)
    return record_type


def _change(row: Row) -> str:
    """
    Why Postmark stopped mailing an address: the recipient asked for it, bounced or complained; or
    somebody of ours did it by hand, or undid it.
    """
    if row.get("SuppressSending") is False:
        return "Reactivation"
    reason = text_at(row, "SuppressionReason")
    by_recipient = text_at(row, "Origin") in {"", "Recipient"}
    if reason in {"HardBounce", "SpamComplaint"}:
        return reason
    return "SubscriptionChange" if by_recipient else "ManualSuppression"
