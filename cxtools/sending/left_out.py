"""
Who of a campaign's list was not mailed, and why: rows that the plan left out, people whom their
batch left out. Read from the ledger; addresses are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cxtools import wording
from cxtools.charts.rows import SHOWN_ROWS
from cxtools.charts.tables import html_table
from cxtools.ledger.ledger import Ledger
from cxtools.sending.exclusion import read_exclusion
from cxtools.text import mask_address
from cxtools.wording import quantity, shown_note


class LeftOutPerson(NamedTuple):
    """
    One row of a list that nobody was mailed for.

        email   the masked address; "" where there is none, or it was erased
        reason  invalid, duplicate, or what the API or an earlier campaign said of the person
        detail  what is wrong with the row; "" for a person who was left out
        since   the day from which the reason holds, as 2026-09-14; None where nobody says
        line    the line of the list; None for a person who was left out when the batch went out
        wave    the wave that left the person out
    """

    email: str
    reason: str
    detail: str = ""
    since: str | None = None
    line: int | None = None
    wave: int = 0


class LeftOutPeople(tuple[LeftOutPerson, ...]):
    """All of them: the rows of the plan by line, then the people of the batches by reason."""

    def to_list(self) -> list[dict[str, Any]]:
        """The list that `--json` prints."""
        return [person._asdict() for person in self]

    def __repr__(self) -> str:
        if not self:
            return "Nobody was left out."
        counts = Counter(person.reason for person in self)
        reasons = [f"{wording.count(count)} × {reason}" for reason, count in counts.most_common()]
        return f"{quantity(len(self), 'row')} left out: {'; '.join(reasons)}."

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{self!r}</p>"
        caption = f"{self!r}{shown_note(SHOWN_ROWS, len(self))}"
        if len(self) > SHOWN_ROWS:
            caption += " All: cxtools status CAMPAIGN --json."
        rows = [_shown(person) for person in self[:SHOWN_ROWS]]
        return html_table(("email", "why", "since"), rows, caption)


def _shown(person: LeftOutPerson) -> dict[str, Any]:
    why = f"{person.reason}: {person.detail}" if person.detail else person.reason
    place = f" (line {person.line})" if person.line else ""
    return {"email": person.email or None, "why": f"{why}{place}", "since": person.since}


def left_out(ledger: Ledger, name: str) -> LeftOutPeople:
    """Who of a campaign was left out so far; whom a batch will leave out isn't known before."""
    return LeftOutPeople([*_rows_of_plan(ledger, name), *_people_of_batches(ledger, name)])


def _rows_of_plan(ledger: Ledger, name: str) -> Iterator[LeftOutPerson]:
    for row in ledger.plans.left_out(name):
        yield LeftOutPerson(row.masked, row.reason, row.detail, line=row.line)


def _people_of_batches(ledger: Ledger, name: str) -> Iterable[LeftOutPerson]:
    people = []
    for batch in ledger.batches.with_left_out(name):
        lines = ledger.batches.excluded(batch.id)
        masked = {}
        for person in ledger.batches.candidates(batch.id):
            if person.key in lines:
                masked[person.key] = mask_address(person.email)
        for key, line in lines.items():
            reason, since = read_exclusion(line)
            day = since.isoformat() if since else None
            email = masked.get(key, "")
            people.append(LeftOutPerson(email, reason, since=day, wave=batch.wave))
    return sorted(people, key=lambda person: (person.reason, person.email))
