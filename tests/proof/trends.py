"""
Histories with one planted incident, and without: what `cxtools.measures.trend` says of them.

    python -m tests.proof.trends --histories 200            a seed of its own each time, which it prints
    python -m tests.proof.trends --histories 200 --seed 7   the same again

A history is sixty weekly campaigns as totals: of each provider, cause and link, with what campaigns
differ by themselves (seasons and a slow drift included). Right is an alert on the right metric and
group that begins in the right week; rot has no week, it must be found while it grows. Besides the
incident, nothing may be blamed that isn't its consequence.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, exp, pi
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cxtools.events.store import EventStore
from cxtools.measures.alert import Alert
from cxtools.measures.answers import history_by
from cxtools.measures.engine import Engine
from cxtools.measures.history import CAUSE, EVERYTHING, LINK, Counts, Group, History, Period
from cxtools.measures.trend import alerts
from cxtools.model import Event
from tests.tables import RECEIVED

CAMPAIGNS = 60
START = datetime(2025, 1, 6, 9, tzinfo=UTC)
PROVIDERS = {
    "gmail": 0.42,
    "microsoft": 0.2,
    "yahoo": 0.1,
    "apple": 0.07,
    "gmx": 0.06,
    "comcast": 0.03,
    "other": 0.12,
}
#: Cause -> its kind, and its share of the kind.
CAUSES = {
    "invalid_recipient": ("hard", 0.9),
    "domain_not_found": ("hard", 0.1),
    "reputation_block": ("block", 0.7),
    "content_block": ("block", 0.3),
}
#: An incident's first week; before lies enough to know what is usual.
WEEKS = (12, 57)
#: How many weeks too early or late an alert may begin.
NEAR = 1

Rates = dict[str, float]


@dataclass(frozen=True)
class World:
    """What is usual in one history: sizes, rates, links, and by how much campaigns differ."""

    recipients: float
    shares: Mapping[str, float]
    rates: Rates
    links: Sequence[float]
    spread: float


@dataclass(frozen=True)
class Incident:
    """What was planted: from one campaign to another, at a provider, on a link, how strong."""

    kind: str
    first: int
    last: int
    group: Group = EVERYTHING
    strength: float = 1.0

    def grown(self, week: int) -> float:
        """How much of it there is in a week, 0..1; rot grows for as long as it lasts."""
        if not self.first <= week <= self.last:
            return 0.0
        return (week - self.first + 1) / (self.last - self.first + 1) if self.kind == "rot" else 1.0


#: Incident -> the metric that must tell of it, and those that may.
METRICS = {
    "provider block": ("block_rate", {"delivery_rate"}),
    "broken link": ("click_rate", set()),
    "template change": ("click_rate", set()),
    "lost tracking": ("click_rate", {"open_rate"}),
    "rot": ("hard_bounce_rate", {"delivery_rate"}),
}


def world(rng: np.random.Generator) -> World:
    """A sender: a list of some size, with rates of its own."""
    shares = {name: share * rng.uniform(0.7, 1.3) for name, share in PROVIDERS.items()}
    whole = sum(shares.values())
    return World(
        recipients=float(np.exp(rng.uniform(np.log(4_000), np.log(80_000)))),
        shares={name: share / whole for name, share in shares.items()},
        rates={
            "hard": rng.uniform(0.004, 0.015),
            "block": rng.uniform(0.0005, 0.006),
            "opened": rng.uniform(0.15, 0.4),
            "clicked": rng.uniform(0.02, 0.08),
        },
        links=rng.dirichlet([6, 4, 3, 2, 1]).tolist(),
        spread=rng.uniform(0.08, 0.22),
    )


def plant(rng: np.random.Generator, kind: str, sender: World) -> Incident:
    """One incident, anywhere, of a size that a person would want to know."""
    first = int(rng.integers(*WEEKS))
    last = min(CAMPAIGNS - 1, first + int(rng.integers(0, 4)))
    if kind == "provider block":
        large = [name for name, share in sender.shares.items() if share >= 0.03 and name != "other"]
        group = Group("provider", str(rng.choice(large)))
        return Incident(kind, first, last, group, rng.uniform(0.4, 0.9))
    if kind == "broken link":
        large_links = [place for place, share in enumerate(sender.links) if share >= 0.2]
        group = Group(LINK, link_name(int(rng.choice(large_links))))
        return Incident(kind, first, last, group, rng.uniform(0.9, 1))
    if kind == "template change":
        first = min(first, CAMPAIGNS - 6)
        return Incident(kind, first, CAMPAIGNS - 1, strength=rng.uniform(0.45, 0.65))
    if kind == "rot":
        first = min(first, CAMPAIGNS - 15)
        return Incident(kind, first, CAMPAIGNS - 1, strength=rng.uniform(0.04, 0.08))
    return Incident(kind, first, last)


def link_name(place: int) -> str:
    return f"https://shop.example/{place}"


def history(rng: np.random.Generator, sender: World, incident: Incident | None) -> History:
    """Sixty campaigns of a sender."""
    groups: dict[Group, list[Counts]] = {}
    drift = rng.normal(0, 0.1)
    season = rng.uniform(0, 2 * pi)
    for week in range(CAMPAIGNS):
        slow = exp(drift * week / CAMPAIGNS + 0.05 * cos(2 * pi * week / 52 + season))
        usual = {
            name: rate * slow * exp(rng.normal(0, sender.spread))
            for name, rate in sender.rates.items()
        }
        for group, counts in campaign(rng, sender, usual, week, incident).items():
            groups.setdefault(group, []).append(counts)
    periods = [
        Period(f"week-{week:02}", START + timedelta(weeks=week)) for week in range(CAMPAIGNS)
    ]
    return History(periods, groups)


def campaign(
    rng: np.random.Generator, sender: World, usual: Rates, week: int, incident: Incident | None
) -> dict[Group, Counts]:
    """The totals of one campaign: in all, by provider, by cause and by link."""
    size = sender.recipients * exp(rng.normal(0, 0.15))
    broken = strength(incident, "broken link", week)
    groups: dict[Group, Counts] = {}
    by_link = np.zeros(len(sender.links), dtype=int)
    shares = rng.dirichlet([200 * share for share in sender.links])
    for name, share in sender.shares.items():
        provider = Group("provider", name)
        own = {key: rate * exp(rng.normal(0, 0.08)) for key, rate in usual.items()}
        counts = mailed(rng, int(size * share), disturbed(own, provider, week, incident))
        lost, clicks = followed(rng, counts["clicked"], shares, incident, broken)
        counts["clicked"] -= lost
        counts["opened"] = max(counts["opened"], counts["clicked"])
        by_link += clicks
        groups[provider] = counts
    whole = {key: sum(counts[key] for counts in groups.values()) for key in counts}
    causes = {Group(CAUSE, cause): caused(rng, whole, cause) for cause in CAUSES}
    links = {
        Group(LINK, link_name(place)): {"delivered": whole["delivered"], "clicked": int(clicks)}
        for place, clicks in enumerate(by_link)
    }
    return {EVERYTHING: whole, **groups, **causes, **links}


def mailed(rng: np.random.Generator, size: int, rates: Rates) -> Counts:
    """What became of the messages to one provider."""
    hard = int(rng.binomial(size, min(1.0, rates["hard"])))
    block = int(rng.binomial(size - hard, min(1.0, rates["block"])))
    delivered = size - hard - block
    clicked = int(rng.binomial(delivered, rates["clicked"]))
    opened = clicked + int(rng.binomial(delivered - clicked, min(1.0, rates["opened"])))
    return {
        "attempted": size,
        "hard": hard,
        "block": block,
        "bounced": hard + block,
        "delivered": delivered,
        "opened": opened,
        "clicked": clicked,
    }


def followed(
    rng: np.random.Generator,
    people: int,
    shares: np.ndarray,
    incident: Incident | None,
    broken: float,
) -> tuple[int, np.ndarray]:
    """Who clicks a link, a quarter a second one, too; and who is lost since his only one is broken."""
    first = rng.multinomial(people, shares)
    second = rng.multinomial(people // 4, shares)
    clicks = first + second
    if not broken or incident is None:
        return 0, clicks
    place = int(incident.group.value.rpartition("/")[2])
    lost = int(rng.binomial(first[place], broken * 0.75))
    clicks[place] = int(clicks[place] * (1 - broken))
    return lost, clicks


def caused(rng: np.random.Generator, whole: Counts, cause: str) -> Counts:
    """How many bounced for a cause."""
    kind, share = CAUSES[cause]
    number = int(rng.binomial(whole[kind], share))
    return {"attempted": whole["attempted"], "bounced": number, "hard": 0, "block": 0, kind: number}


def strength(incident: Incident | None, kind: str, week: int) -> float:
    """How strong an incident of a kind is in a week."""
    if incident is None or incident.kind != kind:
        return 0.0
    return incident.grown(week) * incident.strength


def disturbed(own: Rates, provider: Group, week: int, incident: Incident | None) -> Rates:
    """The rates at a provider as the incident leaves them."""
    changed = dict(own)
    if incident is not None and incident.group == provider:
        changed["block"] += strength(incident, "provider block", week)
    changed["hard"] += strength(incident, "rot", week)
    changed["clicked"] *= 1 - strength(incident, "template change", week)
    tracked = 1 - strength(incident, "lost tracking", week)
    changed["clicked"] *= tracked
    changed["opened"] *= tracked
    return changed


# --- the same in a store ---

#: The provider of a domain, and what servers say when they refuse.
DOMAINS = {
    "gmail": "gmail.com",
    "microsoft": "outlook.com",
    "yahoo": "yahoo.com",
    "apple": "icloud.com",
    "gmx": "gmx.de",
    "comcast": "comcast.net",
    "other": "corp.example",
}
ANSWERS = {
    "hard": ("550 5.1.1", "user unknown"),
    "block": ("550 5.7.1", "blocked using Spamhaus"),
}
#: How many are mailed where every one is an event.
STORED_RECIPIENTS = 1_500


def store_of(past: History, root: Path) -> EventStore:
    """A store whose events have the totals of a history."""
    store = EventStore(root)
    for place, period in enumerate(past.periods):
        happened = list(events_of(past, place))
        store.add(period.name, happened, source="proof", received_at=RECEIVED)
    return store


def events_of(past: History, place: int) -> Iterator[Event]:
    """The events of one campaign, provider by provider."""
    links = [
        group.value
        for group in past.values(LINK)
        for _ in range(past.groups[group][place]["clicked"])
    ]
    sent = past.periods[place].first_at
    assert sent is not None
    for group in past.values("provider"):
        counts = past.groups[group][place]
        for number in range(counts["attempted"]):
            who = f"{number}@{DOMAINS[group.value]}"
            for kind, url in deeds(counts, number, links):
                yield event(who, kind, sent, url)


def deeds(counts: Counts, number: int, links: list[str]) -> Iterator[tuple[str, str]]:
    """What happened to one message: the first are refused, of the delivered the first click."""
    refused = {"hard": counts["hard"], "block": counts["hard"] + counts["block"]}
    for kind, last in refused.items():
        if number < last:
            yield kind, ""
            return
    yield "delivery", ""
    place = number - counts["bounced"]
    if place < counts["opened"]:
        yield "open", ""
    if place < counts["clicked"]:
        yield "click", links.pop() if links else link_name(99)


def event(who: str, kind: str, sent: datetime, url: str) -> Event:
    code, text = ANSWERS.get(kind, ("", ""))
    return Event(
        f"{who}-{kind}-{sent:%Y%m%d}",
        "bounce" if code else kind,
        kind,
        job_id="j",
        message_id=f"{who}-{sent:%Y%m%d}",
        email=who,
        ts=sent + timedelta(minutes=1 if kind in ("delivery", *ANSWERS) else 60),
        bounce_code=code,
        bounce_text=text,
        link_url=url,
    )


def prove_stored(
    histories: int, seed: int, recipients: int = STORED_RECIPIENTS
) -> dict[str, dict[str, int]]:
    """Histories whose every event goes through a store, its layers, and the questions."""
    kinds = list(METRICS)
    found = {kind: {"of": 0, "found": 0, "blamed": 0} for kind in kinds}
    for number in range(histories):
        rng = np.random.default_rng([seed, number, 1])
        kind = kinds[number % len(kinds)]
        sender = replace(world(rng), recipients=recipients)
        incident = plant(rng, kind, sender)
        with TemporaryDirectory() as folder:
            store = store_of(history(rng, sender, incident), Path(folder))
            said = alerts(history_by(Engine(store), None))
        found[kind]["of"] += 1
        found[kind]["found"] += any(is_right(alert, incident) for alert in said)
        found[kind]["blamed"] += any(is_blamed(alert, incident) for alert in said)
    return found


# --- what is said of it ---


def is_right(alert: Alert, incident: Incident) -> bool:
    """The right metric, group and week."""
    metric, _ = METRICS[incident.kind]
    return alert.metric == metric and has_group(alert, incident) and has_week(alert, incident)


def has_group(alert: Alert, incident: Incident) -> bool:
    """The group where it happened is named; what happened everywhere is laid at no one's door."""
    named = {each.group for each in alert.explained if each.group.dimension != CAUSE}
    return named == ({incident.group} - {EVERYTHING})


def has_week(alert: Alert, incident: Incident) -> bool:
    """It begins when the incident did; what grows is found while it does."""
    if incident.kind == "rot":
        return incident.first - NEAR <= alert.first <= incident.last
    return abs(alert.first - incident.first) <= NEAR


def is_blamed(alert: Alert, incident: Incident) -> bool:
    """Whether an alert tells of something that didn't happen."""
    metric, others = METRICS[incident.kind]
    overlaps = alert.first <= incident.last + NEAR and incident.first - NEAR <= alert.last
    return alert.metric not in {metric, *others} or not overlaps


def told(alert: Alert) -> str:
    groups = ", ".join(each.group.value for each in alert.explained)
    return (
        f"{alert.metric} {alert.group.value} {alert.first}-{alert.last}"
        f" {alert.usual:.4f}->{alert.share:.4f} z={alert.distance:.1f} [{groups}]"
    )


def prove(histories: int, seed: int, verbose: bool = False) -> dict[str, dict[str, int]]:
    """How many incidents are found, and how many histories without one are told of."""
    kinds = list(METRICS)
    found = {kind: {"of": 0, "found": 0, "exact week": 0, "blamed": 0} for kind in [*kinds, "none"]}
    for number in range(histories):
        rng = np.random.default_rng([seed, number])
        kind = kinds[number % len(kinds)]
        sender = world(rng)
        incident = plant(rng, kind, sender)
        said = alerts(history(rng, sender, incident))
        right = [alert for alert in said if is_right(alert, incident)]
        blamed = [alert for alert in said if is_blamed(alert, incident)]
        count = found[kind]
        count["of"] += 1
        count["found"] += bool(right)
        count["exact week"] += any(alert.first == incident.first for alert in right)
        count["blamed"] += bool(blamed)
        if verbose and (blamed or not right):
            print(number, incident, round(sender.recipients), *map(told, said), sep="\n   ")
        none = alerts(history(rng, world(rng), None))
        found["none"]["of"] += 1
        found["none"]["blamed"] += bool(none)
        if verbose and none:
            print(number, "false alarm", *map(told, none), sep="\n   ")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--stored", type=int, default=5, help="so many through a real store")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    print(f"seed {seed}")
    show(prove(options.histories, seed, options.verbose))
    print("through a store")
    show(prove_stored(options.stored, seed))


def show(found: Mapping[str, Mapping[str, int]]) -> None:
    for kind, count in found.items():
        print(f"{kind:16}", *(f"{name} {number}" for name, number in count.items()), sep="  ")


if __name__ == "__main__":
    main()
