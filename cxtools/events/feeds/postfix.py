"""
Postfix: the lines of its log about deliveries.

The reader of log files gives each line as a row, with what lines before it said of the same queue
id: the Message-ID, and whether it is a notice about another mail that came back. Lines of other
kinds (connections, queues) have no event.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text
from cxtools.model import Event

NAME = "postfix"
TITLE = "Postfix"
SOURCE = (
    "https://www.postfix.org/DEBUG_README.html (logging), https://www.postfix.org/bounce.8.html"
)
EXPORT = (
    "The mail log (/var/log/mail.log, or `journalctl -u postfix -o short-iso`), also rotated and "
    "gzipped. Lines without a zone are in the server's: say `--timezone`."
)
NEVER_TELLS = (
    "opens, clicks, complaints and unsubscribes, and bounces that other servers send back later"
)

#: The status of a delivery -> our kind.
WORDS = {
    "sent": "delivery",
    "handed on": "sent",
    "bounced": "bounce",
    "expired": "bounce",
    "deferred": "deferral",
    "softbounce": "deferral",
    "deliverable": "none",
    "undeliverable": "none",
}
#: A mail is only handed on within the machine, as to a filter.
OWN_MACHINE = re.compile(r"relay=(?:127\.0\.0\.1|localhost|\[?::1)")
#: A line of syslog: "Mar  2 10:00:01 mx postfix/smtp[123]: …", or with a moment of ISO 8601.
LINE = re.compile(
    r"(?:<\d+>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\S+) \S+ "
    r"(?P<program>[^\s:\[]+)(?:\[\d+\])?: (?P<said>.*)"
)
PROGRAM = re.compile(r"postfix[\w.-]*/")
DELIVERY = re.compile(
    r"(?P<queue_id>\w+): to=<(?P<to>[^>]*)>,(?: orig_to=<(?P<orig_to>[^>]*)>,)?(?P<how>.*?)"
    r" status=(?P<status>\w+)(?: \((?P<text>.*?)\)?)?"
)
EXPIRED = re.compile(r"(?P<queue_id>\w+): from=<[^>]*>, status=(?:force-)?expired.*")
CODE = re.compile(r"dsn=(?P<code>[\d.]+)")
#: What would say that a line is about a delivery.
TELLING = " status="


class _Attempt(NamedTuple):
    """What became of a mail for one recipient, as its line says it."""

    queue_id: str
    email: str
    status: str
    code: str
    text: str


def recognises(row: Row) -> bool:
    """
    Whether a row is a line of a log, or an entry of the journal about Postfix.

    >>> recognises({"log": "Mar  2 10:00:01 mx postfix/qmgr[7]: 4ABCDE: removed"})
    True
    """
    program = row.get("SYSLOG_IDENTIFIER")
    return "log" in row or (isinstance(program, str) and _is_postfix(program))


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event for each attempt, and one for each recipient of a mail that expired."""
    program, said = _said(row)
    if not _is_postfix(program) or TELLING not in said or row.get("is_notice"):
        return []
    attempts = _attempts(row, said)
    moment = _moment(row, dialect)
    return [_event(row, attempt, moment, dialect) for attempt in attempts]


def _is_postfix(program: str) -> bool:
    return PROGRAM.match(program) is not None


def _said(row: Row) -> tuple[str, str]:
    """The program that wrote a line, and what it said."""
    if "log" not in row:
        return cell_text(row.get("SYSLOG_IDENTIFIER")), cell_text(row.get("MESSAGE"))
    match = LINE.fullmatch(cell_text(row["log"]))
    if match is None:
        raise ValueError("not a line of a log")
    return match["program"], match["said"]


def _attempts(row: Row, said: str) -> list[_Attempt]:
    if expired := EXPIRED.fullmatch(said):
        deferred: dict[str, tuple[str, str]] = row.get("deferred") or {}
        queue_id = expired["queue_id"]
        return [
            _Attempt(queue_id, email, "expired", code, text)
            for email, (code, text) in deferred.items()
        ]
    match = DELIVERY.fullmatch(said)
    if match is None:
        raise ValueError("a delivery of another form than Postfix writes")
    code = CODE.search(match["how"])
    return [
        _Attempt(
            match["queue_id"],
            match["orig_to"] or match["to"],
            _status(match["status"], match["how"]),
            code["code"] if code else "",
            match["text"] or "",
        )
    ]


def _status(status: str, how: str) -> str:
    """The status; what was sent to a filter on the same machine has not arrived."""
    if status == "sent" and OWN_MACHINE.search(how):
        return "handed on"
    return status.lower()


def _moment(row: Row, dialect: Dialect) -> datetime | None:
    if "log" not in row:
        microseconds = float(row["__REALTIME_TIMESTAMP"])
        return dialect.moment(microseconds / 1_000_000)
    match = LINE.fullmatch(cell_text(row["log"]))
    written = match["time"] if match else ""
    if "year" in row:
        return dialect.moment(_with_year(written, row["year"]))
    return dialect.moment(written if written[:1].isdigit() else "")


def _with_year(written: str, year: int) -> str:
    """
    A moment of syslog with a year.

    >>> _with_year("Mar  2 10:00:01", 2026)
    '2026-03-02T10:00:01'
    """
    moment = datetime.strptime(f"{year} {written[:15]}", "%Y %b %d %H:%M:%S")
    return moment.isoformat()


def _event(
    row: Row,
    attempt: _Attempt,
    moment: datetime | None,
    dialect: Dialect,
) -> Event:
    texts = {
        "message_id": cell_text(row.get("message_id")) or attempt.queue_id,
        "email": attempt.email,
        "bounce_code": attempt.code,
        "bounce_text": attempt.text,
        "bounce_class": "postfix: expired" if attempt.status == "expired" else "",
    }
    return build_event(
        row,
        dialect,
        kind=dialect.kind(WORDS, attempt.status),
        word=attempt.status,
        time=moment,
        texts=texts,
        was_mailed=True,
    )
