"""PowerMTA: the accounting files, as CSV or as JSON."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text, first_text
from cxtools.model import Event

NAME = "powermta"
TITLE = "PowerMTA"
SOURCE = "https://www.bird.com/en/powermta (User's Guide, Accounting records)"
EXPORT = (
    "The files of `<acct-file>`; say `records d,b,t,r,rb,f` there, so that late bounces and "
    "complaints are written, too."
)
NEVER_TELLS = "opens, clicks and unsubscribes"

#: The type of a record, in its short and its long form -> our kind.
WORDS = {
    "d": "delivery",
    "delivery": "delivery",
    "b": "bounce",
    "bounce": "bounce",
    "rb": "bounce",
    "remote-bounce": "bounce",
    "t": "deferral",
    "transient": "deferral",
    "r": "sent",
    "received": "sent",
    "f": "complaint",
    "feedback": "complaint",
    "rs": "none",
    "remote-status": "none",
}
FEEDBACK = ("f", "feedback")
#: What a report of a feedback loop means when it isn't a complaint.
FEEDBACK_TYPES = {
    "not-spam": "none",
    "auth-failure": "none",
    "opt-out": "unsubscribe",
    "opt-out-list": "unsubscribe",
}
#: A remote status report says whether the mail is late or has arrived.
REMOTE_STATUS = ("rs", "remote-status")
ACTIONS = {
    "failed": "bounce",
    "delayed": "deferral",
}

#: Our field -> the names of PowerMTA's, the first that says something.
FIELDS = {
    "email": ("rcpt", "orcpt", "originalRcptTo", "header_To"),
    "message_id": ("header_Message-Id", "header_Message-ID", "header_x-sp-message-id", "envId"),
    "job_id": ("jobId", "header_X-Job", "header_X-job"),
    "bounce_text": ("dsnDiag",),
    "user_agent": ("userAgent",),
}
TYPES = ("type", "#type")
#: Types that name no recipient: of a queue as a whole.
QUEUES = ("tq", "transient-queue")


def recognises(row: Row) -> bool:
    """
    Whether a row is a record of an accounting file.

    >>> recognises({"type": "d", "timeLogged": "2026-03-02 09:00:00+0000", "rcpt": ""})
    True
    """
    return "timeLogged" in row and ("type" in row or "#type" in row)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per record; none for the header lines that stand in files put together, and for
    queues.
    """
    word = first_text(row, TYPES)
    if word in TYPES or word in QUEUES:
        return []
    if not word:
        raise ValueError("type is missing")
    return [_event(row, word, dialect)]


def _event(row: Row, word: str, dialect: Dialect) -> Event:
    texts = {field: first_text(row, names) for field, names in FIELDS.items()}
    status = cell_text(row.get("dsnStatus"))
    # "5.1.1 (bad destination mailbox address)"
    texts["bounce_code"] = status.partition(" ")[0]
    category = cell_text(row.get("bounceCat"))
    if category:
        texts["bounce_class"] = f"powermta: {category}"
    return build_event(
        row,
        dialect,
        kind=_kind(row, word, dialect),
        word=_full_word(row, word),
        time=row["timeLogged"],
        texts=texts,
    )


def _kind(row: Row, word: str, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word)
    if word in FEEDBACK:
        return FEEDBACK_TYPES.get(cell_text(row.get("feedbackType")).lower(), kind)
    if word in REMOTE_STATUS:
        return ACTIONS.get(cell_text(row.get("dsnAction")).lower(), kind)
    return kind


def _full_word(row: Row, word: str) -> str:
    """The type, and what kind of feedback it was."""
    if word in FEEDBACK:
        return f"{word} {cell_text(row.get('feedbackType'))}".strip()
    return word
