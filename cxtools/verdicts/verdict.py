"""
What the numbers mean: limits as a table, a verdict by the interval behind each number, and the
sentences that say so.

Pure: it is given counts and answers with words. A limit is broken for certain (FAIL) only when the
whole 95 % interval lies above it; a number that merely stands above it is a WARN; too little mail
is said to be too little, never passed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from statistics import median
from typing import Any

from cxtools import wording
from cxtools.errors import ConfigError
from cxtools.measures.stats import wilson

#: Name, share, count with interval, difference from earlier campaigns.
Card = tuple[str, str, str, str]
MIME = "application/vnd.cxtools.verdicts+json"

#: Word -> its symbol, so that colour never tells alone. Ordered from bad to good.
WORDS = {"FAIL": "✕", "WARN": "!", "TOO FEW": "?", "TOO EARLY": "…", "PASS": "✓"}


@dataclass(frozen=True)
class Limit:
    """
    A share that must stay small: a warning above `target`, a failure above `limit`, a halt above
    `stop` (None: no such step).

    A target of 0 means that one case is enough. `says` is the sentence when it is broken; {found}
    is "5 of 3,000 recipients (…)".
    """

    name: str
    part: str
    whole: str
    target: float
    limit: float | None
    stop: float | None
    says: str
    source: str


LIMITS = (
    Limit(
        "Hard bounces",
        "hard",
        "attempted",
        0.02,
        0.05,
        0.10,
        "{found} bounced hard.",
        "Amazon SES advises under 2%, reviews at 5%, pauses at 10%",
    ),
    Limit(
        "Refused for authentication",
        "authentication",
        "attempted",
        0.0,
        0.0,
        None,
        "{found} were refused for authentication: put SPF, DKIM and DMARC right before the next send.",
        "Gmail (5.7.26), Outlook.com (5.7.515) and Yahoo (5.7.9) refuse bulk mail without SPF, DKIM and DMARC: none is normal",
    ),
    Limit(
        "Bounces without a known cause",
        "unclassified",
        "bounced",
        0.05,
        None,
        None,
        "The cause of {found} is unknown.",
        "ours: above it the classifier needs new rules",
    ),
    Limit(
        "Complaints",
        "complained",
        "delivered",
        0.001,
        0.003,
        None,
        "{found} complained.",
        "Google: under 0.1%, never 0.3%",
    ),
)


@dataclass(frozen=True)
class Check:
    """One limit held against the counts."""

    limit: Limit
    word: str
    count: int | None
    of: int | None


@dataclass(frozen=True)
class Facts:
    """
    Counts of distinct recipients of one campaign, and of earlier ones at the same age.

    counts    attempted, delivered, bounced, opened, clicked, hard, soft, block, unclassified,
              authentication, complained, clickers,
              suspect, human, read (opened, less those whom the feed says only machines opened);
              what the feed doesn't report is missing
    earlier   the same counts of each earlier campaign, cut at this campaign's age
    maturity  share of their 7-day clicks that earlier campaigns had at this age, None without any
    unsettled recipients of whom the ledger knows no good end, by the words of UNSETTLED
    """

    campaign: str
    counts: Mapping[str, int]
    first_at: datetime | None = None
    last_at: datetime | None = None
    events: int = 0
    top_cause: tuple[str, int] | None = None
    earlier: Sequence[Mapping[str, int]] = ()
    maturity: float | None = None
    unsettled: Mapping[str, int] = field(default_factory=dict)

    def rate(self, part: str, whole: str) -> float | None:
        return _share(self.counts, part, whole)

    def beside(self, part: str, whole: str) -> tuple[str, ...]:
        """
        How far above or below the median of the earlier campaigns, in words, and that median; ()
        without any.
        """
        shares = [
            share for counts in self.earlier if (share := _share(counts, part, whole)) is not None
        ]
        own = self.rate(part, whole)
        if own is None or not shares:
            return ()
        usual = median(shares)
        return wording.points(own - usual), wording.percent(usual)

    def said(self, part: str, whole: str) -> str:
        """A share and its interval, as a sentence holds it: `3.1%, 2.8–3.5`."""
        if not self.counts.get(whole):
            return wording.MISSING
        return wording.within(
            self.rate(part, whole), *wilson(self.counts[part], self.counts[whole])
        )

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The limits, held against the counts."""
        return tuple(judged(limit, self.counts) for limit in LIMITS)


@dataclass(frozen=True)
class CampaignVerdict:
    """
    One word on a campaign, the sentences behind it and the cards; shows itself in notebooks and
    reports, with the checks.
    """

    word: str
    sentences: tuple[str, ...]
    cards: tuple[Card, ...]
    facts: Facts = field(repr=False)

    def __str__(self) -> str:
        return f"{self.word}. {' '.join(self.sentences)}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        facts = self.facts
        about = {
            "campaign": facts.campaign,
            "word": self.word,
            "headline": self.sentences[0],
            "events": facts.events,
            "first_at": facts.first_at.isoformat() if facts.first_at else None,
            "last_at": facts.last_at.isoformat() if facts.last_at else None,
        }
        return {"text/plain": str(self), "text/html": self._html(), MIME: about}

    def _html(self) -> str:
        tone = self.word.lower().replace(" ", "-")
        lines = "".join(
            f"<li>{_unbroken(html.escape(sentence))}</li>" for sentence in self.sentences
        )
        head = f'<p class="word"><span class="symbol" aria-hidden="true">{WORDS[self.word]}</span> {self.word}</p>'
        box = f'<div class="verdict {tone}">{head}<ul>{lines}</ul></div>'
        cards = "".join(_card(*card) for card in self.cards)
        rows = "".join(_check_row(check) for check in self.facts.checks)
        heads = "".join(
            f'<th scope="col">{head}</th>'
            for head in ("Check", "Verdict", "Measured", "Warn above", "Fail above", "Source")
        )
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        judged = f'<details class="judged"><summary>How this was judged</summary><div class="scroll">{table}</div></details>'
        return f'{box}<dl class="cards">{cards}</dl>{judged}'


def verdict(facts: Facts, about: str = "run") -> CampaignVerdict:
    """
    The verdict on a campaign; *about* chooses the sentences and cards: "run", "bounces" or
    "engagement".

    Raises:
        ConfigError: *about* is something else.

    >>> print(verdict(Facts("q3", {"attempted": 0})))
    TOO EARLY. No delivery or bounce has been reported yet.
    """
    if about not in VIEWS:
        raise ConfigError(
            f"there is no verdict about {about!r}", do=f"choose from: {', '.join(VIEWS)}"
        )
    first = unsettled_sentences(facts)
    if not facts.counts.get("attempted"):
        return CampaignVerdict(
            "WARN" if first else "TOO EARLY",
            (*first, "No delivery or bounce has been reported yet."),
            (),
            facts,
        )
    doubt = ["WARN"] if first else []
    word = min(
        doubt + [check.word for check in facts.checks if _counts(check)],
        key=list(WORDS).index,
        default="TOO FEW",
    )
    sentences, cards = VIEWS[about]
    blamed = next(
        (check for check in facts.checks if check.word == word in ("FAIL", "WARN", "TOO FEW")), None
    )
    lead = (
        ()
        if blamed is None
        else (hard_sentence,)
        if blamed.limit.part == "hard"
        else (alarm_sentence,)
    )
    said = filter(None, (speak(facts) for speak in dict.fromkeys((*lead, *sentences))))
    return CampaignVerdict(word, (*first, *said), tuple(card(facts, name) for name in cards), facts)


def _counts(check: Check) -> bool:
    """
    Whether a check has a say: too little mail can't unsettle a verdict where even much could only
    warn.
    """
    return check.word in WORDS and not (check.word == "TOO FEW" and check.limit.limit is None)


def judged(limit: Limit, counts: Mapping[str, int]) -> Check:
    """
    A limit held against counts. "not measured" when the feed doesn't report the kind, "–" when
    there is nothing to divide by.

    >>> [judged(LIMITS[0], {"hard": hard, "attempted": n}).word for hard, n in ((500, 8000), (60, 1000), (3, 50), (10, 1000), (0, 20))]
    ['FAIL', 'WARN', 'WARN', 'PASS', 'TOO FEW']
    """
    part, whole = counts.get(limit.part), counts.get(limit.whole)
    if part is None or whole is None:
        return Check(limit, "not measured", part, whole)
    return Check(
        limit,
        _word(limit, part / whole, *wilson(part, whole)) if whole else wording.MISSING,
        part,
        whole,
    )


def _word(limit: Limit, share: float, low: float, high: float) -> str:
    if not limit.target:  # one case is enough: no interval can excuse it
        return "FAIL" if share else "PASS"
    if limit.limit is not None and low > limit.limit:
        return "FAIL"
    if share > limit.target:
        return "WARN"
    return "PASS" if high <= limit.target else "TOO FEW"


#: What the ledger knows of recipients, each a warning, in this order -> what is so, and which
#: command helps.
UNSETTLED = {
    "unknown": "Whether {people} {were} mailed is not known, the answer to their submit was lost: `cxtools status {name}` has the batches.",
    "failed": "{people} {were} in jobs that failed or in batches that the API refused: `cxtools status {name}` says why.",
    "waiting": "{people} {were} not mailed yet: `cxtools resume {name}` continues.",
}


def unsettled_sentences(facts: Facts) -> tuple[str, ...]:
    """
    >>> unsettled_sentences(Facts("q3", {}, unsettled={"waiting": 100}))
    ('100 recipients were not mailed yet: `cxtools resume q3` continues.',)
    """
    found = ((says, facts.unsettled.get(state, 0)) for state, says in UNSETTLED.items())
    return tuple(
        says.format(
            people=wording.counted(n, "recipient"), were=wording.was(n), name=facts.campaign
        )
        for says, n in found
        if n
    )


def delivered_sentence(facts: Facts) -> str:
    counts = facts.counts
    delivered, attempted = (
        wording.count(counts["delivered"]),
        wording.counted(counts["attempted"], "message"),
    )
    found = f"{delivered} of {attempted} ({facts.said('delivered', 'attempted')})"
    return f"{found} {wording.was(counts['delivered'])} delivered{_compared(facts, 'delivered', 'attempted')}."


def hard_sentence(facts: Facts) -> str:
    check = next(check for check in facts.checks if check.limit.part == "hard")
    if not check.count:
        few = f", but of so few messages ({wording.count(check.of)}) that isn't enough to pass" * (
            check.word == "TOO FEW"
        )
        return f"No address bounced hard{few}."
    target, limit, stop = (
        wording.percent(share, 0)
        for share in (check.limit.target, check.limit.limit, check.limit.stop)
    )
    share = facts.rate("hard", "attempted") or 0
    halt = f", and above {stop}: stop sending until the list is cleaned"
    place = {
        "FAIL": f"above the {limit} limit{halt if share >= (check.limit.stop or 1) else ': clean the list before the next send'}",
        "WARN": f"above the {target} target {'but below' if share <= (check.limit.limit or 1) else 'and perhaps above'} the {limit} limit",
        "TOO FEW": f"too near the {target} target to tell, with so few messages",
        "PASS": f"below the {target} target",
    }[check.word]
    found = f"{wording.counted(check.count, 'hard bounce')} ({facts.said('hard', 'attempted')})"
    return f"{found} {'is' if check.count == 1 else 'are'} {place}."


def cause_sentence(facts: Facts) -> str:
    if not facts.top_cause or not facts.counts.get("bounced"):
        return ""
    cause, count = facts.top_cause
    bounced = facts.counts["bounced"]
    if bounced == 1:
        return f"The cause of the one bounce is {cause.replace('_', ' ')}."
    found = f"{wording.counted(count, 'recipient')} ({wording.percent(count / bounced, 0)})"
    return f"The most frequent cause of the {wording.count(bounced)} bounces is {cause.replace('_', ' ')}: {found}."


def alarm_sentence(facts: Facts) -> str:
    """What is wrong besides the hard bounces, if nothing worse is."""
    checks = [check for check in facts.checks if _counts(check)]
    worst = min((check.word for check in checks), key=list(WORDS).index, default="PASS")
    return " ".join(
        _broken(facts, check)
        for check in checks
        if check.word == worst != "PASS" and check.limit.part != "hard"
    )


def _broken(facts: Facts, check: Check) -> str:
    limit = check.limit
    whole = wording.counted(check.of or 0, "bounce" if limit.whole == "bounced" else "recipient")
    says = f"{{found}}: too few to tell whether {limit.name.lower()} stay below {wording.percent(limit.target)}."
    found = f"{wording.count(check.count)} of {whole} ({facts.said(limit.part, limit.whole)})"
    return (says if check.word == "TOO FEW" else limit.says).format(found=found)


def click_sentence(facts: Facts) -> str:
    clicked = facts.counts.get("clicked")
    if not facts.counts["delivered"]:
        return "Nobody opened or clicked: nothing was delivered."
    if clicked is None:
        return f"{'Clicks' if 'opened' in facts.counts else 'Opens and clicks'} are not measured: the feed holds none."
    people = (
        f"{wording.count(clicked)} {'person' if clicked == 1 else 'people'}"
        if clicked
        else "Nobody"
    )
    return f"{people} clicked ({facts.said('clicked', 'delivered')} of the delivered){_compared(facts, 'clicked', 'delivered')}."


def scanner_sentence(facts: Facts) -> str:
    suspects, clickers = facts.counts.get("suspect", 0), facts.counts.get("clickers", 0)
    if not suspects:
        return ""
    beside = clickers - facts.counts["clicked"]
    aside = (
        f", {wording.count(beside)} of them only to unsubscribe or change preferences,"
        if beside > 0
        else ""
    )
    return (
        f"{wording.count(suspects)} of the {wording.count(clickers)} who followed any link{aside} behave like scanners "
        f"({facts.said('suspect', 'clickers')}); "
        f"without them {wording.count(facts.counts['human'])} remain ({facts.said('human', 'delivered')} of the delivered)."
    )


def open_sentence(facts: Facts) -> str:
    if not facts.counts["delivered"] or "opened" not in facts.counts:
        return ""
    if not facts.counts["opened"]:
        return "Nobody opened: no image was loaded and no link followed."
    sure = _surely_opened(facts)
    low, high = (wording.percent(facts.rate(part, "delivered")) for part in (sure, "opened"))
    told = (
        "of the others the feed says that machines fetched the images"
        if sure == "read"
        else ("machines that fetch images can't be told from readers in this feed")
    )
    if facts.counts[sure] != facts.counts["opened"]:
        return f"Between {low} and {high} opened: a range, since {told}."
    return (
        f"{high} opened: all of them clicked."
        if sure in ("human", "clicked")
        else f"At most {high} opened: {told}."
    )


def age_sentence(facts: Facts) -> str:
    if not facts.first_at or not facts.last_at:
        return ""
    if facts.first_at == facts.last_at:
        return "The data end with the first event."
    text = f"The data end {wording.age((facts.last_at - facts.first_at).total_seconds())} after the first event"
    return text + (
        f"; earlier campaigns had {wording.percent(facts.maturity, 0)} of their 7-day clicks by then."
        if facts.maturity is not None and "clicked" in facts.counts
        else "."
    )


def card(facts: Facts, name: str) -> Card:
    """One of CARDS. Who opened is a range where clicks prove fewer than images loaded say."""
    part, whole = CARDS[name]
    counts, of = facts.counts, wording.count(facts.counts.get(whole))
    if part not in counts or not counts.get(whole):
        return name, wording.MISSING, "not measured" if counts.get(whole) else NOTHING[whole], ""
    share, found = wording.percent(facts.rate(part, whole)), wording.count(counts[part])
    least = _surely_opened(facts) if part == "opened" else part
    if counts[least] != counts[part]:
        low = wording.percent(facts.rate(least, whole)).removesuffix("%")
        return name, f"{low}–{share}", f"{wording.count(counts[least])} to {found} of {of}", ""
    spread = facts.said(part, whole).partition(", ")[2]
    return name, share, f"{found} of {of} ({spread})", " the usual ".join(facts.beside(part, whole))


#: Card -> the share on it: part, whole.
CARDS = {
    "Delivered": ("delivered", "attempted"),
    "Bounced": ("bounced", "attempted"),
    "Hard bounces": ("hard", "attempted"),
    "Soft bounces": ("soft", "attempted"),
    "Blocked": ("block", "attempted"),
    "Cause unknown": ("unclassified", "bounced"),
    "Opened": ("opened", "delivered"),
    "Clicked": ("clicked", "delivered"),
    "Any link, scanners left out": ("human", "delivered"),
}
#: Why there is no share, by what it would be a share of.
NOTHING = {
    "attempted": "nothing was attempted",
    "delivered": "nothing was delivered",
    "bounced": "nothing bounced",
}

#: What each report says first: sentences, cards.
VIEWS: dict[str, tuple[tuple[Callable[[Facts], str], ...], tuple[str, ...]]] = {
    "run": (
        (delivered_sentence, hard_sentence, alarm_sentence, click_sentence, age_sentence),
        ("Delivered", "Hard bounces", "Soft bounces", "Blocked", "Clicked", "Opened"),
    ),
    "bounces": (
        (delivered_sentence, hard_sentence, cause_sentence, alarm_sentence, age_sentence),
        ("Bounced", "Hard bounces", "Soft bounces", "Blocked", "Cause unknown", "Delivered"),
    ),
    "engagement": (
        (click_sentence, scanner_sentence, open_sentence, age_sentence),
        (
            "Clicked",
            "Any link, scanners left out",
            "Opened",
            "Delivered",
            "Hard bounces",
            "Blocked",
        ),
    ),
}


def _surely_opened(facts: Facts) -> str:
    """
    Who certainly read: whom the feed tells from machines, else people who clicked, as far as they
    can be told from scanners.
    """
    known = [name for name in ("human", "clicked") if name in facts.counts]
    return (
        "read"
        if "read" in facts.counts
        else min(known, key=lambda name: facts.counts[name], default="opened")
    )


def _share(counts: Mapping[str, int], part: str, whole: str) -> float | None:
    return counts[part] / counts[whole] if counts.get(whole) and part in counts else None


def _unbroken(text: str) -> str:
    """No line break inside an interval: word joiners around its dash."""
    return re.sub(r"(?<=\d)–(?=\d)", "\u2060–\u2060", text)


def _compared(facts: Facts, part: str, whole: str) -> str:
    if not (beside := facts.beside(part, whole)):
        return ""
    earlier = (
        f"the median of {len(facts.earlier)} earlier campaigns"
        if len(facts.earlier) > 1
        else "the one earlier campaign"
    )
    return f", {beside[0]} {earlier} at the same age ({beside[1]})"


def _card(name: str, *lines: str) -> str:
    return f"<div><dt>{html.escape(name)}</dt>{''.join(f'<dd>{_unbroken(html.escape(line))}</dd>' for line in lines if line)}</div>"


def _check_row(check: Check) -> str:
    measured = wording.MISSING
    if check.of and check.count is not None:
        share = wording.interval(check.count / check.of, *wilson(check.count, check.of))
        measured = f"{wording.count(check.count)} of {wording.count(check.of)}: {share}"
    cells = (
        f"{WORDS.get(check.word, '')} {check.word}".strip(),
        measured,
        wording.percent(check.limit.target),
        wording.percent(check.limit.limit),
        check.limit.source,
    )
    return f'<tr><th scope="row">{check.limit.name}</th>{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}</tr>'
