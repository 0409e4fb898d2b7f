"""
The words that a page shows, each with its meaning: a page defines exactly those that stand on it.

The measures' docstrings say the same to programmers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cxtools.charts.verdicts import MIME
from cxtools.pages.figures import FIGURE_MIME, PageFigure
from cxtools.pages.parameters import holds_parameters


@dataclass(frozen=True)
class Term:
    """
    A word, what it means, and the pattern by which it is found where it isn't written so. The
    meaning of jargon stands below the first figure or table that uses the word, too.
    """

    word: str
    meaning: str
    pattern: str = ""
    is_jargon: bool = False

    def stands_in(self, text: str) -> bool:
        """Whether a text uses the word."""
        pattern = self.pattern or rf"\b{re.escape(self.word)}\b"
        return bool(re.search(pattern, text, re.IGNORECASE))


TERMS = (
    Term(
        "Message",
        "One e-mail to one recipient. Counts are of messages unless they say otherwise.",
        r"\bmessages?\b",
    ),
    Term(
        "Recipient",
        "Who a message goes to. As a column of a table: how many messages, each to one recipient.",
        r"\brecipients?\b",
    ),
    Term("Submitted", "The API took the batch that the recipient is in."),
    Term(
        "Attempted",
        "A delivery or a bounce was reported; where the feed tells of no deliveries, a sending.",
    ),
    Term("Delivered", "Attempted, and not bounced in the end."),
    Term("Bounced", "The last final word on the message is a bounce.", r"\bbounce[ds]?\b"),
    Term("Late bounce", "A bounce that came after a delivery.", r"\blate[ _]bounce"),
    Term(
        "Hard bounce",
        "The address is dead: don't try again.",
        r"\bhard\b",
        is_jargon=True,
    ),
    Term(
        "Soft bounce",
        "A refusal that may pass: try again later.",
        r"\bsoft\b",
        is_jargon=True,
    ),
    Term(
        "Blocked",
        "The message or its sender was refused, not the address.",
        r"\bblock(ed)?\b",
        is_jargon=True,
    ),
    Term(
        "Undetermined",
        "The server's answer doesn't say whether trying again can help.",
        is_jargon=True,
    ),
    Term(
        "Policy block",
        "The server refused by a rule of its own, without saying whether that was about the "
        "address or the sender.",
        is_jargon=True,
    ),
    Term(
        "Reputation block",
        "The server refused the sender: its address or domain is distrusted, or on a blocklist.",
        is_jargon=True,
    ),
    Term(
        "Greylisted",
        "A server asks senders that it doesn't know to come again some minutes later.",
        is_jargon=True,
    ),
    Term(
        "Opened",
        "An open, or a click on content, was recorded. Machines that fetch images ahead of the "
        "reader are among them: read it as an upper bound.",
    ),
    Term("Clicked", "At least one link to content was followed, by a person or a scanner."),
    Term(
        "Clicks without open",
        "Clicked, but no open was recorded: the images weren't loaded. They count as opened.",
    ),
    Term(
        "Scanner",
        "A security gateway that follows links before a person does.",
        r"\bscanners?\b",
    ),
    Term("Complaint", "A recipient reported the message as spam.", r"\bcomplain(t|ts|ed)\b"),
    Term("Delivery rate", "Delivered of attempted."),
    Term("Bounce rate", "Bounced of attempted."),
    Term("Open rate", "Opened of delivered.", r"(?<!to[ -])\bopen rate\b"),
    Term("Click rate", "Clicked of delivered."),
    Term("Click-to-open rate", "Clicked of opened.", r"\bclick[- ]to[- ]open rate\b"),
    Term(
        "Rate",
        "Beside a cause of bounces: of the attempted. The share is of all bounces.",
        r"(?-i:\bShare\s+Rate\b)",
    ),
    Term(
        "Rate",
        "Beside hours: those who had opened or clicked by then, of the delivered.",
        r"(?-i:\b(Cumulative|Recipients)\s+Rate\b)",
    ),
    Term(
        "Mailbox provider",
        "Who runs the mailbox, told by the address's domain; smaller ones are together in “other”.",
        r"\bmailbox providers?\b",
    ),
    Term(
        "95% interval",
        "Wilson score interval: the shares that the count leaves plausible.",
        r"95% interval|\d\u2060?–\u2060?\d",
    ),
    Term(
        "Median",
        "The middle one: half are below it, half above.",
        r"\bmedian\b|\busual\b",
    ),
    Term(
        "Points",
        "Percentage points: the difference of two shares, 4% being 1 point above 3%.",
        r"\bpoints (above|below)\b",
    ),
    Term(
        "At the same age",
        "Earlier campaigns are cut at the age that this one has reached.",
        r"\b(at the )?same age\b|\bat the age\b",
    ),
    Term(
        "Not measured",
        "The feed doesn't report such events; it doesn't mean that there were none.",
    ),
    Term("Confidence", "How sure the rule is that classified the server's text."),
)


JARGON = tuple(term for term in TERMS if term.is_jargon)


def definitions(notebook: Any, figures: Sequence[PageFigure]) -> list[Term]:
    """The terms that a page's text uses, in the glossary's order."""
    text = "\n".join(page_texts(notebook, figures))
    return [term for term in TERMS if term.stands_in(text)]


def mark_jargon(notebook: Any, figures: Sequence[PageFigure]) -> None:
    """
    Give each output the terms of jargon that it uses first (`metadata.meanings`). A verdict's cards
    explain themselves.
    """
    explained: set[str] = set()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                continue
            place = output.get("metadata", {}).get("figure")
            texts = [output_text(output)] if place is None else figure_texts(figures[place])
            text = "\n".join(texts)
            terms = [term for term in JARGON if term.stands_in(text)]
            new = [term for term in terms if term.word not in explained]
            output.setdefault("metadata", {})["meanings"] = [asdict(term) for term in new]
            explained.update(term.word for term in new)


def page_texts(notebook: Any, figures: Sequence[PageFigure]) -> Iterator[str]:
    """All the text of a page except for its last section."""
    for cell in notebook.cells:
        if holds_parameters(cell):
            continue
        if cell.cell_type == "markdown":
            yield cell.source
        for output in cell.get("outputs", []):
            yield output_text(output)
    for figure in figures:
        yield from figure_texts(figure)


def figure_texts(figure: PageFigure) -> Iterator[str]:
    """All the text of a figure."""
    yield from (figure.heading, figure.title, figure.caption, figure.numbers.more)
    yield plain_text(figure.numbers.html)
    yield from strings_in(figure.spec)


def output_text(output: Any) -> str:
    """What is read of an output; a figure is not an output's text."""
    data = output.get("data", {})
    if FIGURE_MIME in data:
        return ""
    if "text/html" in data:
        return plain_text(data["text/html"])
    return str(data.get("text/markdown") or data.get("text/plain") or output.get("text", ""))


def plain_text(markup: str) -> str:
    """
    >>> plain_text("<th>Open rate</th><td>5 &lt; 6</td>")
    ' Open rate  5 < 6 '
    """
    return html.unescape(re.sub(r"<[^>]*>", " ", markup))


def strings_in(part: Any) -> Iterator[str]:
    """All texts in a figure's data and layout."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from _strings_in_all(part.values())
    elif isinstance(part, list | tuple):
        yield from _strings_in_all(part)


def _strings_in_all(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        yield from strings_in(part)
