"""
What the index of a folder shows: one row a campaign, made of what its pages say of themselves.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cxtools import wording
from cxtools.charts.verdicts import SYMBOLS
from cxtools.pages.earlier import moment_in
from cxtools.pages.facts import PageFacts
from cxtools.pages.links import FIRST, Neighbour

#: How the name of a page that looks back begins to say so.
AS_OF = "-as-of-"
#: A rate's name -> what it is a share of what.
RATES = {
    "Delivered": ("delivered", "attempted"),
    "Opened": ("opened", "delivered"),
    "Clicked": ("clicked", "delivered"),
}
#: Points of a trend: more can't be told apart in so small a picture.
MOST_POINTS = 12
#: The size of a trend's picture, in pixels.
WIDTH = 56
HEIGHT = 16
#: Characters of an ISO moment that tell it to the minute.
TO_THE_MINUTE = 16


@dataclass(frozen=True)
class Entry:
    """One page of the folder."""

    file: str
    facts: PageFacts

    @property
    def neighbour(self) -> Neighbour:
        """The page as others link to it."""
        return Neighbour(self.file, self.facts.report, self.facts.title)

    @property
    def looks_back(self) -> bool:
        """Is it an earlier state, or a page of what was known at a moment?"""
        return moment_in(self.file) is not None or AS_OF in self.file

    @property
    def label(self) -> str:
        """An earlier page in a list of them: when it was made, or up to when it looks."""
        _, as_of, moment = self.file.removesuffix(".html").rpartition(AS_OF)
        if as_of:
            return f"{self.facts.title} as of {moment.replace('_', ':')}"
        return f"{self.facts.title}, {_day(self.facts.made_at)}"


@dataclass(frozen=True)
class Rate:
    """One rate of a campaign: its value (None: not measured) and its trend as a small picture."""

    name: str
    value: float | None
    trend: str = ""
    course: str = ""

    @property
    def text(self) -> str:
        return wording.percent(self.value)

    @property
    def key(self) -> float:
        """What rates are sorted by; those that aren't measured are the least."""
        return -1 if self.value is None else round(self.value, 4)


@dataclass(frozen=True)
class Row:
    """
    One campaign, or a report about none.

    `pages` are those of now, the campaign's own first; `earlier` the others, newest first; `states`
    every one of the main report, oldest first.
    """

    name: str
    pages: Sequence[Entry]
    earlier: Sequence[Entry]
    states: Sequence[Entry]

    @property
    def main(self) -> Entry:
        return self.pages[0]

    @property
    def word(self) -> str:
        return self.main.facts.word

    @property
    def headline(self) -> str:
        return self.main.facts.headline

    @property
    def tone(self) -> str:
        """The style of the verdict's badge."""
        return self.word.lower().replace(" ", "-")

    @property
    def symbol(self) -> str:
        return SYMBOLS.get(self.word, "")

    @property
    def until(self) -> str:
        """The last event, as people read it."""
        return _moment(self.main.facts.last_at)

    @property
    def until_key(self) -> str:
        return (self.main.facts.last_at or "")[:TO_THE_MINUTE]

    @property
    def made(self) -> str:
        """When the newest of its pages was made."""
        return _moment(max(_made(page) for page in self.pages))

    @property
    def made_key(self) -> str:
        return max(_made(page) for page in self.pages)[:TO_THE_MINUTE]

    @property
    def change(self) -> str:
        """Which word it had before this one, and until when; "" where it had none."""
        for state in reversed(self.states):
            if state.facts.word != self.word:
                return f"was {state.facts.word} on {_day(state.facts.made_at)}"
        return ""

    @property
    def rates(self) -> list[Rate]:
        return [self._rate(name) for name in RATES]

    def _rate(self, name: str) -> Rate:
        shares = [share_in(state.facts, name) for state in self.states]
        known = [share for share in shares if share is not None][-MOST_POINTS:]
        course = ""
        if len(known) > 1:
            course = f"{wording.percent(known[0])} to {wording.percent(known[-1])}"
        return Rate(name, share_in(self.main.facts, name), trend(known), course)


def share_in(facts: PageFacts, name: str) -> float | None:
    """One of RATES as a page says it; None where it doesn't, or there is nothing to divide."""
    part, whole = RATES[name]
    counts = facts.counts or {}
    if counts.get(part) is None or not counts.get(whole):
        return None
    return float(counts[part] / counts[whole])


def trend(values: Sequence[float]) -> str:
    """
    The points of a small line, "" for fewer than two values.

    >>> trend([0.1, 0.2, 0.15])
    '2,14 28,2 54,8'
    """
    if len(values) < 2:  # noqa: PLR2004  # a line has two ends
        return ""
    low = min(values)
    high = max(values)
    step = (WIDTH - 4) / (len(values) - 1)
    points = []
    for number, value in enumerate(values):
        height = (value - low) / (high - low) if high > low else 0.5
        points.append(f"{2 + number * step:.0f},{HEIGHT - 2 - height * (HEIGHT - 4):.0f}")
    return " ".join(points)


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """The rows of a folder's pages: the newest data first, then by name."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.facts.campaign or entry.facts.title, []).append(entry)
    rows = [_row(name, group) for name, group in sorted(groups.items())]
    return sorted(rows, key=lambda row: row.until_key, reverse=True)


def _row(name: str, entries: Sequence[Entry]) -> Row:
    now = [entry for entry in entries if not entry.looks_back]
    back = [entry for entry in entries if entry.looks_back]
    if not now:  # somebody has removed them, or looks back only
        back = sorted(back, key=_made)
        now = [back.pop()]
    pages = sorted(now, key=lambda entry: (entry.facts.report != FIRST, entry.facts.title))
    states = [*_states(back, pages[0]), pages[0]]
    return Row(name, pages, sorted(back, key=_made, reverse=True), states)


def _states(back: Sequence[Entry], main: Entry) -> Iterator[Entry]:
    """The earlier states of one report, oldest first."""
    same = [entry for entry in back if entry.facts.report == main.facts.report]
    yield from sorted((entry for entry in same if moment_in(entry.file)), key=_made)


def _made(entry: Entry) -> str:
    return entry.facts.made_at or ""


def _moment(text: str | None) -> str:
    return wording.moment_text(datetime.fromisoformat(text)) if text else wording.MISSING


def _day(text: str | None) -> str:
    if not text:
        return wording.MISSING
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%b %Y}"
