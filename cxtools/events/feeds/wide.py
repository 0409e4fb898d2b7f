"""
Rows that tell of one person each: a column for each thing that can happen, and in it a flag, a
count or the moment. Pure.

Which column is which is found by its name: "Opened Email", "is_opened", "opens" and
"opened_first_time_at" are all about opening. A count becomes one event, since a row doesn't tell
the moments of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any, NamedTuple

from cxtools.events.feeds.dialect import Dialect, build_event
from cxtools.events.feeds.values import Row, cell_text, first_text, spelling
from cxtools.model import Event


class CountsOnly(ValueError):
    """Counts of many mails together, of which no event can be made."""


class Thing(NamedTuple):
    """What a column is about: our kind, and the sort of bounce where the name says it."""

    kind: str
    bounce_class: str = ""


HARD = Thing("bounce", "hard bounce")
SOFT = Thing("bounce", "soft bounce")
#: What is left of a column's name without FILLERS -> what it is about.
THINGS = {
    "sent": Thing("sent"),
    "send": Thing("sent"),
    "sends": Thing("sent"),
    "delivered": Thing("delivery"),
    "delivery": Thing("delivery"),
    "deliveries": Thing("delivery"),
    "received": Thing("delivery"),
    "opened": Thing("open"),
    "open": Thing("open"),
    "opens": Thing("open"),
    "clicked": Thing("click"),
    "click": Thing("click"),
    "clicks": Thing("click"),
    "bounced": Thing("bounce"),
    "bounce": Thing("bounce"),
    "bounces": Thing("bounce"),
    "hardbounced": HARD,
    "hardbounce": HARD,
    "hardbounces": HARD,
    "softbounced": SOFT,
    "softbounce": SOFT,
    "softbounces": SOFT,
    "unsubscribed": Thing("unsubscribe"),
    "unsubscribe": Thing("unsubscribe"),
    "unsubscribes": Thing("unsubscribe"),
    "unsub": Thing("unsubscribe"),
    "unsubs": Thing("unsubscribe"),
    "optedout": Thing("unsubscribe"),
    "optout": Thing("unsubscribe"),
    "complained": Thing("complaint"),
    "complaint": Thing("complaint"),
    "complaints": Thing("complaint"),
    "spam": Thing("complaint"),
    "spamreport": Thing("complaint"),
    "spamreports": Thing("complaint"),
    "spamcomplaint": Thing("complaint"),
    "spamcomplaints": Thing("complaint"),
    "markedspam": Thing("complaint"),
    "abusereport": Thing("complaint"),
    "abusereports": Thing("complaint"),
    "abusecomplaints": Thing("complaint"),
    "deferred": Thing("deferral"),
    "suppressed": Thing("suppressed"),
    "dropped": Thing("suppressed"),
    "blocked": Thing("suppressed"),
}
#: Words of a name that say that its cells are moments.
MOMENT_WORDS = frozenset(
    {"at", "date", "datetime", "first", "last", "on", "time", "timestamp", "ts", "when"}
)
#: Words of a name that don't say what it is about.
FILLERS = MOMENT_WORDS.union(
    ("a", "as", "the", "of", "is", "has", "was", "did", "your"),
    ("e", "mail", "mails", "email", "emails"),
    ("n", "num", "number", "count", "counts", "times", "total", "unique", "successful"),
    ("gmt", "local", "timezone", "utc", "zone"),
)
#: "openedAt" is "opened at".
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

#: What the cell of a flag says.
YES = "yes"
NO = "no"
MOMENT = "moment"
NOTHING = ""
#: What flags look like.
FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "x", "✓"), YES),
    **dict.fromkeys(("false", "f", "no", "n", "never"), NO),
    **dict.fromkeys(("", "-", "none", "null", "nan", "n/a"), NOTHING),
}
COUNT = re.compile(r"\d{1,8}(\.0*)?")
#: What databases and sheets write for a moment that never was: the first days of their calendars.
NEVER = re.compile(
    r"(0000-00-00|0001-01-01|1899-12-30|1900-01-01|1970-01-01)([T ]00:00:00(\.0+)?)?(Z|[+-]00:?00)?"
)
#: What a column of bounces holds in place of a flag, as `spelling` leaves it: their sort.
SORTS_OF_BOUNCE = frozenset(
    ("hard", "hardbounce", "hardbounced", "permanent", "permanentbounce"),
).union(
    ("soft", "softbounce", "softbounced", "temporary", "transient", "transientbounce"),
    ("block", "blocked", "blockbounce", "undetermined"),
)
#: Our fields that say why a mail came back.
REASONS = ("bounce_code", "bounce_text", "bounce_class")
#: What stands in them, as `spelling` leaves it, where nothing came back.
NO_REASON = frozenset(
    ("0", "ok", "success", "delivered", "notbounced", "nobounce", "notapplicable")
)
#: How answers of servers begin that took a mail, and of those that refused it.
ACCEPTANCE = re.compile(r"(smtp; ?)?2(\d\d|\.\d{1,3}\.\d{1,3})\b", re.IGNORECASE)
REFUSAL = re.compile(r"(smtp; ?)?[45](\d\d|\.\d{1,3}\.\d{1,3})\b", re.IGNORECASE)

#: Kinds of which a person's row holds one at most; more are several mails in one row.
ONCE_A_MAIL = ("sent", "delivery")
#: Kinds of which the platform may say why, and kinds that somebody's machine does.
BOUNCES = ("bounce", "deferral", "suppressed")
READING = ("open", "click")
#: What belongs to another mailing where it lies further before the sending than zones and dates
#: without a time explain. An unsubscribe or a complaint counts whenever it was.
FOLLOWS_SENDING = ("delivery", *BOUNCES, *READING)
EARLY = timedelta(days=2)
#: So many people are remembered, about 100 bytes each.
MOST_PEOPLE = 1_000_000
#: Our fields that belong to events of some kinds only.
FIELD_KINDS = {
    "bounce_code": BOUNCES,
    "bounce_text": BOUNCES,
    "bounce_class": BOUNCES,
    "link_url": ("click",),
    "user_agent": READING,
    "ip": READING,
}


class Mark(NamedTuple):
    """
    A column that tells of a thing.

        column     its name
        word       what it is about, as a key of the things
        is_moment  whether its cells are moments by its name
    """

    column: str
    word: str
    is_moment: bool


def marks(header: Sequence[str], things: Mapping[str, Thing] = THINGS) -> list[Mark]:
    """
    The columns of a header that tell of things.

    >>> [(mark.word, mark.is_moment) for mark in marks(["is_opened", "clickedAt", "open rate"])]
    [('opened', False), ('clicked', True)]
    """
    found = (_mark(column, things) for column in header)
    return [mark for mark in found if mark]


def _mark(column: str, things: Mapping[str, Thing]) -> Mark | None:
    words = [word.lower() for word in WORD.findall(column)]
    word = "".join(word for word in words if word not in FILLERS)
    if word not in things:
        return None
    return Mark(column, word, not MOMENT_WORDS.isdisjoint(words))


@dataclass(frozen=True)
class Wide:
    """
    How the rows under one header are read.

        marks      the columns that tell of things
        texts      our text fields -> the cells that may hold them
        time       the cell with the moment of the mailing; "" where there is none
        mailings   the cells that say which mailing it was
        things     what the marks' words mean
        vendor     whose words stand in `bounce_class`; "" where nobody's

    >>> wide = Wide(marks(["sent", "opens"]), {"email": ["who"]})
    >>> row = {"who": "ann@one.example", "sent": "1", "opens": "3"}
    >>> [event.kind for event in wide.events(row, Dialect())]
    ['sent', 'open']
    """

    marks: Sequence[Mark]
    texts: Mapping[str, Sequence[str]]
    time: str = ""
    mailings: Sequence[str] = ()
    things: Mapping[str, Thing] = field(default_factory=lambda: THINGS)
    vendor: str = ""

    @property
    def names(self) -> list[str]:
        """The cells that are read."""
        names = [mark.column for mark in self.marks]
        for several in self.texts.values():
            names += several
        return [*names, self.time, *self.mailings]

    def events(self, row: Row, dialect: Dialect) -> list[Event]:
        """
        An event for each thing that happened; the user's word for rows without one, as in
        `--event-map =sent`, is one more.

        Raises:
            CountsOnly: the row counts several mails. ValueError: a cell can't be read, or the row
            tells of nothing and doesn't say whether the person was mailed.
        """
        events = []
        if "" in dialect.event_map:
            kind = dialect.event_map[""]
            events.append(self._event(row, dialect, kind, "", self._moment_of_mailing(row, kind)))
        for word in dict.fromkeys(mark.word for mark in self.marks):
            events += self._events_of(word, row, dialect)
        if not self._tells_of_bounces(row, events) and self._has_reason(row):
            events.append(self._event(row, dialect, "bounce", "bounce", None))
        if not events and not self._tells_who_was_mailed():
            raise ValueError(
                "nothing happened to this person, and no column says that they were mailed; "
                "if every row is somebody who was mailed, add --event-map =sent"
            )
        return events

    def _tells_who_was_mailed(self) -> bool:
        return any(self.things[mark.word].kind in ONCE_A_MAIL for mark in self.marks)

    def _tells_of_bounces(self, row: Row, events: Sequence[Event]) -> bool:
        """Whether an event or a flag says that a mail came back, or that it didn't."""
        flags = (mark.column for mark in self.marks if self.things[mark.word].kind in BOUNCES)
        told = (FLAGS.get(cell_text(row.get(column)).lower()) for column in flags)
        return any(event.kind in BOUNCES for event in events) or NO in told

    def _has_reason(self, row: Row) -> bool:
        """Whether a column says why a mail came back, which no other says."""
        columns = chain.from_iterable(self.texts.get(name, ()) for name in REASONS)
        return any(_is_reason(column, cell_text(row.get(column))) for column in columns)

    def _events_of(self, word: str, row: Row, dialect: Dialect) -> list[Event]:
        """The events of one thing: one for each moment, or one without where none is told."""
        answers: set[str] = set()
        moments: dict[str, object] = {}
        for mark in self.marks:
            if mark.word == word:
                text = cell_text(row.get(mark.column))
                answer = self._answer(mark, text)
                answers.add(answer)
                if answer == MOMENT:
                    moments[text] = row[mark.column]
        if {NO, MOMENT} <= answers:
            raise ValueError(f"one column says when it was {word}, another that it was not")
        kind = dialect.kind(self._kinds, word)
        if YES in answers and not moments:
            moments[""] = self._moment_of_mailing(row, kind)
        return [self._event(row, dialect, kind, word, moment) for moment in moments.values()]

    def _moment_of_mailing(self, row: Row, kind: str) -> object:
        """The row's own moment, which is that of the sending and says nothing of other things."""
        return row.get(self.time) if kind in ONCE_A_MAIL else None

    def _answer(self, mark: Mark, text: str) -> str:
        """What a cell says: YES, NO, NOTHING or MOMENT."""
        flag = FLAGS.get(text.lower())
        if flag is not None:
            return flag
        if self.things[mark.word].kind == "bounce" and spelling(text) in SORTS_OF_BOUNCE:
            return YES
        if NEVER.fullmatch(text) or (mark.is_moment and text == "0"):
            return NOTHING
        if mark.is_moment or not COUNT.fullmatch(text):
            return MOMENT
        count = int(float(text))
        if count > 1 and self.things[mark.word].kind in ONCE_A_MAIL:
            raise CountsOnly(
                f"a row counts {count} mails to one person: which of them was opened or clicked "
                "can't be attributed"
            )
        return YES if count else NO

    @property
    def _kinds(self) -> dict[str, str]:
        return {word: thing.kind for word, thing in self.things.items()}

    def _event(
        self,
        row: Row,
        dialect: Dialect,
        kind: str,
        word: str,
        moment: object,
    ) -> Event:
        texts: dict[str, Any] = {}
        for name, names in self.texts.items():
            if kind in FIELD_KINDS.get(name, (kind,)):
                texts[name] = first_text(row, names)
        # The row is the message to this person in this mailing.
        texts["message_id"] = self._message_id(row, texts)
        if kind in BOUNCES:
            told = texts.get("bounce_class") or self._sort_of_bounce(row, word)
            texts["bounce_class"] = self._bounce_class(told, word)
        return build_event(
            self._row_of(row, word),
            dialect,
            kind=kind,
            word=word or kind,
            time=moment,
            texts=texts,
        )

    def _message_id(self, row: Row, texts: Mapping[str, str]) -> str:
        told = texts.get("message_id") or texts.get("job_id")
        mailing = (cell_text(row.get(name)) for name in self.mailings)
        return told or " ".join(filter(None, mailing))

    def _sort_of_bounce(self, row: Row, word: str) -> str:
        """The sort of a bounce that stands in place of a flag."""
        cells = (cell_text(row.get(mark.column)) for mark in self.marks if mark.word == word)
        return next((text for text in cells if spelling(text) in SORTS_OF_BOUNCE), "")

    def _bounce_class(self, told: str, word: str) -> str:
        words = told or self.things.get(word, Thing("bounce")).bounce_class
        return f"{self.vendor}: {words}" if self.vendor and words else words

    def _row_of(self, row: Row, word: str) -> Row:
        """The row without what it tells of other things."""
        others = {mark.column for mark in self.marks if mark.word != word}
        return {column: cell for column, cell in row.items() if column not in others}


def _is_reason(column: str, text: str) -> bool:
    """
    Whether a cell says why a mail came back. "reason", "response" and the like may be about other
    things: there only a server's refusal says it.

    >>> _is_reason("Bounce Reason", "no such user"), _is_reason("reason", "moved away")
    (True, False)
    """
    if not text or FLAGS.get(text.lower()) in (NO, NOTHING) or ACCEPTANCE.match(text):
        return False
    if "bounce" in spelling(column):
        return (spelling(text) or text) not in NO_REASON
    return bool(REFUSAL.match(text))


@dataclass
class Doubts:
    """
    What the rows of a table of people leave open.

        again   mails to somebody who had one before, where nothing tells the two apart
        early   events that were left out, since they lie before the row's sending

    >>> doubts = Doubts()
    >>> mail = [Event(event_id="1", kind="sent", raw_kind="sent", email="ann@one.example")]
    >>> doubts.take(mail) == doubts.take(mail), doubts.again
    (True, 1)
    """

    again: int = 0
    early: int = 0
    _mails: set[int] = field(default_factory=set)

    def take(self, events: Sequence[Event]) -> list[Event]:
        """The events of a row without those that lie before its sending."""
        self._count_mail(events)
        sendings = [event.ts for event in events if event.kind == "sent" and event.ts]
        if not sendings:
            return list(events)
        begin = min(sendings) - EARLY
        kept = [
            event
            for event in events
            if event.kind not in FOLLOWS_SENDING or event.ts is None or event.ts >= begin
        ]
        self.early += len(events) - len(kept)
        return kept

    def _count_mail(self, events: Sequence[Event]) -> None:
        mail = next((event for event in events if event.kind in ONCE_A_MAIL), None)
        if mail is None or mail.message_id:
            return
        # A number takes less memory than the texts that it stands for.
        key = hash((mail.email, mail.recipient_id, mail.ts))
        if key in self._mails:
            self.again += 1
        elif len(self._mails) < MOST_PEOPLE:
            self._mails.add(key)

    @property
    def notes(self) -> list[str]:
        """A sentence for each sort."""
        notes = []
        if self.again:
            notes.append(
                f"rows of somebody who had one before: {self.again:,}; nothing tells their mails "
                "apart, so they count as one; name the mailing's column with --map COLUMN=job_id"
            )
        if self.early:
            notes.append(
                f"left out, since it was days before the sending in the same row: {self.early:,} "
                "events"
            )
        return notes
