"""
What a page says of itself in data: a small JSON block in its head, which indexes read.

The block is a script of type `application/json` with the id `about`; pages of 0.1.0 have it, too. A
field that a page doesn't have is missing here, and one that is not known here is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from cxtools.charts.verdicts import MIME

BLOCK_ID = "about"
#: The block stands in the head, after the styles: no page needs to be read to its end for it.
HEAD_CHARACTERS = 200_000


@dataclass(frozen=True)
class PageFacts:
    """
    What an index shows of a page.

    report      the notebook's name
    title       its heading
    campaign    "" for a report that isn't about one
    word        the verdict's word, "" for a report without a verdict
    headline    the verdict's first sentence
    counts      attempted, delivered, bounced, opened, clicked, as far as they are measured
    events      how many events were read, None where nobody counted
    first_at, last_at   the first and the last event, ISO 8601 in UTC; None without any
    made_at     when the page was made; None in pages of 0.1.0
    """

    report: str = ""
    title: str = ""
    campaign: str = ""
    word: str = ""
    headline: str = ""
    events: int | None = None
    first_at: str | None = None
    last_at: str | None = None
    made_at: str | None = None
    counts: Mapping[str, int] | None = None

    def to_json(self) -> str:
        """The block's text."""
        return script_json(asdict(self))


def facts_of(
    notebook: Any, *, report: str, title: str, campaign: str, made_at: datetime | None = None
) -> PageFacts:
    """The facts of an executed notebook; what its verdict says counts, where it has one."""
    moment = made_at.isoformat(timespec="seconds") if made_at else None
    page = {"report": report, "title": title, "campaign": campaign, "made_at": moment}
    return page_facts({**page, **verdict_in(notebook)})


def verdict_in(notebook: Any) -> dict[str, Any]:
    """The notebook's first verdict as data: campaign, word, headline, …; {} where it has none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                return dict(output["data"][MIME])
    return {}


def read_facts(page: str) -> PageFacts | None:
    """The facts of a page; None for a file that isn't a page of ours."""
    reader = _BlockReader()
    reader.feed(page[:HEAD_CHARACTERS])
    try:
        return page_facts(json.loads(reader.text))
    except (ValueError, AttributeError):  # no block, or not an object
        return None


def page_facts(block: Mapping[str, Any]) -> PageFacts:
    """Facts from a block: unknown fields are passed over, missing ones have their defaults."""
    values: dict[str, Any] = {}
    for field in fields(PageFacts):
        value = block.get(field.name)
        if value is not None:
            values[field.name] = value
    return PageFacts(**values)


def script_json(content: Any) -> str:
    """JSON that can't end its script element, nor break a line for JavaScript."""
    text = json.dumps(
        content,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return re.sub("[<>&\u2028\u2029]", _as_escape, text)


def _as_escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\u{number:04x}"


class _BlockReader(HTMLParser):
    """Collects the text of the block."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and not self.text and ("id", BLOCK_ID) in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.text += data
