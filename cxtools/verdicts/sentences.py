"""
The sentences of a verdict: facts in, one sentence out, or "" where there is nothing to say.

Stakeholders read them first: each carries count, rate, interval and, where there is one, the
comparison with earlier campaigns.
"""

from __future__ import annotations

from cxtools import wording
from cxtools.verdicts.checks import Check, decides, worst
from cxtools.verdicts.facts import Facts, surely_opened
from cxtools.verdicts.limits import HARD_BOUNCES, UNSETTLED, Limit


def unsettled_sentences(facts: Facts) -> tuple[str, ...]:
    """
    What the ledger left open, a sentence for each state of UNSETTLED that there is.

    >>> unsettled_sentences(Facts("q3", {}, unsettled={"waiting": 100}))
    ('100 recipients were not mailed yet: `cxtools resume q3` continues.',)
    """
    return tuple(
        _unsettled_sentence(sentence, facts.unsettled[state], facts.campaign)
        for state, sentence in UNSETTLED.items()
        if facts.unsettled.get(state)
    )


def _unsettled_sentence(
    sentence: str,
    number: int,
    campaign: str,
) -> str:
    people = wording.counted(number, "recipient")
    return sentence.format(
        people=people,
        were=wording.was(number),
        campaign=campaign,
    )


# --- arrival ---


def delivered_sentence(facts: Facts) -> str:
    """How much arrived."""
    delivered = facts.counts["delivered"]
    attempted = wording.counted(facts.counts["attempted"], "message")
    rate = facts.rate_text("delivered", "attempted")
    compared = _compared(facts, "delivered", "attempted")
    arrived = (
        f"{wording.count(delivered)} of {attempted} ({rate}) {wording.was(delivered)} delivered"
    )
    return f"{arrived}{compared}."


def _compared(
    facts: Facts,
    part: str,
    whole: str,
) -> str:
    """The comparison with earlier campaigns, to be added to a sentence."""
    distance = facts.distance(part, whole)
    if not distance:
        return ""
    earlier = "the one earlier campaign"
    if len(facts.earlier) > 1:
        earlier = f"the median of {len(facts.earlier)} earlier campaigns"
    return f", {distance.words} {earlier} at the same age ({distance.usual})"


def hard_sentence(facts: Facts) -> str:
    """How many addresses are dead, and where that stands between target and limit."""
    [hard] = [check for check in facts.checks if check.limit == HARD_BOUNCES]
    if not hard.count:
        return _no_hard_bounce(hard)
    bounces = wording.counted(hard.count, "hard bounce")
    are = "is" if hard.count == 1 else "are"
    return f"{bounces} ({facts.rate_text('hard', 'attempted')}) {are} {_standing(hard)}."


def _no_hard_bounce(hard: Check) -> str:
    if hard.word == "TOO FEW":
        few = wording.count(hard.of)
        return f"No address bounced hard, but of so few messages ({few}) that isn't enough to pass."
    return "No address bounced hard."


def _standing(check: Check) -> str:
    """Where a check's share stands between target and limit."""
    limit = check.limit
    target = wording.percent(limit.target, 0)
    highest = wording.percent(limit.limit, 0)
    share = _share(check)
    if check.word == "FAIL" and limit.stop is not None and share >= limit.stop:
        stop = wording.percent(limit.stop, 0)
        return f"above the {highest} limit, and above {stop}: {limit.stop_action}"
    if check.word == "FAIL":
        return f"above the {highest} limit: {limit.action}"
    if check.word == "TOO FEW":
        return f"too near the {target} target to tell, with so few messages"
    if check.word == "PASS":
        return f"below the {target} target"
    is_below_limit = limit.limit is None or share <= limit.limit
    rest = "but below" if is_below_limit else "and perhaps above"
    return f"above the {target} target {rest} the {highest} limit"


def _share(check: Check) -> float:
    if not check.count or not check.of:
        return 0.0
    return check.count / check.of


def cause_sentence(facts: Facts) -> str:
    """The most frequent cause of the bounces."""
    bounced = facts.counts.get("bounced")
    if not facts.top_cause or not bounced:
        return ""
    cause, recipients = facts.top_cause
    words = wording.spaced(cause)
    if bounced == 1:
        return f"The cause of the one bounce is {words}."
    people = wording.counted(recipients, "recipient")
    share = wording.percent(recipients / bounced)
    bounces = f"the {wording.count(bounced)} bounces"
    return f"The most frequent cause of {bounces} is {words}: {people} ({share})."


def alarm_sentence(facts: Facts) -> str:
    """What is wrong besides the hard bounces; "" if only they are, or if nothing is."""
    checks = [check for check in facts.checks if decides(check)]
    word = worst([check.word for check in checks], "PASS")
    if word == "PASS":
        return ""
    others = [check for check in checks if check.limit != HARD_BOUNCES and check.word == word]
    return " ".join(_broken(facts, check) for check in others)


def _broken(facts: Facts, check: Check) -> str:
    limit = check.limit
    number = _number(facts, check, limit)
    if check.word == "TOO FEW":
        target = wording.percent(limit.target)
        return f"{number}: too few to tell whether {limit.name.lower()} stay below {target}."
    return limit.sentence.format(number=number, action=limit.action)


def _number(
    facts: Facts,
    check: Check,
    limit: Limit,
) -> str:
    noun = "bounce" if limit.whole == "bounced" else "recipient"
    whole = wording.counted(check.of or 0, noun)
    return f"{wording.count(check.count)} of {whole} ({facts.rate_text(limit.part, limit.whole)})"


# --- engagement ---


def click_sentence(facts: Facts) -> str:
    """Who clicked."""
    counts = facts.counts
    if not counts["delivered"]:
        return "Nobody opened or clicked: nothing was delivered."
    if "clicked" not in counts:
        kinds = "Clicks" if "opened" in counts else "Opens and clicks"
        return f"{kinds} are not measured: the feed holds none."
    rate = facts.rate_text("clicked", "delivered")
    compared = _compared(facts, "clicked", "delivered")
    return f"{_people(counts['clicked'])} clicked ({rate} of the delivered){compared}."


def _people(number: int) -> str:
    if not number:
        return "Nobody"
    noun = "person" if number == 1 else "people"
    return f"{wording.count(number)} {noun}"


def scanner_sentence(facts: Facts) -> str:
    """How many of those who followed a link are machines rather than people."""
    counts = facts.counts
    if not counts.get("suspect"):
        return ""
    suspects = wording.count(counts["suspect"])
    clickers = wording.count(counts["clickers"])
    humans = wording.count(counts["human"])
    aside = _only_unsubscribed(counts["clickers"] - counts["clicked"])
    return (
        f"{suspects} of the {clickers} who followed any link{aside} behave like scanners "
        f"({facts.rate_text('suspect', 'clickers')}); without them {humans} remain "
        f"({facts.rate_text('human', 'delivered')} of the delivered)."
    )


def _only_unsubscribed(number: int) -> str:
    if number <= 0:
        return ""
    return f", {wording.count(number)} of them only to unsubscribe or change preferences,"


def open_sentence(facts: Facts) -> str:
    """Who opened: a range, where machines may have loaded the images."""
    counts = facts.counts
    if not counts["delivered"] or "opened" not in counts:
        return ""
    if not counts["opened"]:
        return "Nobody opened: no image was loaded and no link followed."
    least = surely_opened(counts)
    high = wording.percent(facts.rate("opened", "delivered"))
    reason = "machines that fetch images can't be told from readers in this feed"
    if least == "read":
        reason = "of the others the feed says that machines fetched the images"
    if counts[least] != counts["opened"]:
        low = wording.percent(facts.rate(least, "delivered"))
        return f"Between {low} and {high} opened: a range, since {reason}."
    if least in ("human", "clicked"):
        return f"{high} opened: all of them clicked."
    return f"At most {high} opened: {reason}."


def age_sentence(facts: Facts) -> str:
    """How old the campaign was when the data end, and how much is still to come."""
    if not facts.first_at or not facts.last_at:
        return ""
    if facts.first_at == facts.last_at:
        return "The data end with the first event."
    age = wording.age((facts.last_at - facts.first_at).total_seconds())
    end = f"The data end {age} after the first event"
    if facts.maturity is None or "clicked" not in facts.counts:
        return f"{end}."
    mature = wording.percent(facts.maturity, 0)
    return f"{end}; earlier campaigns had {mature} of their 7-day clicks by then."
