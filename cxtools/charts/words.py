"""
A table's answer in plain sentences, for whoever reads no table: what has got worse, what differs.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts.differences import pair_name
from cxtools.charts.groups import splits_of
from cxtools.charts.rows import Row, question_of, rows_of
from cxtools.errors import ReportError
from cxtools.measures.catalogue.delivery import RULE

if TYPE_CHECKING:
    import pandas as pd

#: Metric -> what the messages did, in a sentence on two sides.
DID = {
    "delivery_rate": "were delivered",
    "open_rate": "of the delivered were opened",
    "click_rate": "of the delivered were clicked",
    "click_to_open_rate": "of the opened were clicked",
}
FIRST_SAID = ("click_rate", "open_rate", "delivery_rate", "click_to_open_rate")
#: How many sentences are said at most; the table has the others.
MOST = 8
LONGEST = 2000


@dataclass(frozen=True)
class Words:
    """A headline, its sentences, and what stands below in small letters."""

    headline: str
    sentences: Sequence[str] = ()
    note: str = ""

    def __str__(self) -> str:
        lines = [self.headline, *(f"- {sentence}" for sentence in self.sentences), self.note]
        return "\n".join(line for line in lines if line)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = [f"<li>{html.escape(sentence)}</li>" for sentence in self.sentences]
        below = f"<ul>{''.join(items)}</ul>" if items else ""
        note = f"<p><small>{html.escape(self.note)}</small></p>" if self.note else ""
        return f"<p><strong>{html.escape(self.headline)}</strong></p>{below}{note}"


def words_of(table: pd.DataFrame) -> Words:
    """
    The answer in words.

    Raises:
        ReportError: it is one that is only told by numbers.
    """
    question = question_of(table)
    if question is None or question.name not in SAID:
        raise ReportError(
            "there are no words for this table",
            do=f"show the table itself; there are words for {', '.join(SAID)}",
        )
    rows = rows_of(table, LONGEST)
    words = Words(question.nothing(splits_of(table)))
    if rows:
        words = SAID[question.name](rows)
    notes = [words.note, *getattr(table, "notes", ())]
    return replace(words, note=" ".join(note for note in notes if note))


def _alerts(rows: Sequence[Row]) -> Words:
    lasting = sum(not row["until"] for row in rows)
    over = "over by now" if len(rows) == 1 else "all of them over"
    still = f"{wording.count(lasting)} still going on" if lasting else over
    headline = f"{wording.quantity(len(rows), 'alert')}, {still}."
    latest = sorted(rows, key=lambda row: (bool(row["until"]), -abs(row["distance"])))
    note = wording.shown_note(MOST, len(rows)).strip()
    return Words(headline, [row["finding"] for row in latest[:MOST]], note)


def _compared(table: Sequence[Row]) -> Words:
    """The strongest findings, what people did first."""
    rows = sorted(table, key=lambda row: FIRST_SAID.index(row["metric"]))
    for word in ("significant", "promising"):
        found = [row for row in rows if row["finding"] == word]
        if found:
            more = wording.shown_note(MOST, len(found)).strip()
            note = f"{more} {RULE}".strip()
            return Words(_headline(word, found), [_told(row) for row in found[:MOST]], note)
    enough = [row for row in rows if row["finding"] != "too few"]
    if not enough:
        return Words("Too few: there are not enough messages to tell.", note=RULE)
    headline = "No difference is shown that chance doesn't explain."
    return Words(headline, [_told(row) for row in enough[:MOST]], RULE)


def _headline(word: str, rows: Sequence[Row]) -> str:
    if word == "significant":
        return f"{wording.quantity(len(rows), 'difference')} beyond chance."
    return "Nothing for certain; what looks promising:"


def _told(row: Row) -> str:
    """One pair in a sentence."""
    difference = wording.difference(
        row["difference"], row["difference_low"], row["difference_high"]
    )
    return (
        f"{pair_name(row)}: {wording.percent(row['share'])} {DID[row['metric']]}, beside "
        f"{wording.percent(row['beside_share'])}; {difference}, {row['finding']}."
    )


#: Question -> how its answer is said.
SAID: dict[str, Callable[[Sequence[Row]], Words]] = {"alerts": _alerts, "compare": _compared}
