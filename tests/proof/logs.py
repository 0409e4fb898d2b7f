"""
Logs as people have them, with one incident in the clicks of one week, and without: what
`cxtools.measures.trend` says of them.

    python -m tests.proof.logs --histories 200            a seed of its own, which it prints
    python -m tests.proof.logs --histories 200 --seed 7   the same again

`tests.proof.trends` makes senders that are alike. These are not: mailings to 200 and to 200,000,
months of growth, weeks without mail, a season of the week and of the year, a slow decline, bank
holidays, newsletters beside receipts, links that come and go, feeds without opens or bounces.
Right is one alert, on the click rate, that begins in the week of the incident and lays it at no
one's door. Anything else that is told is blamed wrongly.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import cos, exp, log, pi

import numpy as np

from cxtools.measures.alert import Alert
from cxtools.measures.history import EVERYTHING, LINK, Counts, Group, History, Period
from cxtools.measures.trend import alerts
from tests.proof.trends import told

START = datetime(2023, 1, 2, 9, tzinfo=UTC)
#: Before an incident lies enough to know what is usual.
FEWEST_BEFORE = 10
DAYS = 7
#: So many clicks are expected in the week of an incident, if there is a week of so many.
FEWEST_CLICKS = 40
#: The weeks of a year in which people are away.
HOLIDAYS = (0, 51)


@dataclass(frozen=True)
class Log:
    """
    What a log is like.

    Attributes:
        periods: from how many to how many
        step: from one to the next
        recipients: of the smallest and of the largest period
        is_mixed: whether each period has a size of its own, not one that grows
        clicked, opened, bounced: rates, from and to; None where the feed doesn't tell of it
        spread: by how much periods differ by themselves, from and to
        freedom: of the t distribution by which they do; fewer have more outliers
        walk: by how much the level moves from one period to the next
        decline: by how much the level falls over the whole log, from and to, as a logarithm
        yearly, weekly: the season of the year, and what a weekend takes away, as logarithms
        holiday: what the weeks around New Year take away
        kinds: by how much kinds of mailings differ that take turns, as a logarithm
        missing: the share of periods in which nothing was sent
        links: how many, and how often each is in a mailing
    """

    periods: tuple[int, int]
    step: timedelta = timedelta(weeks=1)
    recipients: tuple[int, int] = (2_000, 100_000)
    is_mixed: bool = False
    clicked: tuple[float, float] = (0.01, 0.1)
    opened: tuple[float, float] | None = None
    bounced: tuple[float, float] | None = None
    spread: tuple[float, float] = (0.05, 0.2)
    freedom: int = 30
    walk: float = 0.0
    decline: tuple[float, float] = (0.0, 0.0)
    yearly: float = 0.0
    weekly: float = 0.0
    holiday: float = 0.0
    kinds: float = 0.0
    missing: float = 0.0
    links: tuple[int, float] = (0, 1.0)
    providers: Sequence[float] = field(default=(0.5, 0.3, 0.2))


#: What it is -> how it looks.
LOGS = {
    "newsletters": Log((40, 120), opened=(0.15, 0.4), bounced=(0.002, 0.02), links=(5, 0.9)),
    "all sizes": Log(
        (40, 150), recipients=(200, 200_000), is_mixed=True, opened=(0.1, 0.5), freedom=5
    ),
    "clicks only": Log((60, 160), recipients=(20_000, 500_000), spread=(0.02, 0.08), walk=0.02),
    "a season and growth": Log(
        (104, 160),
        recipients=(5_000, 200_000),
        spread=(0.03, 0.1),
        yearly=0.15,
        holiday=0.25,
        missing=0.06,
        bounced=(0.001, 0.01),
    ),
    "a slow decline": Log(
        (80, 160), opened=(0.2, 0.4), spread=(0.05, 0.15), decline=(-1.0, -0.4), holiday=0.15
    ),
    "days": Log(
        (90, 400),
        step=timedelta(days=1),
        recipients=(2_000, 20_000),
        spread=(0.03, 0.12),
        weekly=0.5,
        clicked=(0.03, 0.3),
    ),
    "three years of days": Log(
        (1000, 1100),
        step=timedelta(days=1),
        recipients=(1_000, 30_000),
        spread=(0.03, 0.1),
        weekly=0.35,
        yearly=0.15,
        walk=0.01,
        holiday=0.2,
        clicked=(0.03, 0.4),
    ),
    "two kinds of mailings": Log((50, 120), kinds=0.5, opened=(0.2, 0.4), bounced=(0.002, 0.01)),
    "links come and go": Log((40, 120), links=(12, 0.6), spread=(0.1, 0.25)),
    "a short log": Log((14, 24), spread=(0.05, 0.15), opened=(0.15, 0.4)),
}


@dataclass(frozen=True)
class Incident:
    """From one period to another clicks aren't told: such a part of them, 0..1."""

    first: int
    last: int
    lost: float

    def kept(self, place: int) -> float:
        return 1 - self.lost if self.first <= place <= self.last else 1.0


def plant(rng: np.random.Generator, kind: Log, expected: Sequence[float]) -> Incident:
    """One week, of which most clicks are lost, where so many are expected that it can be seen."""
    length = DAYS if kind.step < timedelta(days=2) else 1
    first_place = max(FEWEST_BEFORE, 5 * length)
    places = range(first_place, len(expected) - length + 1)
    large = [place for place in places if expected[place] >= FEWEST_CLICKS]
    first = int(rng.choice(large or [max(places, key=lambda place: expected[place])]))
    return Incident(first, first + length - 1, rng.uniform(0.7, 1.0))


def between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A rate or a size between these, by its logarithm."""
    low, high = bounds
    return exp(rng.uniform(log(low), log(high)))


def levels(rng: np.random.Generator, kind: Log, moments: Sequence[datetime]) -> list[float]:
    """How far each period lies from the usual, as a logarithm, by all that isn't an incident."""
    spread = between(rng, kind.spread)
    decline = rng.uniform(*kind.decline)
    season = rng.uniform(0, 2 * pi)
    walked = 0.0
    found = []
    for place, moment in enumerate(moments):
        walked += rng.normal(0, kind.walk) if kind.walk else 0.0
        year = moment.timetuple().tm_yday
        level = walked + decline * place / len(moments)
        level += kind.yearly * cos(2 * pi * year / 365 + season)
        level -= kind.weekly if moment.weekday() >= 5 else 0.0
        level -= kind.holiday if year // 7 in HOLIDAYS else 0.0
        level -= kind.kinds if place % 3 == 2 else 0.0
        found.append(level + spread * rng.standard_t(kind.freedom))
    return found


def sizes(rng: np.random.Generator, kind: Log, moments: Sequence[datetime]) -> list[int]:
    low, high = kind.recipients
    if kind.is_mixed:
        return [int(between(rng, kind.recipients)) for _ in moments]
    first = between(rng, (low, high / 2))
    growth = rng.uniform(0, log(high / first))
    return [
        int(first * exp(growth * place / len(moments) + rng.normal(0, 0.1)))
        for place in range(len(moments))
    ]


def moments_of(rng: np.random.Generator, kind: Log) -> list[datetime]:
    number = int(rng.integers(*kind.periods))
    return [START + place * kind.step for place in range(number) if rng.uniform() >= kind.missing]


def history(rng: np.random.Generator, kind: Log, has_incident: bool) -> tuple[History, Incident]:
    """A log as its totals, and the incident that it has, or would have had."""
    moments = moments_of(rng, kind)
    clicked = between(rng, kind.clicked)
    opened = between(rng, kind.opened) if kind.opened else 0.0
    bounced = between(rng, kind.bounced) if kind.bounced else 0.0
    level = levels(rng, kind, moments)
    size = sizes(rng, kind, moments)
    expected = [clicked * exp(far) * number for far, number in zip(level, size, strict=True)]
    incident = plant(rng, kind, expected)
    groups: dict[Group, list[Counts]] = {}
    for place in range(len(moments)):
        kept = incident.kept(place) if has_incident else 1.0
        rates = {
            "clicked": min(0.9, clicked * exp(level[place])) * kept,
            "opened": min(0.9, opened * exp(0.5 * level[place] + rng.normal(0, 0.05))),
            "bounced": min(0.5, bounced * exp(rng.normal(0, 0.3))),
        }
        for group, counts in counted(rng, kind, size[place], rates).items():
            groups.setdefault(group, []).append(counts)
    periods = [Period(f"{moment:%Y-%m-%d}", moment) for moment in moments]
    return History(periods, groups), incident


def counted(
    rng: np.random.Generator, kind: Log, size: int, rates: Mapping[str, float]
) -> dict[Group, Counts]:
    """The totals of one period: in all, by provider, by link."""
    groups: dict[Group, Counts] = {}
    for number, share in enumerate(kind.providers):
        own = {name: rate * exp(rng.normal(0, 0.05)) for name, rate in rates.items()}
        groups[Group("provider", f"provider {number}")] = mailed(rng, kind, int(size * share), own)
    whole = {name: sum(counts[name] for counts in groups.values()) for name in counts_of(kind)}
    return {EVERYTHING: whole, **groups, **linked(rng, kind, whole)}


def counts_of(kind: Log) -> list[str]:
    names = ["attempted", "delivered", "bounced", "hard", "block", "clicked"]
    return [*names, "opened", "opened_told"] if kind.opened else names


def mailed(rng: np.random.Generator, kind: Log, size: int, rates: Mapping[str, float]) -> Counts:
    """What became of the messages to one provider; who clicks without images isn't seen to open."""
    hard = int(rng.binomial(size, min(1.0, rates["bounced"])))
    delivered = size - hard
    clicked = int(rng.binomial(delivered, min(0.95, rates["clicked"])))
    counts = {
        "attempted": size,
        "delivered": delivered,
        "bounced": hard,
        "hard": hard,
        "block": 0,
        "clicked": clicked,
    }
    if kind.opened:
        seen = int(rng.binomial(delivered, min(0.95, rates["opened"])))
        unseen = int(rng.binomial(clicked, 0.2))
        counts |= {"opened": min(delivered, seen + unseen), "opened_told": seen}
    return counts


def linked(rng: np.random.Generator, kind: Log, whole: Counts) -> dict[Group, Counts]:
    """Who clicked which link; the first is in each mailing, the others come and go."""
    number, presence = kind.links
    if not number:
        return {}
    is_there = [place == 0 or rng.uniform() < presence for place in range(number)]
    weights = [is_in * rng.gamma(6.0 / (1 + place)) for place, is_in in enumerate(is_there)]
    shares = np.array(weights) / sum(weights)
    clicks = rng.multinomial(int(whole["clicked"] * 1.2), shares)
    return {
        Group(LINK, f"https://shop.example/{place}"): {
            "delivered": whole["delivered"],
            "clicked": int(clicks[place]),
        }
        for place in range(number)
    }


# --- what is said of it ---


def is_right(alert: Alert, incident: Incident) -> bool:
    """In clicks, in all messages, from the first period of it, and no longer."""
    in_clicks = (alert.metric, alert.group) == ("click_rate", EVERYTHING)
    near = incident.last - incident.first > 0
    starts = abs(alert.first - incident.first) <= near
    ends = abs(alert.last - incident.last) <= near
    return in_clicks and starts and ends and not alert.explained


def prove(
    histories: int, seed: int, verbose: bool = False, chosen: Sequence[str] = tuple(LOGS)
) -> dict[str, dict[str, int]]:
    """How many incidents are found, what else is blamed; and how often where there is none."""
    found = {name: {"of": 0, "found": 0, "blamed besides": 0, "false alarms": 0} for name in chosen}
    for number in range(histories):
        name = chosen[number % len(chosen)]
        rng = np.random.default_rng([seed, number])
        past, incident = history(rng, LOGS[name], has_incident=True)
        said = alerts(past)
        others = [alert for alert in said if not is_right(alert, incident)]
        peace, _ = history(rng, LOGS[name], has_incident=False)
        false = alerts(peace)
        count = found[name]
        count["of"] += 1
        count["found"] += len(others) < len(said)
        count["blamed besides"] += bool(others)
        count["false alarms"] += bool(false)
        if verbose and (others or not said):
            print(number, name, incident, len(past.periods), *map(told, said), sep="\n   ")
        if verbose and false:
            print(number, name, "false alarm", len(peace.periods), *map(told, false), sep="\n   ")
    return found


def total(found: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The sums over all kinds of logs."""
    sums: dict[str, int] = {}
    for counts in found.values():
        for name, number in counts.items():
            sums[name] = sums.get(name, 0) + number
    return sums


def main(show: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    show(f"seed {seed}")
    found = prove(options.histories, seed, options.verbose)
    for name, count in {**found, "all": total(found)}.items():
        show("  ".join([f"{name:22}", *(f"{what} {number}" for what, number in count.items())]))


if __name__ == "__main__":
    main()
