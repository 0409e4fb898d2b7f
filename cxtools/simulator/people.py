"""Who gets the mail: the seeded recipient list, and the person behind an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cxtools.simulator.dice import dice, draw_key, draw_one
from cxtools.simulator.nature import (
    DOMAINS,
    FATES,
    LASTING,
    NAMES,
    PROVIDERS,
    READERS,
    provider_of,
)

FIELDS = ("email", "tags", "firstName", "plan", "city")
ROLES = ("customer", "trial", "partner")
REGIONS = ("emea", "apac", "amer")
PLANS = ("Free", "Team", "Business")
CITIES = ("Lyon", "Graz", "Porto", "Osaka", "Leeds", "Quito")
#: One recipient in so many is on the suppression list from the start.
LISTED_EVERY = 67


class Person(NamedTuple):
    """Somebody who gets mail: how they read it, and what lasting fate their mailbox has."""

    address: str
    provider: str
    reader: str
    fate: str  # "" or a lasting fate


def person(seed: int, address: str) -> Person:
    """
    The person behind an address. A tag chooses a fate or a reader, for tests: `ann+full@…`,
    `ann+scanned@…`, `ann+delivered@…`.
    """
    local, _, domain = address.lower().rpartition("@")
    tag = local.partition("+")[2]
    provider = provider_of(domain)
    rng = dice(seed, "person", address.lower())
    fate = draw_key(LASTING, rng, total=1)
    reader = draw_key(PROVIDERS[provider].readers, rng)
    if tag:
        fate = tag if tag in FATES else ""
    if tag in READERS:
        reader = tag
    return Person(address, provider, reader, fate)


def recipient(seed: int, number: int) -> dict[str, str]:
    """
    Row *number* of the seeded recipient list; the address is unique, at a reserved domain (RFC
    2606).
    """
    rng = dice(seed, "recipient", number)
    domain = draw_key(DOMAINS, rng)
    first = draw_one(NAMES["first"], rng)
    last = draw_one(NAMES["last"], rng)
    role = draw_one(ROLES, rng)
    region = draw_one(REGIONS, rng)
    address = f"{first}.{last}.{number}@{domain}"
    return {
        "email": address.lower(),
        "tags": f"{role};{region}",
        "firstName": first,
        "plan": draw_one(PLANS, rng),
        "city": draw_one(CITIES, rng),
    }


def recipients(seed: int, count: int) -> Iterator[dict[str, str]]:
    """The first *count* rows of the seeded recipient list."""
    for number in range(count):
        yield recipient(seed, number)


def suppressed(seed: int, among: int) -> Iterator[str]:
    """
    The addresses of the first *among* recipients that are on the suppression list from the start.
    """
    for number in range(seed % LISTED_EVERY, among, LISTED_EVERY):
        yield recipient(seed, number)["email"]
