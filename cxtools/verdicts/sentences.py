"""
The sentences of a verdict: facts in, one sentence out, or "" where there is nothing to say.

Stakeholders read them first: each carries count, rate, interval and, where there is one, the
comparison with earlier campaigns.
"""

from __future__ import annotations

from collections.abc import Sequence

from cxtools import wording
from cxtools.measures.stats import FEWEST_MESSAGES, number_of_small
from cxtools.verdicts.checks import Check
from cxtools.verdicts.facts import Facts, surely_opened
from cxtools.verdicts.limits import HARD_BOUNCES, NOT_DELIVERED, UNSETTLED


def unsettled_sentences(facts: Facts) -> tuple[str, ...]:
    """
    What the ledger left open, a sentence for each state of UNSETTLED that there is.

    >>> unsettled_sentences(Facts("q3", {}, unsettled={"waiting": 100}))
    ('100 recipients were not mailed yet: `cxtools resume q3` continues.',)
    """
    texts: list[str] = []
    for state, sentence in UNSETTLED.items():
        number = facts.unsettled.get(state)
        if number:
            texts.append(_unsettled_sentence(sentence, number, facts.campaign))
    return tuple(texts)


def _unsettled_sentence(sentence: str, number: int, campaign: str) -> str:
    people = wording.quantity(number, "recipient")
    return sentence.format(
        people=people,
        were=wording.was_or_were(number),
        campaign=campaign,
    )


# --- what nobody can tell ---

MISSING = (
    "The events tell of no delivery and of no sending, so nobody can say of how many messages "
    "these are a part: {known}. Bring in what was sent or delivered as well."
)
#: Count -> what is known though nobody knows of how many.
KNOWN = {
    "bounced": "bounced",
    "opened": "opened",
    "clicked": "clicked",
    "complained": "complained of",
}


def missing_sentence(facts: Facts) -> str:
    """
    What is missing where things happened to messages of which nobody says that they were sent.

    >>> "of how many messages these are a part: 3 bounced" in missing_sentence(
    ...     Facts("q3", {"bounced": 3})
    ... )
    True
    """
    counts = [(facts.counts.get(name, 0), word) for name, word in KNOWN.items()]
    known = [f"{wording.count(number)} {word}" for number, word in counts if number]
    return MISSING.format(known=", ".join(known)) if known else ""


# --- arrival ---

TOLD_BY_SENDING = (
    "The events tell of no deliveries: what was sent and did not come back counts as delivered."
)

DELIVERED = "{number} of {attempted} ({rate}) {were} delivered{comparison}."
COMPARISON = ", {points} {earlier} at the same age ({usual})"
HARD = "{bounces} ({rate}) {are} {standing}."
FEW_WITHOUT_HARD = (
    "No address bounced hard, but of so few messages ({few}) that isn't enough to pass."
)
TOP_CAUSE = "The most frequent cause of the {bounces} bounces is {cause}: {number} ({share})."


def delivered_sentence(facts: Facts) -> str:
    """How much arrived."""
    delivered = facts.counts["delivered"]
    attempted = facts.counts["attempted"]
    return DELIVERED.format(
        number=wording.count(delivered),
        attempted=wording.quantity(attempted, "message"),
        rate=facts.rate_text("delivered", "attempted"),
        were=wording.was_or_were(delivered),
        comparison=_comparison(facts, "delivered", "attempted"),
    )


def told_by_sending_sentence(facts: Facts) -> str:
    """What *delivered* means where the feed doesn't tell of deliveries."""
    return TOLD_BY_SENDING if facts.told_by_sending else ""


def _comparison(facts: Facts, part: str, whole: str) -> str:
    """The comparison with earlier campaigns, to be added to a sentence."""
    distance = facts.distance(part, whole)
    if not distance:
        return ""
    return COMPARISON.format(
        points=distance.words,
        earlier=_earlier_text(distance.campaigns, len(facts.earlier)),
        usual=distance.usual + _small_text(distance.small),
    )


def _earlier_text(campaigns: int, known: int) -> str:
    """What a share is compared with: so many campaigns of those that are known."""
    if campaigns > 1:
        return f"the median of {campaigns} earlier campaigns"
    if known > 1:
        return "one earlier campaign"
    return "the one earlier campaign"


def _small_text(campaigns: int) -> str:
    """How many earlier campaigns are too small to compare with."""
    if not campaigns:
        return ""
    number = wording.count(campaigns)
    return f"; left out: {number} of fewer than {FEWEST_MESSAGES} messages"


NO_COMPARISON = (
    "There is nothing to compare this with: {campaigns} fewer than {fewest} messages{each}."
)
NO_COMPARISON_OF_CLICKS = (
    "There is nothing to compare the clicks with: {campaigns} fewer than {fewest} delivered "
    "messages{each}."
)


def no_comparison_sentence(facts: Facts) -> str:
    """
    That the earlier campaigns are too small, where that is why nothing is compared with them.

    >>> tiny = {"attempted": 4, "delivered": 4}
    >>> no_comparison_sentence(Facts("q3", {"attempted": 9, "delivered": 9}, earlier=[tiny]))
    'There is nothing to compare this with: the one earlier campaign has fewer than 100 messages.'
    """
    return _no_comparison(facts, "delivered", "attempted", NO_COMPARISON)


def no_comparison_of_clicks_sentence(facts: Facts) -> str:
    """The same, and where it is so of clicks alone."""
    return no_comparison_sentence(facts) or _no_comparison(
        facts, "clicked", "delivered", NO_COMPARISON_OF_CLICKS
    )


def _no_comparison(facts: Facts, part: str, whole: str, sentence: str) -> str:
    small = number_of_small(facts.earlier, part, whole)
    if not small or facts.rate(part, whole) is None or facts.distance(part, whole):
        return ""
    return sentence.format(
        campaigns=_small_campaigns_text(small, len(facts.earlier)),
        fewest=FEWEST_MESSAGES,
        each=" each" if small > 1 else "",
    )


def _small_campaigns_text(small: int, known: int) -> str:
    if small > 1:
        return f"{wording.count(small)} earlier campaigns have"
    return "one earlier campaign has" if known > 1 else "the one earlier campaign has"


#: Where a share stands between target and limit.
FAR_ABOVE = "above the {limit} limit, and above {stop}: {stop_action}"
ABOVE = "above the {limit} limit: {action}"
PERHAPS_ABOVE = "above the {target} target and perhaps above the {limit} limit"
BETWEEN = "above the {target} target but below the {limit} limit"
NEAR = "too near the {target} target to tell, with so few messages"
FEW = "above the {target} target, but so few that they tell nothing"
BELOW = "below the {target} target"


def hard_sentence(facts: Facts) -> str:
    """How many addresses are dead, and where that stands between target and limit."""
    [hard] = [check for check in facts.checks if check.limit.name == HARD_BOUNCES.name]
    if not hard.count:
        return _no_hard_bounce(hard)
    return HARD.format(
        bounces=wording.quantity(hard.count, "hard bounce"),
        rate=facts.rate_text("hard", "attempted"),
        are="is" if hard.count == 1 else "are",
        standing=standing_text(hard),
    )


def _no_hard_bounce(hard: Check) -> str:
    if hard.word == "TOO FEW":
        few = wording.count(hard.whole)
        return FEW_WITHOUT_HARD.format(few=few)
    return "No address bounced hard."


def standing_text(check: Check) -> str:
    """Where a check's share stands between target and limit, and what to do above the limit."""
    limit = check.limit
    return _standing(check).format(
        target=wording.limit(limit.target),
        limit=wording.limit(limit.limit),
        stop=wording.limit(limit.stop),
        action=limit.action,
        stop_action=limit.stop_action,
    )


def _standing(check: Check) -> str:
    if check.word == "TOO FEW":
        return FEW if _exceeds(check, check.limit.target) else NEAR
    match check.word:
        case "FAIL" if _reaches(check, check.limit.stop):
            return FAR_ABOVE
        case "FAIL":
            return ABOVE
        case "WARN" if _exceeds(check, check.limit.limit):
            return PERHAPS_ABOVE
        case "WARN":
            return BETWEEN
        case _:
            return BELOW


def _reaches(check: Check, bound: float | None) -> bool:
    return bound is not None and share_of_check(check) >= bound


def _exceeds(check: Check, bound: float | None) -> bool:
    return bound is not None and share_of_check(check) > bound


def share_of_check(check: Check) -> float:
    """The share that was held against the limit; 0 where nothing was counted."""
    if not check.count or not check.whole:
        return 0.0
    return check.count / check.whole


def cause_sentence(facts: Facts) -> str:
    """The most frequent cause of the bounces."""
    bounced = facts.counts.get("bounced")
    if not facts.top_cause or not bounced:
        return ""
    name, messages = facts.top_cause
    cause = wording.spaced(name)
    if bounced == 1:
        return f"The cause of the one bounce is {cause}."
    return TOP_CAUSE.format(
        bounces=wording.count(bounced),
        cause=cause,
        number=wording.quantity(messages, "message"),
        share=wording.percent(messages / bounced),
    )


def place_sentences(checks: Sequence[Check]) -> list[str]:
    """Where it hurts: each mailbox provider and domain over a limit, FAIL before WARN."""
    in_order = sorted(checks, key=lambda check: check.word != "FAIL")
    return [check.limit.sentence for check in in_order]


def alarm_sentences(facts: Facts, alarms: Sequence[Check]) -> list[str]:
    """
    What is wrong besides the hard bounces and places. That too much bounced isn't said again where
    it is said what did.
    """
    others = [
        check for check in alarms if check.limit.name != HARD_BOUNCES.name and not check.trouble
    ]
    if len(alarms) > 1:
        others = [check for check in others if check.limit.name != NOT_DELIVERED.name]
    return [_broken(facts, check) for check in others]


def _broken(facts: Facts, check: Check) -> str:
    limit = check.limit
    number = _number(facts, check)
    sentence = limit.warning if check.word == "WARN" and limit.warning else limit.sentence
    return sentence.format(
        number=number,
        action=limit.action,
        target=wording.limit(limit.target),
        limit=wording.limit(limit.limit),
    )


#: What a share is of -> what one of it is called; and of what only people do.
NOUNS = {"bounced": "bounce", "clickers": "recipient"}
NOUNS_OF_PART = {"complained": "recipient", "unsubscribed": "recipient"}


def _number(facts: Facts, check: Check) -> str:
    limit = check.limit
    noun = NOUNS_OF_PART.get(limit.part) or NOUNS.get(limit.whole, "message")
    count = wording.count(check.count)
    whole = wording.quantity(check.whole or 0, noun)
    rate = facts.rate_text(limit.part, limit.whole)
    return f"{count} of {whole} ({rate})"


# --- engagement ---

CLICKED = "{people} clicked ({rate} of the delivered){comparison}."
CLICKED_BY_PEOPLE = (
    "{people} clicked ({rate} of the delivered), scanners left out; "
    "with them {clicked} ({clicked_rate}){comparison}."
)
SCANNERS = (
    "{suspects} of the {clickers} who followed any link{aside} behave like scanners "
    "({suspect_rate})."
)
OPENED_BETWEEN = "Between {low} and {high} opened: a range, since {reason}."
#: Why it is a range, or an upper bound.
CANT_TELL = "machines that fetch images can't be told from readers in this feed"
BY_MACHINES = "of the others the feed says that machines fetched the images"


def click_sentence(facts: Facts) -> str:
    """Who clicked."""
    counts = facts.counts
    if not counts["delivered"]:
        return "Nobody opened or clicked: nothing was delivered."
    if "clicked" not in counts:
        return _no_clicks(facts)
    humans = counts.get("human_clicked", counts["clicked"])
    if humans != counts["clicked"]:
        return CLICKED_BY_PEOPLE.format(
            people=_people(humans),
            rate=facts.rate_text("human_clicked", "delivered"),
            clicked=wording.count(counts["clicked"]),
            clicked_rate=wording.percent(facts.rate("clicked", "delivered")),
            comparison=_comparison(facts, "clicked", "delivered"),
        )
    return CLICKED.format(
        people=_people(counts["clicked"]),
        rate=facts.rate_text("clicked", "delivered"),
        comparison=_comparison(facts, "clicked", "delivered"),
    )


def _no_clicks(facts: Facts) -> str:
    """Why nobody can say who clicked."""
    if facts.feed.quality.get("orphan_clicks"):
        return "Who clicked can't be told: most clicks belong to no message that is known."
    kinds = "Clicks" if "opened" in facts.counts else "Opens and clicks"
    return f"{kinds} are not measured: the feed holds none."


def _people(number: int) -> str:
    return wording.people(number) if number else "Nobody"


def scanner_sentence(facts: Facts) -> str:
    """How many of those who followed a link are machines rather than people."""
    counts = facts.counts
    if not counts.get("suspect"):
        return ""
    only_unsubscribed = counts["clickers"] - counts["clicked"]
    return SCANNERS.format(
        suspects=wording.count(counts["suspect"]),
        clickers=wording.count(counts["clickers"]),
        aside=_only_unsubscribed(only_unsubscribed),
        suspect_rate=facts.rate_text("suspect", "clickers"),
    )


def _only_unsubscribed(number: int) -> str:
    if number <= 0:
        return ""
    count = wording.count(number)
    return f", {count} of them only to unsubscribe or change preferences,"


def open_sentence(facts: Facts) -> str:
    """Who opened: a range, where machines may have loaded the images."""
    counts = facts.counts
    if not counts["delivered"] or "opened" not in counts:
        return ""
    if not counts["opened"]:
        return "Nobody opened: no image was loaded and no link followed."
    least = surely_opened(counts)
    high = wording.percent(facts.rate("opened", "delivered"))
    reason = BY_MACHINES if least == "read" else CANT_TELL
    if counts[least] != counts["opened"]:
        share = facts.rate(least, "delivered")
        return OPENED_BETWEEN.format(
            low=wording.percent(share),
            high=high,
            reason=reason,
        )
    if least in ("human", "clicked"):
        return f"{high} opened: all of them clicked."
    return f"At most {high} opened: {reason}."


#: Rates of fewer messages are no rates to quote.
FEWEST_TO_QUOTE = 100
QUOTE = "To quote: {rates}."
CLICK_RATE = "a click rate of {rate}"
OPEN_RATE = "an open rate of {rate}"


def quote_sentence(facts: Facts) -> str:
    """
    The one click rate and the one open rate that stand for the campaign: people's, as far as they
    can be told from machines.

    >>> counts = {"delivered": 100, "opened": 40, "clicked": 9, "human_clicked": 6}
    >>> quote_sentence(Facts("q3", counts))
    'To quote: a click rate of 6.0%, scanners left out, and an open rate of at most 40.0%.'
    """
    counts = facts.counts
    rates: list[str] = []
    if counts["delivered"] < FEWEST_TO_QUOTE:
        return ""
    if "clicked" in counts:
        rates.append(_click_rate_to_quote(facts))
    if counts.get("opened"):
        rates.append(_open_rate_to_quote(facts))
    return QUOTE.format(rates=" and ".join(rates)) if rates else ""


def _click_rate_to_quote(facts: Facts) -> str:
    counts = facts.counts
    humans = counts.get("human_clicked", counts["clicked"])
    if humans == counts["clicked"]:
        return CLICK_RATE.format(rate=wording.percent(facts.rate("clicked", "delivered")))
    rate = wording.percent(facts.rate("human_clicked", "delivered"))
    return CLICK_RATE.format(rate=f"{rate}, scanners left out,")


def _open_rate_to_quote(facts: Facts) -> str:
    if "read" in facts.counts:
        rate = wording.percent(facts.rate("read", "delivered"))
        return OPEN_RATE.format(rate=f"{rate}, machines left out")
    rate = wording.percent(facts.rate("opened", "delivered"))
    return OPEN_RATE.format(rate=f"at most {rate}")


def age_sentence(facts: Facts) -> str:
    """How old the campaign was when the data end, and how much is still to come."""
    if not facts.first_at or not facts.last_at:
        return ""
    if facts.first_at == facts.last_at:
        return "The data end with the first event."
    seconds = (facts.last_at - facts.first_at).total_seconds()
    age = wording.age(seconds)
    end = f"The data end {age} after the first event"
    if facts.maturity is None or "clicked" not in facts.counts:
        return f"{end}."
    mature = wording.percent(facts.maturity, 0)
    return f"{end}; earlier campaigns had {mature} of their 7-day clicks by then."
