"""
The evidence for a verdict: the measures are asked what is known of a campaign, and what earlier
ones had at the same age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.measures.ages import Window, earlier_campaigns, first_campaigns
from cxtools.measures.answers import count, count_file
from cxtools.measures.catalogue.delivery import COMPARISON
from cxtools.measures.cuts import AsOf, end_of
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import objections
from cxtools.measures.stats import known_shares
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.limits import LIMITS, Limit
from cxtools.verdicts.places import (
    FEWEST_MESSAGES,
    Place,
    PlaceAnswers,
    Trouble,
    find_troubles,
    with_answers,
)
from cxtools.verdicts.trust import FeedFacts, unbelievable, untold
from cxtools.verdicts.verdict import CampaignVerdict, verdict

WEEK = timedelta(days=7)
#: At this age the first week's clicks are as good as in.
NEARLY_A_WEEK = WEEK - timedelta(hours=1)
#: Count -> its column of `sql/funnel.sql`; the last two are missing where they aren't measured.
STEPS = {
    "attempted": "attempted",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "opened_measured",
    "clicked": "clicked_measured",
}
#: Count -> the bounces that make it up: a column of `sql/bounces.sql` and its value.
BOUNCES = {
    "hard": ("kind", "hard"),
    "soft": ("kind", "soft"),
    "block": ("kind", "block"),
    "undetermined": ("kind", "undetermined"),
    "unclassified": ("category", "unknown"),
}
#: How long ago the pinned campaigns may have been: a year, and a month for late ones.
YEAR = timedelta(days=400)
#: What is asked for a campaign verdict, over events that are read once.
QUESTION_NAMES = ("funnel", "bounces", "data_quality", "suspects")

#: Count -> its column of `sql/data_quality.sql`, and the kind of event.
TOLD_BY_PEOPLE = {
    "complained": ("complaints", "complaint"),
    "unsubscribed": ("unsubscribes", "unsubscribe"),
}

#: Counts that are columns of `sql/places.sql`.
COUNTS_OF_PLACES = ("attempted", "hard", "soft", "refused", "delivered", "complained")
#: Counts that are columns of `sql/suspects.sql`.
CLICKERS = ("clickers", "suspect", "human", "human_clicked", "human_unsubscribed")
#: So many clicks without one open: the feed doesn't tell opens.
MANY_CLICKS = 10
#: Kind of event -> the count that is missing where the feed doesn't tell it.
TOLD_BY = {"opens": "opened", "clicks": "clicked"}

Counts = dict[str, int]


def verdict_on(
    engine: Engine,
    campaign: str,
    *,
    about: str = "run",
    as_of: AsOf = None,
    unsettled: Mapping[str, int] = {},
    limits: Sequence[Limit] = LIMITS,
    is_sent_here: bool = False,
) -> CampaignVerdict:
    """
    PASS, WARN, FAIL, TOO FEW, TOO EARLY or NO DATA for one campaign, with the sentences that say
    why.

    *about* ("run", "bounces", "engagement") chooses sentences and cards; where what it is about
    can't be seen, the word is NO DATA.
    *unsettled* are recipients without a known outcome, by what the ledger knows of them; they are a
    warning. *limits* are what the counts are held against. What to do next differs where the
    campaign *is_sent_here*, not imported.

    Raises:
        StoreError: the store doesn't have this campaign.
    """
    facts = facts_of(
        engine,
        campaign,
        as_of=as_of,
        unsettled=unsettled,
    )
    return verdict(replace(facts, limits=limits, is_sent_here=is_sent_here), about)


def facts_of(
    engine: Engine,
    campaign: str,
    *,
    as_of: AsOf = None,
    unsettled: Mapping[str, int] = {},
) -> Facts:
    """What a campaign is judged by: its counts, its age, and earlier campaigns at that age."""
    funnel, causes, quality, suspects = count(engine, QUESTION_NAMES, campaign, as_of=as_of)
    known = window_of(funnel)
    counts = counts_by_campaign(funnel, causes).get(campaign, {})
    counts |= machine_counts(counts, quality, suspects)
    counts |= objection_counts(engine, campaign, quality, moment_of(as_of, known.first_at))
    earlier = counts_of_earlier(engine, campaign, known)
    rejected = engine.store.rejected_rows(campaign)
    feed = feed_facts(counts, quality, known, as_of, rejected)
    feed = replace(feed, usual_bounce_rate=usual_share(earlier, "bounced", "attempted"))
    for name in (*unbelievable(feed), *untold(feed)):
        counts.pop(name, None)
    return Facts(
        campaign=campaign,
        counts=counts,
        feed=feed,
        troubles=troubles_in(engine, campaign, counts, as_of),
        pinned=list(counts_of_pinned(engine, campaign, known, earlier).values()),
        first_at=known.first_at,
        last_at=known.last_at,
        as_of=moment_of(as_of, known.first_at),
        events=int(quality.events.sum()),
        top_cause=top_cause(causes),
        earlier=list(earlier.values()),
        maturity=share_of_week(engine, earlier, known),
        told_by_sending=bool(quality.told_by_sending.any()),
        unsettled=unsettled,
    )


def moment_of(as_of: AsOf, first_at: datetime | None) -> datetime | None:
    """
    The moment after which events don't count; None when all do.

    >>> moment_of(timedelta(days=1), datetime(2026, 9, 14))
    datetime.datetime(2026, 9, 15, 0, 0)
    """
    end = end_of(as_of)
    if isinstance(end, timedelta):
        return first_at + end if first_at else None
    return end


def counts_by_campaign(funnel: pd.DataFrame, causes: pd.DataFrame) -> dict[str, Counts]:
    """Campaign -> its counts: the funnel's, as far as they are measured, and bounces by kind."""
    by_campaign = {}
    for row in funnel.to_dict("records"):
        name = str(row["campaign"])
        counts = {step: int(row[column]) for step, column in STEPS.items() if pd.notna(row[column])}
        own = causes[causes.campaign == name]
        for kind, (column, value) in BOUNCES.items():
            counts[kind] = int(own.recipients[own[column] == value].sum())
        counts["refused"] = counts["block"] + counts["undetermined"]
        counts["unauthenticated"] = int(own.unauthenticated.sum())
        by_campaign[name] = counts
    return by_campaign


def machine_counts(counts: Counts, quality: pd.DataFrame, suspects: pd.DataFrame) -> Counts:
    """
    Who of those that opened and clicked may have been a machine; what the feed doesn't tell is
    missing.
    """
    more = {}
    if quality.any_machine.any() and "opened" in counts:
        machines = int(quality.machine_opens.sum())
        more["read"] = counts["opened"] - machines
    if len(suspects) or counts.get("clicked") == 0:
        for name in CLICKERS:
            more[name] = int(suspects[name].sum())
    return more


def objection_counts(
    engine: Engine, campaign: str, quality: pd.DataFrame, until: datetime | None
) -> Counts:
    """
    Who complained and who unsubscribed, each person once, up to a moment; missing where the feed
    tells of nobody.
    """
    columns = [column for column, _ in TOLD_BY_PEOPLE.values()]
    if not quality[columns].sum().any():
        return {}
    known = objections(engine, campaign, until)
    return {name: known[kind] for name, (_, kind) in TOLD_BY_PEOPLE.items() if kind in known}


def top_cause(causes: pd.DataFrame) -> tuple[str, int] | None:
    """The most frequent category of the bounces, and how many there were."""
    if not len(causes):
        return None
    return causes.category[0], int(causes.recipients[0])


def counts_of_earlier(engine: Engine, campaign: str, known: Window) -> dict[str, Counts]:
    """Earlier campaign -> its counts at the age that this one has reached."""
    names = earlier_campaigns(engine, campaign, known.first_at, COMPARISON.earlier)
    if not names:
        return {}
    funnel, causes = count(engine, ("funnel", "bounces"), names, as_of=known.age)
    return counts_by_campaign(funnel, causes)


def counts_of_pinned(
    engine: Engine, campaign: str, known: Window, earlier: Mapping[str, Counts]
) -> dict[str, Counts]:
    """The same of the first campaigns of the last year that are not among the earlier ones."""
    names = first_campaigns(engine, campaign, known.first_at, COMPARISON.earlier, within=YEAR)
    others = [name for name in names if name not in earlier]
    if not others or len(others) < len(names):  # the two would be the same campaigns in part
        return {}
    funnel, causes = count(engine, ("funnel", "bounces"), others, as_of=known.age)
    return counts_by_campaign(funnel, causes)


# --- what the events tell of themselves ---


def feed_facts(
    counts: Counts, quality: pd.DataFrame, known: Window, as_of: AsOf, rejected: int
) -> FeedFacts:
    """What the events tell of themselves; *rejected* rows are no events."""
    checks: Counts = {}
    for row in quality.to_dict("records"):
        for name, value in row.items():
            if isinstance(value, int | float) and pd.notna(value):
                checks[str(name)] = int(value)
    checks |= {name: counts[name] for name in TOLD_BY_PEOPLE if name in counts}
    checks["rejected_rows"] = rejected
    checks["rows"] = checks.get("stored_rows", 0) + rejected
    return FeedFacts(
        quality=checks,
        attempted=counts.get("attempted", 0),
        told_by_sending=bool(quality.told_by_sending.any()),
        age=known.age,
        is_cut=as_of is not None,
        untold=tuple(
            kind for kind, name in TOLD_BY.items() if _is_untold(kind, name, counts, checks)
        ),
    )


def usual_share(earlier: Mapping[str, Counts], part: str, whole: str) -> float | None:
    """The median of a share among earlier campaigns; None where none of them tells it."""
    known = known_shares(earlier.values(), part, whole)
    return median(known) if known else None


def _is_untold(kind: str, name: str, counts: Counts, quality: Counts) -> bool:
    """Whether a feed holds none of a kind: so many who click and not one open is no chance."""
    if name not in counts:
        return True
    return kind not in quality and counts[name] >= MANY_CLICKS


# --- where it hurts ---


def troubles_in(engine: Engine, campaign: str, counts: Counts, as_of: AsOf = None) -> list[Trouble]:
    """
    The mailbox providers and domains of a campaign with these counts that are over a limit, with
    their answers.
    """
    whole = Place(
        dimension="campaign",
        name=campaign,
        attempted=counts.get("attempted", 0),
        hard=counts.get("hard", 0),
        soft=counts.get("soft", 0),
        refused=counts.get("refused", 0),
        delivered=counts.get("delivered", 0),
        complained=counts.get("complained", 0),
    )
    return [
        with_answers(trouble, answers_at(engine, campaign, trouble, as_of))
        for trouble in find_troubles(places_of(engine, campaign, as_of), whole)
        if trouble.limit.part in counts
    ]


def places_of(engine: Engine, campaign: str, as_of: AsOf = None) -> list[Place]:
    """
    What came back from each provider and domain, and was complained of there; domains that got too
    little mail to be looked at are left out.
    """
    domains = count_file(engine, "places", campaign, by=["provider", "domain"], as_of=as_of)
    sums = [(name, "sum") for name in COUNTS_OF_PLACES]
    providers = domains.group_by("provider").aggregate(sums)
    providers = providers.rename_columns({f"{name}_sum": name for name in COUNTS_OF_PLACES})
    is_named = pc.not_equal(domains["domain"], "")  # some feeds name nobody
    is_large = pc.greater_equal(domains["attempted"], FEWEST_MESSAGES)
    large = domains.filter(pc.and_(is_named, is_large))
    return [*_places(providers, "provider"), *_places(large, "domain")]


def _places(rows: pa.Table, dimension: str) -> list[Place]:
    in_order = rows.sort_by([("provider", "ascending"), (dimension, "ascending")])
    return [
        Place(
            dimension=dimension,
            name=str(row[dimension]),
            provider=str(row["provider"]),
            **{name: int(row[name]) for name in COUNTS_OF_PLACES},
        )
        for row in in_order.to_pylist()
    ]


#: What a limit of places counts -> the kinds of bounces that it is made of; complaints are none.
KINDS_OF_PART = {"hard": ("hard",), "soft": ("soft",), "refused": ("block", "undetermined")}


def answers_at(engine: Engine, campaign: str, trouble: Trouble, as_of: AsOf = None) -> PlaceAnswers:
    """What the servers of a place said when they refused what the limit counts."""
    place = trouble.place
    if trouble.limit.part not in KINDS_OF_PART:
        return PlaceAnswers()
    where = {place.dimension: [place.name]}
    [reasons] = count(engine, ["reasons"], campaign, where=where, as_of=as_of)
    own = reasons[reasons.kind.isin(KINDS_OF_PART[trouble.limit.part])]
    if not len(own):
        return PlaceAnswers()
    categories = own.groupby("category").recipients.sum()
    blocklist, named = _most_named(own)
    return PlaceAnswers(
        category=str(categories.idxmax()),
        category_messages=int(categories.max()),
        blocklist=blocklist,
        blocklist_messages=named,
        messages=int(own.recipients.sum()),
    )


def _most_named(reasons: pd.DataFrame) -> tuple[str, int]:
    """The blocklist that most of these messages' reasons name, and in how many; "" for none."""
    from cxtools.bounce import classify  # with its rules, which most verdicts do without

    named: Counts = {}
    for row in reasons.to_dict("records"):
        blocklist = classify(row["bounce_code"], row["reason"]).blocklist
        if blocklist:
            named[blocklist] = named.get(blocklist, 0) + int(row["recipients"])
    if not named:
        return "", 0
    most = max(named, key=lambda name: named[name])
    return most, named[most]


def share_of_week(engine: Engine, earlier: Mapping[str, Counts], known: Window) -> float | None:
    """
    The median share of their first week's clicks that earlier campaigns had at this age.

    None when there is nothing to compare with, or the week is over.
    """
    if not earlier or known.age is None:
        return None
    if not timedelta() < known.age < NEARLY_A_WEEK:
        return None
    [week] = count(engine, ["funnel"], list(earlier), as_of=WEEK)
    shares = []
    for row in week.to_dict("records"):
        by_then = earlier[row["campaign"]]
        if row["clicked"]:
            shares.append(by_then["clicked"] / row["clicked"])
    return median(shares) if shares else None


def window_of(funnel: pd.DataFrame) -> Window:
    """The moments of a campaign's first and last event, if any has a moment."""
    first_at = funnel.first_at.min()
    last_at = funnel.last_at.max()
    if pd.isna(first_at):
        return Window(None, None)
    return Window(first_at.to_pydatetime(), last_at.to_pydatetime())
