"""A campaign verdict as notebooks and pages show it: a box with the word, cards, the checks."""

from __future__ import annotations

import html as _html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.measures.stats import wilson

if TYPE_CHECKING:
    from cxtools.verdicts.cards import Card
    from cxtools.verdicts.checks import Check
    from cxtools.verdicts.verdict import CampaignVerdict

#: What a page reads of a verdict in a notebook.
MIME = "application/vnd.cxtools.verdict+json"
#: Word -> its symbol, so that colour never tells alone.
SYMBOLS = {"FAIL": "✕", "WARN": "!", "TOO FEW": "?", "TOO EARLY": "…", "PASS": "✓"}
WIDEST_WORD = max(len(word) for word in SYMBOLS)
WIDEST_NAME = 32
NOT_MEASURED = "not measured"
HEADINGS = ("Check", "Verdict", "Measured", "Warn above", "Fail above", "Source")


def mime_bundle(verdict: CampaignVerdict) -> dict[str, Any]:
    """A verdict as text, as HTML, and as what a page's index says of it."""
    facts = verdict.facts
    about = {
        "campaign": facts.campaign,
        "word": verdict.word,
        "headline": verdict.sentences[0],
        "events": facts.events,
        "first_at": facts.first_at.isoformat() if facts.first_at else None,
        "last_at": facts.last_at.isoformat() if facts.last_at else None,
    }
    return {"text/plain": str(verdict), "text/html": html(verdict), MIME: about}


def text(verdict: CampaignVerdict) -> str:
    """A verdict for a terminal: its word, its sentences, its checks."""
    head = f"{verdict.word}  {verdict.facts.campaign}"
    checks = [_check_line(check) for check in verdict.facts.checks]
    return "\n".join([head, *verdict.sentences, "", *checks])


def _check_line(check: Check) -> str:
    name = check.limit.name.ljust(WIDEST_NAME)
    if check.word == NOT_MEASURED:
        return f"{name}  {NOT_MEASURED}"
    return f"{name}  {check.word.ljust(WIDEST_WORD)}  {_measured(check)}"


def html(verdict: CampaignVerdict) -> str:
    """A verdict as HTML; names and causes are text, never markup."""
    box = _box(verdict.word, verdict.sentences)
    cards = "".join(_card(card) for card in verdict.cards)
    checks = _checks(verdict.facts.checks)
    return f'{box}<dl class="cards">{cards}</dl>{checks}'


def _box(word: str, sentences: Sequence[str]) -> str:
    tone = word.lower().replace(" ", "-")
    symbol = f'<span class="symbol" aria-hidden="true">{SYMBOLS[word]}</span>'
    lines = "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences)
    head = f'<p class="word">{symbol} {word}</p>'
    return f'<div class="verdict {tone}">{head}<ul>{lines}</ul></div>'


def _card(card: Card) -> str:
    texts = (card.share, card.counted, card.compared)
    lines = "".join(f"<dd>{_text(text)}</dd>" for text in texts if text)
    return f"<div><dt>{_html.escape(card.name)}</dt>{lines}</div>"


def _text(text: str) -> str:
    """Escaped, and without a line break inside an interval: word joiners around its dash."""
    return re.sub(r"(?<=\d)–(?=\d)", "\u2060–\u2060", _html.escape(text))


def _checks(checks: Sequence[Check]) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    rows = "".join(_check_row(check) for check in checks)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return (
        '<details class="judged"><summary>How this was judged</summary>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Checks">'
        f"{table}</div></details>"
    )


def _check_row(check: Check) -> str:
    symbol = SYMBOLS.get(check.word, "")
    limit = check.limit
    texts = (
        f"{symbol} {check.word}".strip(),
        _measured(check),
        wording.percent(limit.target),
        wording.percent(limit.limit),
        limit.source,
    )
    cells = "".join(f"<td>{_html.escape(text)}</td>" for text in texts)
    return f'<tr><th scope="row">{_html.escape(limit.name)}</th>{cells}</tr>'


def _measured(check: Check) -> str:
    if not check.of or check.count is None:
        return wording.MISSING
    low, high = wilson(check.count, check.of)
    share = wording.interval(check.count / check.of, low, high)
    return f"{wording.count(check.count)} of {wording.count(check.of)}: {share}"
