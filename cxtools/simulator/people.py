"""
Who gets the mail and what becomes of it. What people and mailboxes are like is data beside this
module: people.toml, refusals.tsv.

All that happens to a message is drawn from a digest of (seed, address, letter), never from the
order of requests or a clock, so the same campaign has the same story on every machine. Refusal
texts are our own words in the forms, and with the codes, that real providers use. Only
`Random.random()` is used of the standard generator: it alone is promised to stay the same between
Python versions.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")
HORIZON_S = 7 * 86400.0


class Reader(NamedTuple):
    """How a person, or the machine in front of them, treats a message. Rates are shares 0..1."""

    open_rate: float
    click_rate: float  # of those who saw it
    curve: str = "human"
    repeats: int = 0  # at most so many further opens
    images: bool = True  # False: reads without an open
    machine: str = ""  # "proxy" opens at once, "scanner" clicks every link at once


class Fate(NamedTuple):
    """
    What can become of a message other than a plain delivery. A lasting fate belongs to the address,
    not the message.
    """

    share: float
    lasting: bool = False
    recovers: float = 0  # share that is delivered after all
    curve: str = "prompt"
    after_delivery: bool = False


class Provider(NamedTuple):
    """
    A mailbox provider: its domains with their share of the recipients, and how its readers divide.
    """

    domains: dict[str, float]
    readers: dict[str, float]


TABLES = tomllib.loads(Path(__file__).with_name("people.toml").read_text(encoding="utf-8"))
CURVES, LINKS, AGENTS, NETWORKS, NAMES = (
    TABLES[name] for name in ("curves", "links", "agents", "networks", "names")
)
READERS = {name: Reader(**facts) for name, facts in TABLES["readers"].items()}
FATES = {name: Fate(**facts) for name, facts in TABLES["fates"].items()}
PEOPLE = {"reader": 0.42, "fan": 0.07, "imageless": 0.10, "late": 0.07, "idle": 0.34}
OFFICE = {
    "reader": 0.26,
    "fan": 0.04,
    "imageless": 0.22,
    "late": 0.04,
    "idle": 0.18,
    "scanned": 0.26,
}
PROVIDERS = {
    "google": Provider({"gmail.example": 0.34}, PEOPLE | {"proxied": 0.04}),
    "microsoft": Provider(
        {"outlook.example": 0.12, "hotmail.example": 0.07}, PEOPLE | {"scanned": 0.03}
    ),
    "yahoo": Provider({"yahoo.example": 0.10, "aol.example": 0.02}, PEOPLE),
    "apple": Provider({"icloud.example": 0.09}, {"proxied": 0.74, "reader": 0.10, "idle": 0.16}),
    "comcast": Provider({"comcast.example": 0.03}, PEOPLE),
    "gmx": Provider({"gmx.example": 0.03, "web.example": 0.02}, PEOPLE | {"imageless": 0.30}),
    "company": Provider(
        {f"acme-{number:02}.example": 0.18 / 24 for number in range(1, 25)}, OFFICE
    ),
}
# a company whose mail system was switched off: every address of theirs bounces
GONE = "acme-13.example"


def _refusals() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(provider or "*", fate) -> [(code, text)], from the table beside this file."""
    table: dict[tuple[str, str], list[tuple[str, str]]] = {}
    with Path(__file__).with_name("refusals.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            table.setdefault((row["provider"], row["fate"]), []).append((row["code"], row["text"]))
    return table


REFUSALS = _refusals()
SENDING_IP = "203.0.113.25"


class Letter(NamedTuple):
    """
    What is mailed: `merge` is the merge fields in one fixed spelling, `nth` how often the person
    got this letter before.
    """

    subject: str
    template_id: str
    merge: str = ""
    nth: int = 0


class Drift(NamedTuple):
    """How one campaign differs from the ordinary: factors and shares."""

    engagement: float = 1.0
    stale_share: float = 0.0  # more unknown users: a bad list
    block_share: float = 0.0  # messages refused by the providers of `blocked_at`
    blocked_at: tuple[str, ...] = ()


class Happening(NamedTuple):
    """One thing that happens to a message, `after_s` seconds after it was sent."""

    after_s: float
    kind: str
    code: str = ""
    text: str = ""
    link: str = ""
    agent: str = ""
    ip: str = ""


class Person(NamedTuple):
    address: str
    provider: str
    reader: str
    fate: str  # "" or a lasting fate


def dice(*parts: object) -> Random:
    """A generator that depends on nothing but *parts*."""
    return Random(int(digest(*parts)[:16], 16))


def digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def drawn(curve: str, rng: Random) -> float:
    """Seconds drawn from one of the curves."""
    share = rng.random()
    (low, short), (high, long) = next(
        knots for knots in pairwise(CURVES[curve]) if share <= knots[1][0]
    )
    return float(short * (long / short) ** ((share - low) / (high - low)))


def picked(weights: dict[str, float], rng: Random, total: float | None = None) -> str:
    """A key, each with its weight; "" for what is missing to *total*."""
    point = rng.random() * (sum(weights.values()) if total is None else total)
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    return ""


def one_of(rows: Sequence[T], rng: Random) -> T:
    return rows[int(rng.random() * len(rows))]


def provider_of(domain: str) -> str:
    """
    The provider of a domain, by its first label: gmail.example and gmail.com are one; "company" for
    all others.
    """
    return BY_LABEL.get(domain.partition(".")[0], "company")


BY_LABEL = {
    domain.partition(".")[0]: name
    for name, provider in PROVIDERS.items()
    for domain in provider.domains
}
LASTING = {name: fate.share for name, fate in FATES.items() if fate.lasting}
PASSING = {name: fate.share for name, fate in FATES.items() if not fate.lasting}


def person(seed: int, address: str) -> Person:
    """
    The person behind an address. A tag chooses a fate or a reader, for tests: `ann+full@…`,
    `ann+scanned@…`, `ann+delivered@…`.
    """
    local, _, domain = address.lower().rpartition("@")
    provider, rng, tag = (
        provider_of(domain),
        dice(seed, "person", address.lower()),
        local.partition("+")[2],
    )
    fate, reader = picked(LASTING, rng, 1), picked(PROVIDERS[provider].readers, rng)
    return Person(
        address,
        provider,
        tag if tag in READERS else reader,
        tag if tag in FATES else "" if tag else fate,
    )


def life(
    seed: int, address: str, letter: Letter, *, second_of_day: float = 0, drift: Drift | None = None
) -> list[Happening]:
    """
    All that happens to one message, in order of time; `second_of_day` (UTC) is when it was sent.
    """
    someone, rng, drift = (
        person(seed, address),
        dice(seed, address.lower(), *letter),
        drift or Drift(),
    )
    fate = someone.fate or _fate(someone, drift, rng)
    if "+delivered" in address.lower():
        fate = ""
    story = _journey(someone, fate, rng)
    arrived = next((step.after_s for step in story if step.kind == "delivery"), None)
    if arrived is not None:
        appeal = drift.engagement * (
            0.8 + 0.4 * dice(seed, letter.subject, letter.template_id).random()
        )
        story += _machine(READERS[someone.reader].machine, arrived, rng)
        read = _reading(READERS[someone.reader], arrived, appeal, rng)
        story += [step._replace(after_s=_awake(step.after_s, second_of_day, rng)) for step in read]
    return sorted(step for step in story if step.after_s < HORIZON_S)


def _fate(someone: Person, drift: Drift, rng: Random) -> str:
    luck, passing = rng.random(), picked(PASSING, rng, 1)
    if someone.provider in drift.blocked_at and luck < drift.block_share:
        return "blocklisted"
    if luck > 1 - drift.stale_share:
        return "unknown"
    return "" if "+" in someone.address else passing


def _journey(someone: Person, name: str, rng: Random) -> list[Happening]:
    """From the sending server to the mailbox, or back."""
    took = drawn("prompt", rng)
    domain = someone.address.rpartition("@")[2].lower()
    if domain == GONE:
        return [Happening(took, "bounce", *_filled(REFUSALS[GONE, "gone"][0], someone, rng))]
    if not name:
        return [Happening(took, "delivery")]
    fate = FATES[name]
    rows = REFUSALS.get((someone.provider, name)) or REFUSALS["*", name]
    refused = took if fate.curve == "prompt" else took + drawn(fate.curve, rng)
    story = [Happening(refused, "bounce", *_filled(one_of(rows, rng), someone, rng))]
    if fate.after_delivery:
        return [Happening(took, "delivery"), *story]
    if rng.random() < fate.recovers:
        story.append(Happening(refused + drawn("retried", rng), "delivery"))
    return story


def _filled(row: tuple[str, str], someone: Person, rng: Random) -> tuple[str, str]:
    code, text = row
    ticket = f"{int(rng.random() * 16**10):010x}"
    return code, text.format(
        a=someone.address, d=someone.address.rpartition("@")[2], ip=SENDING_IP, t=ticket
    )


def _machine(name: str, arrived: float, rng: Random) -> list[Happening]:
    """
    What a machine does before any person: a proxy opens, a scanner follows every link within a
    second.
    """
    if not name:
        return []
    agent, ip = one_of(AGENTS[name], rng), f"{NETWORKS[name]}.{int(rng.random() * 8) + 1}"
    if name == "proxy":
        return [Happening(arrived + drawn("at_once", rng), "open", agent=agent, ip=ip)]
    return [
        Happening(arrived + 0.1 + 0.8 * rng.random(), "click", link=link, agent=agent, ip=ip)
        for link in LINKS
    ]


def _reading(reader: Reader, arrived: float, appeal: float, rng: Random) -> list[Happening]:
    """
    What the person does: opens, some of them again and again, and clicks; without images no open is
    recorded.
    """
    if rng.random() >= reader.open_rate * appeal:
        return []
    agent, ip = one_of(AGENTS["reader"], rng), f"{NETWORKS['reader']}.{int(rng.random() * 254) + 1}"
    seen = arrived + drawn(reader.curve, rng)
    story = (
        [Happening(seen, "open", agent=agent, ip=ip)]
        if reader.images and not reader.machine
        else []
    )
    story += [
        Happening(seen + drawn("human", rng), "open", agent=agent, ip=ip)
        for _ in range(int(rng.random() * (reader.repeats + 1)))
    ]
    if rng.random() < reader.click_rate * appeal:
        for _ in range(1 + int(rng.random() * 1.6)):
            story.append(
                Happening(
                    seen + drawn("reading", rng),
                    "click",
                    link=picked(LINKS, rng),
                    agent=agent,
                    ip=ip,
                )
            )
    return story


def _awake(after_s: float, second_of_day: float, rng: Random) -> float:
    """Most people sleep: what would fall into the night waits for the morning."""
    clock = (second_of_day + after_s) % 86400
    return (
        after_s + 21600 - clock + 9000 * rng.random()
        if clock < 21600 and rng.random() < 0.85
        else after_s
    )


DOMAINS = {
    domain: share for provider in PROVIDERS.values() for domain, share in provider.domains.items()
}
FIELDS = ("email", "tags", "firstName", "plan", "city")
LISTED_EVERY = 67


def recipient(seed: int, number: int) -> dict[str, str]:
    """
    Row *number* of the seeded recipient list; the address is unique, at a reserved domain (RFC
    2606).
    """
    rng = dice(seed, "recipient", number)
    domain, first, last = (
        picked(DOMAINS, rng),
        one_of(NAMES["first"], rng),
        one_of(NAMES["last"], rng),
    )
    tags = ";".join(
        (one_of(("customer", "trial", "partner"), rng), one_of(("emea", "apac", "amer"), rng))
    )
    plan, city = (
        one_of(("Free", "Team", "Business"), rng),
        one_of(("Lyon", "Graz", "Porto", "Osaka", "Leeds", "Quito"), rng),
    )
    return {
        "email": f"{first}.{last}.{number}@{domain}".lower(),
        "tags": tags,
        "firstName": first,
        "plan": plan,
        "city": city,
    }


def recipients(seed: int, count: int) -> Iterator[dict[str, str]]:
    return (recipient(seed, number) for number in range(count))


def suppressed(seed: int, among: int) -> Iterable[str]:
    """
    The addresses of the first *among* recipients that are on the suppression list from the start.
    """
    return (
        recipient(seed, number)["email"]
        for number in range(seed % LISTED_EVERY, among, LISTED_EVERY)
    )
