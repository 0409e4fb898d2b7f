"""KumoMTA: the records of its delivery logs."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import (
    list_of_texts,
    object_at,
    refuse_other_matters,
    required_text,
    text_at,
)
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "kumomta"
TITLE = "KumoMTA"
SOURCE = "https://docs.kumomta.com/reference/log_record/"
EXPORT = "The log files (zstd -dc /var/log/kumomta/*), or what a log hook posts, one object a line."
NEVER_TELLS = "opens and clicks, and which message a late bounce or a complaint is about"

WORDS = {
    "Reception": "sent",
    "Delivery": "delivery",
    "Bounce": "bounce",
    "TransientFailure": "deferral",
    "Delay": "deferral",
    "Expiration": "bounce",
    "AdminBounce": "bounce",
    "OOB": "bounce",
    "Feedback": "complaint",
}
#: Records that say nothing of a message that was sent.
OTHER_MATTERS = {
    "Rejection": "mail that the server did not take in",
    "AdminRebind": "a queue",
    "XferIn": "a queue",
    "XferOut": "a queue",
}
#: Classifications of bounces that are none -> what they are.
CLASSES = {
    "AutoReply": "none",
    "ChallengeResponse": "none",
    "Subscribe": "none",
    "Unsubscribe": "unsubscribe",
}
#: What says nothing: the classifier found no rule, or there is none.
UNCLASSIFIED = {"", "Uncategorized"}
#: What feedback is, where it isn't a complaint.
FEEDBACK = {
    "auth-failure": "none",
    "dmarc": "none",
    "not-spam": "none",
    "opt-out": "unsubscribe",
    "virus": "none",
}
#: Records about a report that came in: its id is not the message's.
REPORTS = {"OOB", "Feedback"}
#: Where feedback says whose it is. Its own recipient is the mailbox for reports, if all is well.
COMPLAINANT = (
    "feedback_report.supplemental_trace.recipient",
    "feedback_report.original_rcpto_to",
    "feedback_report.original_rcpt_to",
    "recipient",
)
#: Fields that KumoMTA alone has.
MARKS = {
    "bounce_classification",
    "delivery_protocol",
    "egress_pool",
    "egress_source",
    "feedback_report",
    "num_attempts",
    "reception_protocol",
}
EXPLAINED = {"bounce", "deferral"}


def recognises(row: Row) -> bool:
    """
    Whether a row is a log record of KumoMTA.

    >>> recognises({"type": "Delivery", "recipient": "ann@one.example", "num_attempts": 0})
    True
    """
    has_mark = not MARKS.isdisjoint(row) or "content" in object_at(row, "response")
    return "type" in row and "recipient" in row and has_mark


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per recipient; feedback and late bounces name no message, since they don't."""
    word = required_text(row, "type")
    refuse_other_matters(word, OTHER_MATTERS)
    kind = _kind(word, row, dialect)
    texts = {"message_id": "" if word in REPORTS else text_at(row, "id")}
    if kind in EXPLAINED:
        texts |= _explanation(word, row)
    return [
        build_event(
            row,
            dialect,
            kind=kind,
            word=word,
            time=row.get("timestamp"),
            texts=texts | {"email": email},
            was_mailed=word not in REPORTS,
        )
        for email in _people(word, row)
    ]


def _kind(word: str, row: Row, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word)
    if kind == "bounce":
        return CLASSES.get(text_at(row, "bounce_classification"), kind)
    if kind == "complaint":
        feedback = text_at(row, "feedback_report.feedback_type").lower()
        return FEEDBACK.get(feedback, kind)
    return kind


def _people(word: str, row: Row) -> list[str]:
    if word == "Feedback":
        return [text_at(row, *COMPLAINANT)]
    return list_of_texts(row, "recipient") or [""]


def _explanation(word: str, row: Row) -> dict[str, str]:
    codes = (text_at(row, "response.code"), _enhanced_code(row))
    return {
        "bounce_code": " ".join(filter(None, codes)),
        "bounce_text": text_at(row, "response.content"),
        "bounce_class": f"{NAME}: {_bounce_class(word, row)}",
    }


def _bounce_class(word: str, row: Row) -> str:
    given = text_at(row, "bounce_classification")
    return word if given in UNCLASSIFIED else given


def _enhanced_code(row: Row) -> str:
    code = object_at(row, "response.enhanced_code")
    parts = [text_at(code, name) for name in ("class", "subject", "detail")]
    return ".".join(parts) if all(parts) else ""
