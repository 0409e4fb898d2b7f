"""
The lines of a mail log as rows, each with what lines before it said of the same queue id.

Postfix logs one thing a line and joins them by a queue id: the Message-ID, each attempt, and that
a mail is a notice about another one. A feed reads rows one by one, so the joining is done here; a
queue id is forgotten when Postfix says that it is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from cxtools.events.feeds.postfix import LINE
from cxtools.events.lines import Line, Unreadable

WITHOUT_YEAR = re.compile(r"(?:<\d+>)?(?P<day>[A-Z][a-z]{2} [ \d]\d)")
SAID = re.compile(r"(?P<queue_id>[0-9A-Z][0-9A-Za-z]+): (?P<what>.*)")
MESSAGE_ID = re.compile(r"message-id=<?(?P<message_id>[^>]+)>?")
NOTICE = re.compile(r"sender [\w -]+ notification: (?P<queue_id>\w+)")
DEFERRED = re.compile(r"to=<(?P<to>[^>]*)>.* dsn=(?P<dsn>[\d.]+), status=deferred \((?P<text>.*)\)")
DECIDED = re.compile(r"to=<(?P<to>[^>]*)>.* status=(?:sent|bounced)")
EXPIRED = "status=expired"
NULL_SENDER = "from=<>,"
REMOVED = "removed"
#: A log may be read a little before its last line's clock says.
AHEAD = timedelta(days=2)
NOTE = "the log's lines name no year: the last one before the file was written is taken"


def is_log(beginning: str) -> bool:
    """
    Whether a text begins with a line of syslog.

    >>> is_log("Mar  2 10:00:01 mx postfix/qmgr[7]: 4ABCDE: removed"), is_log("event,email")
    (True, False)
    """
    return LINE.match(beginning) is not None


def log_rows(text: IO[str], last: datetime, notes: list[str]) -> Iterator[Line]:
    """
    Each line as a row, with what is known of its mail; *last* is a moment that no line is much
    later than, which tells the year where lines name none. *notes* gets a sentence on that.

    >>> import io
    >>> text = io.StringIO("Mar  2 10:00:01 mx postfix/qmgr[7]: 4ABCDE: removed")
    >>> [line.row for line in log_rows(text, datetime(2026, 3, 5, tzinfo=UTC), [])]
    [{'log': 'Mar  2 10:00:01 mx postfix/qmgr[7]: 4ABCDE: removed', 'year': 2026}]
    """
    mails: dict[str, _Mail] = {}
    for number, line in enumerate(text, start=1):
        written = line.rstrip("\r\n")
        if not written.strip():
            continue
        match = LINE.fullmatch(written)
        if match is None:
            yield Line(number, Unreadable("not a line of a log", written))
            continue
        year = _year(written, last)
        if year and NOTE not in notes:
            notes.append(NOTE)
        known = _known(match["said"], mails)
        yield Line(number, {"log": written, **year, **known})


@dataclass
class _Mail:
    """
    What was said of a queue id.

        message_id  its Message-ID
        is_notice   whether it tells a sender about another mail
        deferred    recipients whose last attempt was put off -> code and text of that
    """

    message_id: str = ""
    is_notice: bool = False
    deferred: dict[str, tuple[str, str]] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        known: dict[str, Any] = {"message_id": self.message_id, "is_notice": self.is_notice}
        return {name: value for name, value in known.items() if value}


def _known(said: str, mails: dict[str, _Mail]) -> dict[str, Any]:
    """What is known of the mail that a line is about; the line itself is taken in."""
    match = SAID.fullmatch(said)
    if match is None:
        return {}
    queue_id, what = match.groups()
    if what == REMOVED:
        mails.pop(queue_id, None)
        return {}
    mail = mails.setdefault(queue_id, _Mail())
    _take_in(what, mail, mails)
    row = mail.row()
    if EXPIRED in what:
        row["deferred"] = dict(mail.deferred)
    return row


def _take_in(what: str, mail: _Mail, mails: dict[str, _Mail]) -> None:
    if message_id := MESSAGE_ID.match(what):
        mail.message_id = message_id["message_id"]
    elif notice := NOTICE.match(what):
        mails.setdefault(notice["queue_id"], _Mail()).is_notice = True
    elif what.startswith(NULL_SENDER):
        mail.is_notice = True
    elif deferred := DEFERRED.match(what):
        mail.deferred[deferred["to"]] = (deferred["dsn"], deferred["text"])
    elif decided := DECIDED.match(what):
        mail.deferred.pop(decided["to"], None)


def _year(written: str, last: datetime) -> dict[str, int]:
    """The year in which a day lies that is not later than *last*, for lines that name none."""
    match = WITHOUT_YEAR.match(written)
    if match is None:
        return {}
    years = (last.year, last.year - 1, last.year - 2, last.year - 3, last.year - 4)
    for year in years:
        try:
            day = datetime.strptime(f"{year} {match['day']}", "%Y %b %d").replace(tzinfo=UTC)
        except ValueError:  # 29 February of another year
            continue
        if day <= last + AHEAD:
            return {"year": year}
    return {}
