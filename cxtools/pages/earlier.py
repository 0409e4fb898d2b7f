"""
Earlier states of a page: what it said before, in files beside it.

    bounce_report-q3-update.html                     what it says now
    bounce_report-q3-update.20260914T101500Z.html    what it said when it was made at that moment
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cxtools.files import sync_folder
from cxtools.pages.facts import PageFacts, read_facts

#: The end of the name of an earlier state: its moment.
MOMENT = re.compile(r"\.(\d{8}T\d{6}Z)\.html$")
FORM = "%Y%m%dT%H%M%SZ"
#: Facts that make a page say something else.
SAID = ("word", "headline", "events", "first_at", "last_at", "counts")
#: Earlier states that are kept where nobody says how many.
KEPT = 10


def keep_state(page: Path, new: PageFacts) -> Path | None:
    """
    Give the page that is there a second name with its moment, where a new one says something else;
    None where there is none, or it says the same.
    """
    if not page.exists():
        return None
    old = read_facts(page.read_text(encoding="utf-8", errors="replace"))
    if old is None or all(getattr(old, name) == getattr(new, name) for name in SAID):
        return None
    kept = page.with_name(f"{page.stem}.{_made_at(page, old):{FORM}}.html")
    with suppress(FileExistsError):  # a run that was killed has kept it already
        os.link(page, kept)
        sync_folder(page.parent)
    return kept


def _made_at(page: Path, facts: PageFacts) -> datetime:
    if facts.made_at:
        return datetime.fromisoformat(facts.made_at).astimezone(UTC)
    return datetime.fromtimestamp(page.stat().st_mtime, UTC)


def moment_in(name: str) -> datetime | None:
    """
    The moment of an earlier state, by its file's name; None for a page that says what is so now.

    >>> moment_in("bounce_report-q3.20260914T101500Z.html").isoformat()
    '2026-09-14T10:15:00+00:00'
    >>> moment_in("bounce_report-q3.html") is None
    True
    """
    found = MOMENT.search(name)
    if found is None:
        return None
    return datetime.strptime(found[1], FORM).replace(tzinfo=UTC)


def states_of(page: Path) -> list[Path]:
    """The earlier states of a page that are kept, the oldest first."""
    start = f"{page.stem}."
    files = [file for file in page.parent.glob("*.html") if file.name.startswith(start)]
    own = [file for file in files if MOMENT.fullmatch(file.name.removeprefix(page.stem))]
    return sorted(own)


def drop_states(
    page: Path, *, keep: int = KEPT, keep_for: timedelta | None = None, now: float
) -> list[Path]:
    """
    Remove the earlier states of a page but the last *keep*, and those older than *keep_for*; which
    those were. *now* is Unix time in seconds.
    """
    states = states_of(page)
    dropped = states[: max(0, len(states) - keep)]
    if keep_for is not None:
        oldest = datetime.fromtimestamp(now, UTC) - keep_for
        for file in states[len(dropped) :]:
            moment = moment_in(file.name)
            if moment is not None and moment < oldest:
                dropped.append(file)
    for file in dropped:
        file.unlink(missing_ok=True)
    return dropped
