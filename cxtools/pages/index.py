"""
The index of a folder: its reports by date, campaign and verdict, read from the pages' facts; and
the links between those pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jinja2

from cxtools import wording
from cxtools.charts.verdicts import SYMBOLS
from cxtools.pages.checks import check_page
from cxtools.pages.disk import one_at_a_time, write_text
from cxtools.pages.facts import PageFacts, read_facts
from cxtools.pages.links import Neighbour, linked, neighbours
from cxtools.pages.page import TEMPLATES, template_text

NAME = "index.html"
#: Stands in each index that we wrote, also in those of 0.1.0: no other is written over.
MARK = '<p class="eyebrow">cxtools</p>'


@dataclass(frozen=True)
class Entry:
    """One page of the folder."""

    file: str
    facts: PageFacts

    @property
    def until(self) -> str:
        """The last event, as people read it."""
        if self.facts.last_at is None:
            return wording.MISSING
        return wording.moment_text(datetime.fromisoformat(self.facts.last_at))

    @property
    def made(self) -> str:
        """When the page was made."""
        if self.facts.made_at is None:
            return wording.MISSING
        return wording.moment_text(datetime.fromisoformat(self.facts.made_at))

    @property
    def neighbour(self) -> Neighbour:
        """The page as others link to it."""
        return Neighbour(self.file, self.facts.report, self.facts.title)

    @property
    def tone(self) -> str:
        """The style of the verdict's badge."""
        return self.facts.word.lower().replace(" ", "-")

    @property
    def symbol(self) -> str:
        return SYMBOLS.get(self.facts.word, "")


def write_index(folder: Path) -> Path | None:
    """
    Write `index.html` of a folder, newest data first, link its pages, and return its path; None
    where the folder has an index of someone else's, which is left alone.
    """
    index = folder / NAME
    if index.exists() and MARK not in index.read_text(encoding="utf-8", errors="replace"):
        return None
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True)
    template = environment.get_template("folder.html.j2")
    style = template_text("style.css")
    # One process after the other, so that the last one lists the pages of all.
    with one_at_a_time(folder):
        reports = entries(folder)
        _link_pages(folder, reports)
        body = template.render(entries=reports, style=style)
        check_page(body)
        return write_text(index, body)


def is_behind(folder: Path) -> bool:
    """Whether the folder holds a page that is newer than its index."""
    index = folder / NAME
    pages = [file for file in folder.glob("*.html") if file.name != NAME]
    if not index.exists():
        return bool(pages)
    written = index.stat().st_mtime_ns
    return any(file.stat().st_mtime_ns > written for file in pages)


def _link_pages(folder: Path, reports: Sequence[Entry]) -> None:
    """Lead each page to those beside it; one whose links are right isn't written again."""
    pages = [entry.neighbour for entry in reports]
    for page in pages:
        file = folder / page.file
        body = file.read_text(encoding="utf-8")
        whole = linked(body, page, neighbours(page, pages), NAME)
        if whole != body:
            write_text(file, whole)


def entries(folder: Path) -> list[Entry]:
    """The folder's reports: the newest data first, then by campaign and title."""
    reports: list[Entry] = []
    for file in folder.glob("*.html"):
        facts = read_facts(file.read_text(encoding="utf-8", errors="replace"))
        if facts is not None:
            reports.append(Entry(file.name, facts))
    reports.sort(key=by_name)
    reports.sort(key=by_date, reverse=True)
    return reports


def by_name(entry: Entry) -> tuple[str, str, str]:
    """Campaign, then title, then file."""
    return entry.facts.campaign, entry.facts.title, entry.file


def by_date(entry: Entry) -> str:
    """The last event; reports without any come last."""
    return entry.facts.last_at or ""
