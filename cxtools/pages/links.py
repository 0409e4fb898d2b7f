"""
Links between the pages of a folder: from each to the others of its campaign, and to the index.

A page is made before its neighbours are; it has a place for the links, and whoever writes the index
fills it. In a page that is mailed alone they lead nowhere, as any link between files does.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Where the links stand on a page.
START = "<!-- reports -->"
END = "<!-- /reports -->"
PLACE = re.compile(f"{START}.*?{END}", re.DOTALL)
#: A word of a page's text that leads to another report.
WORD = re.compile(r'<a data-report="(\w+)"(?: href="[^"]*")?>')
#: How a notebook writes such a word: as a link to the other notebook.
NOTEBOOK_LINK = re.compile(r'<a href="(\w+)\.ipynb">')
#: The report that stands first among those of a campaign.
FIRST = "run_campaign"


@dataclass(frozen=True)
class Neighbour:
    """A page beside others: its file, the report's name and title."""

    file: str
    report: str
    title: str

    @property
    def rank(self) -> tuple[bool, str]:
        """The campaign's own report first, then by title."""
        return self.report != FIRST, self.title

    @property
    def group(self) -> str:
        """What the pages of one campaign, at one moment, have in common: the end of their names."""
        return self.file.removeprefix(self.report)


def with_words(body: str) -> str:
    """
    A page in which links to notebooks are words that can lead to reports.

    >>> with_words('the <a href="bounce_report.ipynb">bounce report</a>')
    'the <a data-report="bounce_report">bounce report</a>'
    """
    return NOTEBOOK_LINK.sub(r'<a data-report="\1">', body)


def neighbours(page: Neighbour, pages: Sequence[Neighbour]) -> list[Neighbour]:
    """The pages of the same campaign at the same moment, itself among them, in order."""
    own = [other for other in pages if other.group == page.group]
    return sorted(own, key=lambda other: other.rank)


def is_linked(head: str, page: Neighbour, beside: Sequence[Neighbour], index: str) -> bool:
    """Whether the beginning of a page holds these links: then its words lead there, too."""
    return _block(page, beside, index) in head


def linked(body: str, page: Neighbour, beside: Sequence[Neighbour], index: str) -> str:
    """A page with links to the index and to those beside it; some words lead to those, too."""
    block = _block(page, beside, index)
    files = {other.report: other.file for other in beside}
    body = PLACE.sub(lambda _: block, body, count=1)
    return WORD.sub(lambda word: _word(word[1], files), body)


def _block(page: Neighbour, beside: Sequence[Neighbour], index: str) -> str:
    links = [_link(index, "All reports")]
    for other in beside:
        links.append(_here(other) if other == page else _link(other.file, other.title))
    return f"{START}<ul>{''.join(links)}</ul>{END}"


def _link(file: str, title: str) -> str:
    return f'<li><a href="{html.escape(file)}">{html.escape(title)}</a></li>'


def _here(page: Neighbour) -> str:
    return f'<li><span aria-current="page">{html.escape(page.title)}</span></li>'


def _word(report: str, files: Mapping[str, str]) -> str:
    if report not in files:
        return f'<a data-report="{report}">'
    return f'<a data-report="{report}" href="{html.escape(files[report])}">'
