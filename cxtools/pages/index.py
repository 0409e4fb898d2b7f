"""
The index of a folder: its campaigns with verdict, rates and pages, read from the pages' facts; and
the links between those pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2

from cxtools.pages.checks import check_page
from cxtools.pages.disk import one_at_a_time, write_text
from cxtools.pages.facts import HEAD_CHARACTERS, read_facts
from cxtools.pages.links import is_linked, linked, neighbours
from cxtools.pages.page import HEAD_SCRIPT, TEMPLATES, policy, template_text
from cxtools.pages.portfolio import HEIGHT, WIDTH, Entry, rows_of

NAME = "index.html"
#: Stands in each index that we wrote, also in those of 0.1.0: no other is written over.
MARK = '<p class="eyebrow">cxtools</p>'


def write_index(folder: Path) -> Path | None:
    """
    Write `index.html` of a folder, newest data first, link its pages, and return its path; None
    where the folder has an index of someone else's, which is left alone.
    """
    index = folder / NAME
    if index.exists() and MARK not in index.read_text(encoding="utf-8", errors="replace"):
        return None
    # One process after the other, so that the last one lists the pages of all.
    with one_at_a_time(folder):
        reports = entries(folder)
        _link_pages(folder, reports)
        body = index_page(reports)
        check_page(body)
        return write_text(index, body)


def index_page(reports: Sequence[Entry]) -> str:
    """The page that lists these; it works without scripts, and sorts and filters with them."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    rows = rows_of(reports)
    script = template_text("folder.js")
    return environment.get_template("folder.html.j2").render(
        rows=rows,
        words=sorted({row.word for row in rows if row.word}),
        size=(WIDTH, HEIGHT),
        style=template_text("style.css"),
        head_script=HEAD_SCRIPT,
        script=script,
        policy=policy(HEAD_SCRIPT, script),
    )


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
    groups: dict[str, list[Entry]] = {}
    for entry in reports:
        groups.setdefault(entry.neighbour.group, []).append(entry)
    for group in groups.values():
        pages = [entry.neighbour for entry in group]
        for page in pages:
            file = folder / page.file
            beside = neighbours(page, pages)
            if is_linked(_head(file), page, beside, NAME):
                continue
            body = file.read_text(encoding="utf-8")
            whole = linked(body, page, beside, NAME)
            if whole != body:
                write_text(file, whole)


def entries(folder: Path) -> list[Entry]:
    """The folder's reports, by their files' names."""
    reports: list[Entry] = []
    for file in sorted(folder.glob("*.html")):
        if file.name == NAME:
            continue
        facts = read_facts(_head(file))
        if facts is not None:
            reports.append(Entry(file.name, facts))
    return reports


def _head(file: Path) -> str:
    """The beginning of a page: its facts and its links, and none of its charts."""
    with file.open(encoding="utf-8", errors="replace") as page:
        return page.read(HEAD_CHARACTERS)
