"""
What an import says about itself: what was read, and above all what was not understood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.events.feeds.table import COLUMNS
from cxtools.text import safe_line
from cxtools.wording import quantity

if TYPE_CHECKING:
    import pyarrow as pa

#: So much of a foreign word or name is shown.
LONGEST_WORD = 60
#: So many foreign words or names a sentence lists.
LISTED = 12


@dataclass(frozen=True)
class CampaignEvents:
    """Events of a file for one campaign, and how many of them it didn't have before."""

    events: int
    new: int


@dataclass
class Tally:
    """
    What the events of an import are.

        kinds            our kinds, and how many events are of each
        unknown_words    the vendor's words for events of the kind "unknown"
        without_moment   events without a moment
        unclear          events of an unknown kind or without a moment
    """

    kinds: Counter[str] = field(default_factory=Counter)
    unknown_words: Counter[str] = field(default_factory=Counter)
    without_moment: int = 0
    unclear: int = 0

    def count(self, events: pa.Table) -> None:
        """Take in a table with the columns of `Event`."""
        import pyarrow.compute as pc

        self.kinds += _counts(events["kind"])
        has_no_moment = pc.is_null(events["ts"])
        is_unknown = pc.equal(events["kind"], "unknown")
        self.without_moment += events["ts"].null_count
        self.unclear += pc.sum(pc.or_(has_no_moment, is_unknown)).as_py() or 0
        if self.kinds["unknown"]:
            words = events["raw_kind"].filter(is_unknown)
            for word, times in _counts(words).items():
                self.unknown_words[safe_line(word, LONGEST_WORD)] += times


def _counts(column: pa.ChunkedArray) -> Counter[str]:
    counted = column.value_counts().to_pylist()
    return Counter({each["values"]: each["counts"] for each in counted})


@dataclass(frozen=True)
class Imported:
    """
    What an import did.

        campaigns         each campaign's events, and how many are new; a row can hold several
        format            the feeds whose rows these are
        rows              rows of the files
        rejected          rows that can't be read
        rejected_path     where those rows stand, each with its reason; None when there are none
        kinds             our kinds, and how many events are of each
        unknown_kinds     words for what happened that aren't understood, and how often they stand
        without_moment    events without a moment
        unused_columns    columns of tables that no field was read from
        moments_in        those of them that seem to hold moments
        unclear           events of an unknown kind or without a moment
        notes             sentences about how the files were read
        kept_otherwise    vendors' words of events that are kept as an earlier import read them,
                          otherwise than they are read now
    """

    campaigns: Mapping[str, CampaignEvents]
    format: str
    rows: int
    rejected: int
    rejected_path: Path | None
    kinds: Mapping[str, int]
    unknown_kinds: Mapping[str, int]
    without_moment: int
    unused_columns: Sequence[str]
    moments_in: Sequence[str]
    unclear: int
    notes: Sequence[str]
    kept_otherwise: Sequence[str] = ()

    @property
    def events(self) -> int:
        return sum(own.events for own in self.campaigns.values())

    @property
    def added(self) -> int:
        return sum(own.new for own in self.campaigns.values())

    @property
    def duplicates(self) -> int:
        """Events left out: known before, or repeated in the files."""
        return self.events - self.added

    @property
    def is_understood(self) -> bool:
        """
        Whether most rows are of use. Of no use is a row that was set aside, an event of an unknown
        kind, and one without a moment, where a column that isn't used seems to hold it. So is a
        whole import that brings nothing new, where what is kept was read otherwise.
        """
        if self.kept_otherwise and not self.added:
            return False
        if 2 * self.rejected > self.rows:  # compared with events, rows that make several would win
            return False
        unclear = self.unclear if self.moments_in else self.kinds.get("unknown", 0)
        return 2 * (self.rejected + unclear) <= self.rejected + self.events

    @property
    def warnings(self) -> list[str]:
        """A sentence for each thing that wasn't understood, and on how the files were read."""
        return [*self.notes, *filter(None, self._faults())]

    def _faults(self) -> list[str]:
        return [
            self._about_kinds(),
            self._about_moments(),
            self._about_columns(),
            self._about_rejects(),
            self._about_nothing(),
            self._about_earlier(),
        ]

    def _about_kinds(self) -> str:
        if not self.unknown_kinds:
            return ""
        words = Counter(self.unknown_kinds).most_common()
        listed = _listed([f"{word} × {wording.count(times)}" for word, times in words])
        return f"kinds not understood: {listed}; say what they are with --event-map WORD=KIND"

    def _about_moments(self) -> str:
        if not self.without_moment:
            return ""
        without = wording.count(self.without_moment)
        text = f"events without a moment: {without} of {wording.count(self.events)}"
        if self.moments_in:
            text += f"; name their column with --map {self.moments_in[0]}=ts"
        return text

    def _about_columns(self) -> str:
        if not self.unused_columns:
            return ""
        text = f"columns not used: {_listed(self.unused_columns)}"
        meant = {name: f"bounce_{name.strip().lower()}" for name in self.unused_columns}
        maps = [f"--map {quote(name)}={known}" for name, known in meant.items() if known in COLUMNS]
        return f"{text}; if they tell of bounces, say {' '.join(maps)}" if maps else text

    def _about_rejects(self) -> str:
        if not self.rejected:
            return ""
        share = self.rejected / self.rows
        return (
            f"rows set aside: {wording.count(self.rejected)} of {wording.count(self.rows)} "
            f"({wording.percent(share)}); "
            f"reasons in {self.rejected_path}"
        )

    def _about_nothing(self) -> str:
        if self.events or self.rows == self.rejected:
            return ""
        return "no event: nothing in these rows says that anything happened to anybody"

    def _about_earlier(self) -> str:
        if not self.kept_otherwise:
            return ""
        listed = _listed([word or "no word" for word in self.kept_otherwise])
        return (
            "events stay as an earlier import read them, with another kind or moment than now "
            f"({listed}): what is said now changes nothing for them; import the file again with "
            "another name after --campaign"
        )

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        campaigns = {
            name: {"events": own.events, "new": own.new} for name, own in self.campaigns.items()
        }
        return {
            "campaigns": campaigns,
            "format": self.format,
            "rows": self.rows,
            "rejected": self.rejected,
            "rejected_file": str(self.rejected_path) if self.rejected_path else None,
            "unknown_kinds": dict(self.unknown_kinds),
            "without_moment": self.without_moment,
            "unused_columns": list(self.unused_columns),
            "kinds": dict(self.kinds),
            "warnings": self.warnings,
        }

    def __str__(self) -> str:
        """A line for each campaign, and for each thing that wasn't understood."""
        lines = []
        for name, own in self.campaigns.items():
            left_out = own.events - own.new
            lines.append(
                f"{name}: {quantity(own.events, 'event')}, {wording.count(own.new)} new, "
                f"{wording.count(left_out)} left out (known, or twice in the file)"
            )
        lines.append(f"{quantity(self.rows, 'row')}, read as {self.format}")
        return "\n".join([*lines, *self.warnings])


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - LISTED
    listed = ", ".join(safe_line(text, LONGEST_WORD) for text in texts[:LISTED])
    return f"{listed} and {wording.count(more)} more" if more > 0 else listed
