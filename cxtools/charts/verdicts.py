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
SYMBOLS = {"FAIL": "✕", "WARN": "!", "NO DATA": "∅", "TOO FEW": "?", "TOO EARLY": "…", "PASS": "✓"}
#: In a terminal.
WIDEST_WORD = max(len(word) for word in SYMBOLS)
WIDEST_NAME = 32

BOX = (
    '<div class="verdict {tone}"><p class="word">'
    '<span class="symbol" aria-hidden="true">{symbol}</span> {word}</p>'
    "<ul>{lines}</ul></div>"
)
CHECKS = (
    '<details class="checks"><summary>How this was judged</summary>'
    '<div class="scroll" tabindex="0" role="region" aria-label="Checks">'
    "<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div></details>"
)
HEADINGS = ("Check", "Verdict", "Measured", "Warn above", "Fail above", "Source")
#: The dash of an interval, at which no line may break.
DASH = re.compile(r"(?<=\d)–(?=\d)")
JOINER = "\u2060"


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


# --- terminal ---


def text(verdict: CampaignVerdict) -> str:
    """A verdict for a terminal: its word, its sentences, its checks."""
    lines = [f"{verdict.word}  {verdict.facts.campaign}"]
    lines += verdict.sentences
    lines.append("")
    lines += [_check_line(check) for check in verdict.facts.checks]
    return "\n".join(lines)


def _check_line(check: Check) -> str:
    name = check.limit.name.ljust(WIDEST_NAME)
    word = check.word.ljust(WIDEST_WORD)
    if not check.whole:
        return f"{name}  {word}".rstrip()
    return f"{name}  {word}  {_measured(check)}"


# --- HTML ---


def html(verdict: CampaignVerdict) -> str:
    """A verdict as HTML; names and causes are text, never markup."""
    box = _box(verdict.word, verdict.sentences)
    cards = "".join(_card(card) for card in verdict.cards)
    checks = _checks(verdict.facts.checks)
    return f'{box}<dl class="cards">{cards}</dl>{checks}'


def _box(word: str, sentences: Sequence[str]) -> str:
    return BOX.format(
        tone=word.lower().replace(" ", "-"),
        symbol=SYMBOLS[word],
        word=word,
        lines=_elements("li", sentences),
    )


def _card(card: Card) -> str:
    texts = [card.share, card.basis]
    if card.comparison:
        texts.append(card.comparison)
    name = _elements("dt", [card.name])
    lines = _elements("dd", texts)
    return f"<div>{name}{lines}</div>"


def _checks(checks: Sequence[Check]) -> str:
    headings = [f'<th scope="col">{heading}</th>' for heading in HEADINGS]
    rows = [_check_row(check) for check in checks]
    return CHECKS.format(headings="".join(headings), rows="".join(rows))


def _check_row(check: Check) -> str:
    limit = check.limit
    symbol = SYMBOLS.get(check.word, "")
    texts = (
        f"{symbol} {check.word}".strip(),
        _measured(check),
        wording.percent(limit.target),
        wording.percent(limit.limit),
        limit.source,
    )
    name = _html.escape(limit.name)
    cells = _elements("td", texts)
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _measured(check: Check) -> str:
    if not check.whole or check.count is None:
        return wording.MISSING
    count = wording.count(check.count)
    whole = wording.count(check.whole)
    low, high = wilson(check.count, check.whole)
    share = wording.interval(check.count / check.whole, low, high)
    return f"{count} of {whole}: {share}"


def _elements(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{_escaped(text)}</{tag}>" for text in texts)


def _escaped(text: str) -> str:
    """As HTML, and without a line break inside an interval."""
    return DASH.sub(f"{JOINER}–{JOINER}", _html.escape(text))
