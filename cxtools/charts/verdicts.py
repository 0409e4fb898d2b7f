"""A campaign verdict as notebooks and pages show it: a box with the word, cards, the checks."""

from __future__ import annotations

import html as _html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.measures.stats import wilson

if TYPE_CHECKING:
    from cxtools.verdicts.actions import Action
    from cxtools.verdicts.cards import Card
    from cxtools.verdicts.checks import Check
    from cxtools.verdicts.limits import Limit
    from cxtools.verdicts.trust import Trust
    from cxtools.verdicts.verdict import CampaignVerdict

#: What a page reads of a verdict in a notebook.
MIME = "application/vnd.cxtools.verdict+json"
#: The counts that an index makes rates of.
COUNTS = ("attempted", "delivered", "bounced", "opened", "clicked")
#: Word -> its symbol, so that colour never tells alone.
SYMBOLS = {"FAIL": "✕", "WARN": "!", "NO DATA": "∅", "TOO FEW": "?", "TOO EARLY": "…", "PASS": "✓"}
#: In a terminal.
WIDEST_WORD = max(len(word) for word in SYMBOLS)

BOX = (
    '<div class="verdict {tone}"><p class="word">'
    '<span class="symbol" aria-hidden="true">{symbol}</span> {word}</p>'
    "<ul>{lines}</ul></div>"
)
CARD = (
    '<div class="card"><div class="name">{name}</div><div class="share">{share}</div>{lines}</div>'
)
#: How it looks where no page has a style of its own: a notebook, light or dark. `:where` weighs
#: nothing, so the page's style wins.
STYLE = """\
<style>
:where(.cxtools-verdict) { max-width: 60rem; line-height: 1.45; }
:where(.cxtools-verdict .word) { font-size: 1.4em; font-weight: 700; margin: .3em 0; }
:where(.cxtools-verdict .fail .word) { color: #d92d20; }
:where(.cxtools-verdict .warn .word) { color: #c4600b; }
:where(.cxtools-verdict .pass .word) { color: #149252; }
:where(.cxtools-verdict .heading, .cxtools-verdict summary) {
  font-weight: 600; margin: .6em 0 .2em;
}
:where(.cxtools-verdict .cards) {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11em, 1fr)); gap: .6em;
  margin: .8em 0;
}
:where(.cxtools-verdict .card) {
  border: 1px solid rgba(128, 128, 128, .4); border-radius: 8px; padding: .5em .8em;
}
:where(.cxtools-verdict .card .name) { font-weight: 600; }
:where(.cxtools-verdict .card .share) { font-size: 1.6em; font-weight: 700; }
:where(.cxtools-verdict .checks td, .cxtools-verdict .checks th) { text-align: left; }
</style>"""
TO_DO = '<div class="to-do"><p class="heading">What to do</p><ul>{items}</ul></div>'
TRUST = '<details class="trust"><summary>{word}</summary><ul>{reasons}</ul></details>'
TRUST_TEXTS = {
    "none": "The data don't tell enough to judge by",
    "limited": "What the data don't tell",
}
CHECKS = (
    '<details class="checks"><summary>How this was judged</summary>'
    '<div class="scroll" tabindex="0" role="region" aria-label="Checks">'
    "<table><caption>In brackets, here and above: the 95% interval, the shares that a count leaves "
    "plausible.</caption>"
    "<thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div></details>"
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
        "counts": {name: facts.counts[name] for name in COUNTS if name in facts.counts},
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
    lines += [_action_line(action) for action in verdict.actions]
    lines += [f"Data: {reason.text}" for reason in verdict.trust.reasons]
    lines.append("")
    checks = verdict.facts.checks
    widest = max((len(check.limit.name) for check in checks), default=0)
    lines += [_check_line(check, widest) for check in checks]
    if verdict.origin:
        lines += ["", verdict.origin]
    return "\n".join(lines)


def _action_line(action: Action) -> str:
    line = f"To do, {action.who}: {action.what}"
    return f"{line} {action.command}".rstrip()


def _check_line(check: Check, widest: int) -> str:
    name = check.limit.name.ljust(widest)
    word = check.word.ljust(WIDEST_WORD)
    if not check.whole:
        return f"{name}  {word}".rstrip()
    return f"{name}  {word}  {_measured(check)}"


# --- HTML ---


def html(verdict: CampaignVerdict) -> str:
    """A verdict as HTML; names and causes are text, never markup."""
    box = _box(verdict.word, verdict.sentences)
    to_do = _to_do(verdict.actions)
    trust = _trust(verdict.trust)
    cards = "".join(_card(card) for card in verdict.cards)
    checks = _checks(verdict.facts.checks)
    origin = f"<p><small>{_html.escape(verdict.origin)}</small></p>" if verdict.origin else ""
    body = f'{box}{to_do}{trust}<div class="cards">{cards}</div>{checks}{origin}'
    return f'<div class="cxtools-verdict">{STYLE}{body}</div>'


def _box(word: str, sentences: Sequence[str]) -> str:
    return BOX.format(
        tone=word.lower().replace(" ", "-"),
        symbol=SYMBOLS[word],
        word=word,
        lines=_elements("li", sentences),
    )


def _to_do(actions: Sequence[Action]) -> str:
    """What to do, who does it, and how."""
    items = "".join(_step(action) for action in actions)
    return TO_DO.format(items=items) if items else ""


def _step(action: Action) -> str:
    who = _html.escape(action.who.capitalize())
    what = _html.escape(action.what)
    how = _how(action.command)
    return f"<li><b>{who}:</b> {what}{how}</li>"


def _how(command: str) -> str:
    """The command or the page that does it."""
    text = _html.escape(command)
    if not text:
        return ""
    if text.startswith("https://"):
        return f' <a href="{text}" rel="noreferrer">{text}</a>'
    return f" <code>{text}</code>"


def _trust(trust: Trust) -> str:
    """How far the data can be trusted, where that isn't all the way."""
    if trust.word == "good":
        return ""
    reasons = _elements("li", [reason.text for reason in trust.reasons])
    return TRUST.format(word=TRUST_TEXTS[trust.word], reasons=reasons)


def _card(card: Card) -> str:
    texts = [card.basis]
    texts += [text for text in (card.comparison, card.place) if text]
    return CARD.format(
        name=_escaped(card.name),
        share=_escaped(card.share),
        lines=_elements("div", texts),
    )


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
        _target(limit),
        wording.limit(limit.limit),
        limit.source,
    )
    name = _html.escape(limit.name)
    cells = _elements("td", texts)
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _target(limit: Limit) -> str:
    """From where a check warns: above it, unless it says that it is below."""
    target = wording.limit(round(limit.target, 4))
    return f"below {target}" if limit.is_floor else target


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
